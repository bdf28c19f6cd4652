#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Random changes of pools and states against a plain model: see model.c.
#
#	model.sh [--seed N] [--operations N] [TEST...]
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

seed=$((RANDOM << 15 | RANDOM))
operations=10000
[ -z "${LC_SHORT-}" ] || operations=1000

test_kernel_and_model_agree() { # short
	modprobe $module
	say "seed $seed"
	LC_IPTABLES=$iptables "$here/model" "$operations" "$seed"
	unload
}

while [ $# -ge 2 ]; do
	case $1 in
	--seed) seed=$2 ;;
	--operations) operations=$2 ;;
	*) break ;;
	esac
	shift 2
done
run_tests "$@"
