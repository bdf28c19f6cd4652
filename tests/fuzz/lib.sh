# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What both fuzzers share: libFuzzer with ASan and UBSan, first over all inputs that
# have ever been wrong and over seeds, then over what becomes of these.

fuzz_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/ext/lib.sh
. "$fuzz_here/../ext/lib.sh"

# ctl.c gives back what is left when the tool exits. What iptables allocates is
# freed by its end; leaks are of refused rules.
export ASAN_OPTIONS=detect_leaks=0

# fuzz_main NAME [--runs N] [--seed N]: the fuzzer's build() makes $ext_tmp/fuzz, its
# seeds() fill $ext_tmp/seeds. known-NAME has the inputs, NAME.dict the words.
fuzz_main() {
	local name=$1 runs=1000000 seed=$((RANDOM << 15 | RANDOM)) status

	shift
	[ -z "${LC_SHORT-}" ] || runs=100000
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
	mkdir "$ext_tmp/seeds"
	seeds
	# One by one, each as often as its own faults need.
	"$ext_tmp/fuzz" "$fuzz_here/known-$name"/* "$ext_tmp"/seeds/* \
		>"$ext_tmp/said" 2>&1
	ktap_result $? "inputs that were wrong once" < <(tail -n 60 "$ext_tmp/said")
	# A crash is left in the folder of the checkout: to be kept there with its mend.
	"$ext_tmp/fuzz" -seed="$seed" -runs="$runs" -max_len=2048 -timeout=10 \
		-rss_limit_mb=4096 -dict="$fuzz_here/$name.dict" \
		-artifact_prefix="$fuzz_here/known-$name/" "$ext_tmp/seeds" \
		>"$ext_tmp/said" 2>&1
	status=$?
	echo "# seed $seed: $(grep '^Done' "$ext_tmp/said")"
	ktap_result $status "new inputs" < <(tail -n 60 "$ext_tmp/said")
	ktap_end
}
