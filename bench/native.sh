# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Measuring in User-Mode Linux, for wall and background; sourced, never run.
# shellcheck disable=SC2154 # here and top are theirs

# Built before anything is measured, and not at the priority of that.
prepare() { # FOLDER: with programs of the guest
	"$top/tests/vm/deps"
	make -s -C "$here/$1"
	"$top/tests/vm/uml" --quiet -- true
}

# native LIVE OUT COMMAND...: in a machine with room for as many connections in each of two worlds. It has one of the
# host's processors for itself, if there are two. Its memory is the host's, which gives it away page by page, at a
# price: all of it is touched first.
native() {
	local memory=$((1024 + $1 / 350)) out=$2
	shift 2
	chrt --rr 1 taskset -c $(($(nproc) - 1)) "$top/tests/vm/uml" --quiet --memory $memory --timeout 3000 --out "$out" -- \
		sh -c 'mount -t tmpfs -o size=100% touch /mnt && head -c '$((memory - 256))M' /dev/zero >/mnt/touch; umount /mnt
			exec "$@"' sh "$@" </dev/null
}
