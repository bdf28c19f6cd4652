# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What run, kernel and deps share: messages and the cache's place. Sourced, never run.

# shellcheck disable=SC2034 # for those who source this
vm_cache=${XDG_CACHE_HOME:-$HOME/.cache}/leastconn

# Everything we tell the user goes to stderr: stdout belongs to the command in the guest, or to a result.
say() {
	printf '%s: %s\n' "${0##*/tests/}" "$*" >&2
}

die() {
	say "$*"
	exit 125
}
