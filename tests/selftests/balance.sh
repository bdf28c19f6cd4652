#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Long-lived connections, one after another: who gets the next one.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# spread: most minus fewest of the servers' active connections, by conntrack
spread() {
	ledger | awk 'NR == 1 { least = $5 }
		$5 > most { most = $5 }
		$5 < least { least = $5 }
		END { print most - least }'
}

test_equal_backends_never_differ_by_more_than_one() {
	local i

	setup
	serve tcp 80
	balance tcp 80 10.0.1.1-10.0.1.4:80
	for ((i = 1; i <= 14; i++)); do
		peer "$cl" open "c.$i" tcp $vip 80
		[ "$(spread)" -le 1 ] || fail "spread $(spread) after $i"
	done
	agree 1000
}

# Section 4's definition, in exact integers, by awk: which backends may be the
# next one, given the counts so far.
candidates() { # WEIGHTS COUNTS
	awk -v w="$1" -v c="$2" 'BEGIN {
		n = split(w, weight); split(c, count)
		for (i = 1; i <= n; i++) {
			least = 1
			for (j = 1; j <= n; j++)
				if ((count[j] + 1) * weight[i] < (count[i] + 1) * weight[j])
					least = 0
			if (least)
				printf " %d ", i
		}
	}'
}

# weighted CONNECTIONS WEIGHT...: each connection goes to one that may be the
# next. Prints the counts in the end.
weighted() {
	local i at now counts='' to='' n=$(($# - 1)) weights=("${@:2}")

	setup $n
	serve tcp 80
	for ((i = 1; i <= n; i++)); do
		to+=",10.0.1.$i:80,weight=${weights[i - 1]}"
		counts+="${counts:+ }0"
	done
	balance tcp 80 "${to#,}"
	for ((i = 1; i <= $1; i++)); do
		peer "$cl" open "c.$i" tcp $vip 80
		now=$(ledger | awk '{ printf "%s%s", sep, $5; sep = " " }')
		at=$(echo "$counts $now" | awk -v n=$n \
			'{ for (i = 1; i <= n; i++) if ($(i + n) != $i) print i }')
		case $(candidates "${weights[*]}" "$counts") in
		*" $at "*) ;;
		*) fail "connection $i went to $at, with counts $counts" ;;
		esac
		counts=$now
	done
	echo "$counts"
}

test_weights_give_the_defined_sequence() {
	weighted 24 1 2 5 >"$tmp/counts"
	expect "3 6 15" "$(cat "$tmp/counts")" "24 connections with weights 1:2:5"
}

test_many_weights_give_the_defined_sequence() {
	weighted 40 1 9 3 0 7 7 2 12 1 5 10 8 9
}

# Two rules with the same backends, in another order: each must see what the
# other has added, and what ends.
test_rules_that_share_backends() {
	local i

	setup 11
	serve tcp 80
	balance tcp 80 10.0.1.1-10.0.1.11:80
	balance tcp 81 10.0.1.7-10.0.1.11:80,10.0.1.1-10.0.1.6:80
	for ((i = 1; i <= 40; i++)); do
		peer "$cl" open "c.$i" tcp $vip $((80 + i * i % 3 % 2))
		[ "$(spread)" -le 1 ] || fail "spread $(spread) after $i"
	done
	for i in 5 13 22 31; do
		peer "$cl" reset "c.$i"
		peer "$cl" open "d.$i" tcp $vip $((80 + i % 2))
		[ "$(spread)" -le 1 ] || fail "spread $(spread) after c.$i had closed"
	done
	agree 1000
}

test_ties_go_round() {
	local i

	setup
	serve tcp 80
	balance tcp 80 10.0.1.1-10.0.1.4:80
	# Each has ended before the next: always a tie of four.
	for ((i = 1; i <= 12; i++)); do
		peer "$cl" open c tcp $vip 80
		peer "$cl" reset c
	done
	for ((i = 1; i <= 4; i++)); do
		has_served 3 "10.0.1.$i"
	done
}

test_a_closed_place_is_filled_next() {
	local i

	setup
	serve tcp 80
	balance tcp 80 10.0.1.1-10.0.1.4:80
	for ((i = 1; i <= 8; i++)); do
		peer "$cl" open "c.$i" tcp $vip 80
	done
	has_served 2 10.0.1.3
	# The third was given to 10.0.1.3: ties go round from the first.
	peer "$cl" close c.3
	busywait 1000 is 1 active 10.0.1.3 || fail "the close was not seen"
	peer "$cl" open c.9 tcp $vip 80
	has_served 3 10.0.1.3
}

test_ipv6() { # short
	local i

	setup
	serve tcp 80
	balance6 tcp 80 "[fd00:1::1]-[fd00:1::4]:80"
	for ((i = 1; i <= 8; i++)); do
		peer "$cl" open "c.$i" tcp $vip6 80
	done
	for ((i = 1; i <= 4; i++)); do
		has_served 2 "fd00:1::$i"
	done
	agree 1000
}

run_tests "$@"
