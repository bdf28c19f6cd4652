#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The plugin's parser under libFuzzer with ASan and UBSan: see plugin.c. First
# all that has ever been wrong, then seeds from xtables-ext/*.t and what becomes
# of them.
#
#	plugin.sh [--runs N] [--seed N]
set -uo pipefail

# shellcheck source=tests/fuzz/lib.sh
. "$(dirname "$0")/lib.sh"

declare -A number=([tcp]=6 [udp]=17 [sctp]=132 [dccp]=33 [udplite]=136 [icmp]=1
	[icmpv6]=58)

build() {
	# shellcheck disable=SC2046 # words on purpose
	clang -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all -I"$ext_top/include/uapi" \
		-o "$ext_tmp/fuzz" "$fuzz_here/plugin.c" \
		"$fuzz_here/../rawrule/promise.c" \
		"$ext_top/xtables-ext/libxt_LEASTCONN.c" \
		$(pkg-config --libs xtables)
}

# input KIND PROTO WORD...: as plugin.c reads it
input() {
	local IFS=$'\n' # between words

	# shellcheck disable=SC2059 # a byte by its number
	printf "\\x$(printf %x "$1")\\x$(printf %x "$2")"
	echo -n "${*:3}"
}

# row KIND WORD...: a rule's options
row() {
	local kind=$1 proto=0 words=() pool=() settings=()

	shift
	while [ $# -gt 0 ]; do
		case $1 in
		!) kind=$((kind | 2)) ;;
		-p) proto=${number[$2]-0}; shift ;;
		--to) words+=("$2"); shift ;;
		--pool) pool=("$2"); shift ;;
		--redispatch) settings+=("$1") ;;
		--max-fails | --fail-timeout | --slow-start | --persistent*)
			settings+=("$1 ${2-}")
			shift
			;;
		esac
		shift
	done
	[ ${#pool[@]} = 0 ] || kind=$((kind | 8))
	input "$kind" "$proto" "${words[@]}" "${settings[@]}" "${pool[@]}"
}

rule_seeds() { # KIND FILE
	local line n=0 words

	while IFS=';' read -r line _; do
		[[ $line == *" --to "* || $line == *" --pool "* ]] || continue
		read -ra words <<<"$line"
		n=$((n + 1))
		row "$1" "${words[@]}" >"$ext_tmp/seeds/$1-$n"
	done <"$2"
}

seeds() {
	rule_seeds 0 "$ext_top/xtables-ext/libipt_LEASTCONN.t"
	rule_seeds 1 "$ext_top/xtables-ext/libip6t_LEASTCONN.t"
}

fuzz_main plugin "$@"
