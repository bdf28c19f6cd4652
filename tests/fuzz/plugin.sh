#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The plugin's parser under libFuzzer with ASan and UBSan: see plugin.c. First
# all that has ever been wrong, then seeds from xtables-ext/*.t and what becomes
# of them.
#
#	plugin.sh [--runs N] [--seed N]
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/ext/lib.sh
. "$here/../ext/lib.sh"

runs=1000000
[ -z "${LC_SHORT-}" ] || runs=100000
seed=$((RANDOM << 15 | RANDOM))
declare -A number=([tcp]=6 [udp]=17 [sctp]=132 [dccp]=33 [udplite]=136 [icmp]=1
	[icmpv6]=58)

# What iptables allocates is freed by its end. Leaks are of refused rules.
export ASAN_OPTIONS=detect_leaks=0

build() {
	# shellcheck disable=SC2046 # words on purpose
	clang -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all -I"$ext_top/include/uapi" \
		-o "$ext_tmp/fuzz" "$here/plugin.c" \
		"$here/../rawrule/promise.c" \
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

seeds() { # KIND FILE
	local line n=0 words

	while IFS=';' read -r line _; do
		[[ $line == *" --to "* || $line == *" --pool "* ]] || continue
		read -ra words <<<"$line"
		n=$((n + 1))
		row "$1" "${words[@]}" >"$ext_tmp/seeds/$1-$n"
	done <"$2"
}

# The inputs one by one, each as often as its own faults need.
known_inputs() {
	"$ext_tmp/fuzz" "$here"/known/* >"$ext_tmp/said" 2>&1
}

# A crash is left in the folder of the checkout: to be kept there with its mend.
new_inputs() {
	"$ext_tmp/fuzz" -seed="$seed" -runs="$runs" -max_len=2048 -timeout=10 \
		-rss_limit_mb=4096 -dict="$here/plugin.dict" \
		-artifact_prefix="$here/known/" "$ext_tmp/seeds" \
		>"$ext_tmp/said" 2>&1
}

main() {
	local status

	while [ $# -ge 2 ]; do
		case $1 in
		--runs) runs=$2 ;;
		--seed) seed=$2 ;;
		esac
		shift 2
	done
	command -v clang >/dev/null || ktap_skip_all "no clang"
	ktap_plan 3
	build >"$ext_tmp/said" 2>&1
	ktap_result $? "build" <"$ext_tmp/said"
	known_inputs
	ktap_result $? "inputs that were wrong once" < <(tail -n 60 "$ext_tmp/said")
	mkdir "$ext_tmp/seeds"
	seeds 0 "$ext_top/xtables-ext/libipt_LEASTCONN.t"
	seeds 1 "$ext_top/xtables-ext/libip6t_LEASTCONN.t"
	new_inputs
	status=$?
	echo "# seed $seed: $(grep '^Done' "$ext_tmp/said")"
	ktap_result $status "new inputs" < <(tail -n 60 "$ext_tmp/said")
	ktap_end
}

main "$@"
