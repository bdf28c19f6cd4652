# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the tests in this folder share: the plugin to test, front ends.

ext_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
ext_tmp=$(mktemp -d)
# The selftests delete each namespace whose name ends with the process id.
ns=lc-$$-${0##*/}	# for suites that add it
ext_cleanup() {
	ip netns del "$ns" 2>/dev/null
	rm -rf "$ext_tmp"
}
trap ext_cleanup EXIT

PATH=$PATH:/usr/sbin:/sbin

# shellcheck source=tests/ktap.sh
. "$ext_top/tests/ktap.sh"

# same EXPECTED ACTUAL
same() {
	if [[ $1 != "$2" ]]; then
		printf 'expected:\n%s\ngot:\n%s\n' "$1" "$2"
		return 1
	fi
}

# refuses STATUS COMMAND...
refuses() {
	local expected=$1 status=0
	shift
	"$@" || status=$?
	same "$expected" "$status"
}

# must_build WHAT ARG...: by make; the script ends if it cannot.
must_build() {
	make -s "${@:2}" >"$ext_tmp/make.log" 2>&1 && return
	ktap_plan 1
	ktap_result 1 "build $1" <"$ext_tmp/make.log"
	exit 1
}

# The checkout's plugin, unless the caller says which by XTABLES_LIBDIR: an
# installed one may be older than what is to be tested.
use_plugin() {
	if [[ -n ${XTABLES_LIBDIR-} ]]; then
		return
	fi
	must_build "the plugin" -C "$ext_top/xtables-ext" "O=$ext_tmp/plugin"
	export XTABLES_LIBDIR
	XTABLES_LIBDIR=$ext_tmp/plugin:$(pkg-config --variable=xtlibdir xtables)
}

# The checkout's leastconnctl, for the pools of --pool, as $ext_ctl.
use_tool() {
	# shellcheck disable=SC2034 # for those who source this
	ext_ctl=$ext_top/ctl/leastconnctl
	must_build leastconnctl -C "$ext_top/ctl"
}

need_root() {
	if ((EUID != 0)) || ! unshare -n true 2>/dev/null; then
		ktap_skip_all "needs root and network namespaces"
	fi
}

# Only a module that is nowhere is a reason to skip: one that does not load is
# a failure.
need_module() {
	if [[ ! -d /sys/module/xt_LEASTCONN ]] &&
		! modprobe -n -q xt_LEASTCONN 2>/dev/null; then
		ktap_skip_all "no module xt_LEASTCONN for kernel $(uname -r)"
	fi
}

# has_nat COMMAND: legacy's nat table is not in every kernel.
has_nat() {
	unshare -n "$1" -t nat -S >/dev/null 2>&1
}
