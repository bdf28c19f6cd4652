#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Rules made up by dice, through both doors, and messages to the control family:
# the kernel's answer to each is what the headers promise, what it accepts it
# shows as it was sent, and when all is over nothing is left of them. See
# ../rawrule/main.c and ../genl/fuzz.c.
#
#	fuzz.sh [--seed N] [--from ROUND] [--rounds N] [TEST...]
# shellcheck source=../rawrule/lib.sh
. "$(dirname "$0")/../rawrule/lib.sh"

seeds=$(dirname "$0")/fuzz.seeds
seed=$((RANDOM << 15 | RANDOM))
from=0
rounds=25000
family_rounds=100000
[ -z "${LC_SHORT-}" ] || rounds=1000 family_rounds=4000
known_rounds=500

# Seeds that are worth it come first.
all_fuzz() {
	local known
	local -a all=()

	[ "$from" != 0 ] || mapfile -t all < <(awk -v d="$door" -v f="$family" \
		'$1 == d && $2 == f { print $3 }' "$seeds")
	for known in "${all[@]}"; do
		say "seed $known"
		fuzz $known_rounds "$known"
	done
	say "seed $seed"
	fuzz "$rounds" "$seed" "$from"
}

# An honest rule, on a module that is loaded anew.
honest_rule_balances() {
	local servers='10.0.1.1:80,10.0.1.2:80'

	[ "$family" = 4 ] || servers='[fd00:1::1]:80,[fd00:1::2]:80'
	teardown_hosts
	setup 2
	serve tcp 80
	front -t nat -A PREROUTING -p tcp --dport 80 -j LEASTCONN --to "$servers"
	two_balanced
	front -t nat -F
	unload
}

fuzzed() { # DOOR FAMILY
	local door=$1 family=$2

	leaves_nothing all_fuzz
	honest_rule_balances
}

test_fuzz_legacy_ipv4() { # short
	fuzzed legacy 4
}

test_fuzz_legacy_ipv6() { # short
	fuzzed legacy 6
}

test_fuzz_nft_ipv4() { # short
	fuzzed nft 4
}

test_fuzz_nft_ipv6() { # short
	fuzzed nft 6
}

# Of pools it takes away all that there are.
fuzz_family() {
	say "seed $seed"
	on "$lb" "$leastconnctl" pool del web
	on "$lb" "$here/../genl/fuzz" "$family_rounds" "$seed" "$from"
	on "$lb" "$leastconnctl" pool add web
}

test_fuzz_control_family() { # short
	local door=nft family=4

	leaves_nothing fuzz_family
	modprobe $module
	"$here/family" in_their_order
	honest_rule_balances
}

while [ $# -ge 2 ]; do
	case $1 in
	--seed) seed=$2 ;;
	--from) from=$2 ;;
	--rounds) rounds=$2 family_rounds=$2 ;;
	*) break ;;
	esac
	shift 2
done
run_tests "$@"
