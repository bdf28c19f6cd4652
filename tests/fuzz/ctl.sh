#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# leastconnctl under libFuzzer with ASan and UBSan: see ctl.c. First all that has
# ever been wrong, then seeds of each kind and what becomes of them.
#
#	ctl.sh [--runs N] [--seed N]
set -uo pipefail

# shellcheck source=tests/fuzz/lib.sh
. "$(dirname "$0")/lib.sh"

# What of the tool's is ctl.c's instead.
renamed=(-Dmain=ctl_main)
for name in exit fopen nanosleep malloc calloc realloc reallocarray free \
	strdup getline; do
	renamed+=("-D$name=ctl_$name")
done

build() {
	local source objects=()
	local flags=(-std=gnu11 -g -O1 "-fsanitize=address,undefined"
		-fno-sanitize-recover=all -I"$ext_top/include/uapi")

	for source in "$ext_top"/ctl/*.c "$fuzz_here/../ctl/kernel.c"; do
		objects+=("$ext_tmp/$(basename "$source" .c).o")
		clang "${flags[@]}" -fsanitize=fuzzer-no-link "${renamed[@]}" \
			-c -o "${objects[-1]}" "$source" || return
	done
	# shellcheck disable=SC2046 # words on purpose
	clang "${flags[@]}" -fsanitize=fuzzer -o "$ext_tmp/fuzz" "$fuzz_here/ctl.c" \
		"${objects[@]}" $(pkg-config --libs libmnl)
}

# ---- seeds: bytes as ctl.c reads them ----

byte() { # NUMBER...
	local number

	for number; do
		# shellcheck disable=SC2059 # a byte by its number
		printf "\\x$(printf %x "$number")"
	done
}

le16() {
	byte $(($1 & 255)) $(($1 >> 8 & 255))
}

le32() {
	le16 "$1"
	le16 $(($1 >> 16))
}

u32() { # TYPE VALUE
	le16 8
	le16 "$1"
	le32 "$2"
}

u64() {
	le16 12
	le16 "$1"
	le32 "$2"
	le32 0
}

text() { # TYPE STRING
	local padding=$(((4 - (${#2} + 1) % 4) % 4))

	le16 $((${#2} + 5))
	le16 "$1"
	printf %s "$2"
	byte 0
	while [ $((padding--)) -gt 0 ]; do byte 0; done
}

# record TYPE: its bytes are stdin
record() {
	cat >"$ext_tmp/record"
	byte "$1"
	le16 "$(stat -c %s "$ext_tmp/record")"
	cat "$ext_tmp/record"
}

address4() { # D: 10.0.0.D
	u32 6 2
	le16 8
	le16 7
	byte 10 0 0 "$1"
}

address6() {
	u32 6 10
	le16 20
	le16 7
	byte 253 0 0 0 0 0 0 0 0 0 0 0 0 0 0 "$1"
}

service() { # PORT PROTO
	u32 8 "$1"
	u32 9 "$2"
}

counts() { # STATE
	u32 13 "$1"
	u32 16 7
	u32 17 1
	u64 18 100
}

terms() { # WEIGHT MAX BACKUP
	u32 10 "$1"
	u32 11 "$2"
	u32 12 "$3"
}

some_pools() {
	{ text 4 web; u32 19 1; u32 20 2; } | record 0
	{ text 4 web; address4 1; service 80 6; counts 0; terms 1 0 0; } | record 0
	{ text 4 web; address4 2; service 80 6; counts 1; terms 65535 9 1; } | record 0
	{ text 4 dns; u32 19 0; u32 20 1; } | record 0
	{ text 4 dns; address6 1; service 80 6; counts 2; terms 0 0 0; } | record 0
	{ u32 5 17; u32 19 1; u32 20 1; } | record 0
	{ u32 5 17; address4 7; service 80 6; counts 0; terms 1 0 0; } | record 0
}

some_backends() {
	{ address4 1; service 80 6; counts 0; } | record 0
	{ address4 9; service 443 6; counts 1; } | record 0
	{ address6 1; service 80 6; counts 2; } | record 0
}

some_events() {
	{ u32 21 1; text 4 web; u32 19 0; u32 20 0; } | record 0
	{ u32 21 3; text 4 web; address4 1; service 80 6; counts 0; terms 1 0 0; } | record 0
	{ u32 21 6; address4 1; service 80 6; counts 1; } | record 0
	record 4 <<<1
}

# An errno, what was sent, and "no pool" at byte 20.
some_refusal() {
	{
		le32 -2
		le32 16
		le32 0
		le32 0
		le32 0
		text 1 "no pool"
		u32 2 20
	} | record 65
}

some_script() {
	cat <<-SCRIPT
	# a comment
	pool add web
	  add web 10.0.0.1:80 weight 3 max-conns 7 backup state drain # and another
	add web 10.0.0.2
	set web 10.0.0.1:80 no-backup
	del web 10.0.0.1:80 --kill

	drain 10.0.0.3:80 proto udp
	down [fd00::1]:443
	ready fd00::1 proto any
	kill 10.0.0.1
	pool del web
	SCRIPT
}

words() { # WORD...
	local IFS=$'\n'

	byte 0
	printf %s "$*"
}

seeds() {
	local n=0 line command

	some_script | grep -v '#' | while read -ra line; do
		n=$((n + 1))
		words "${line[@]}" >"$ext_tmp/seeds/words-$n"
	done
	words pool add abcdefghijklmnopqrstuvwxyz01234 >"$ext_tmp/seeds/words-name"
	words pool add abcdefghijklmnopqrstuvwxyz012345 >"$ext_tmp/seeds/words-long"
	words list web --json >"$ext_tmp/seeds/words-list"
	words help >"$ext_tmp/seeds/words-help"
	words restore - >"$ext_tmp/seeds/words-restore"
	{ byte 1; some_script; } >"$ext_tmp/seeds/script"
	for command in 0 1 2 3 7; do
		{
			byte 2 $command
			# backends first, unless they are a pool's
			[ $command = 2 ] || some_backends
			[ $command = 2 ] || { le32 0; } | record 2
			some_pools
			{ le32 0; } | record 2
		} >"$ext_tmp/seeds/answers-$command"
	done
	{ byte 2 4; some_events; } >"$ext_tmp/seeds/events"
	{ byte 2 5; { u32 22 3; } | record 0; } >"$ext_tmp/seeds/killed"
	{ byte 2 6; some_refusal; } >"$ext_tmp/seeds/refusal"
}

fuzz_main ctl "$@"
