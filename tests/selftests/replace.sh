#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The whole rule set replaced, again and again, under load: no connection lost,
# no count lost, no moment in which a count is not there.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

rounds=20 # of replacements
[ -z "${LC_SHORT-}" ] || rounds=5
rounds=${LC_ROUNDS:-$rounds}
long=10 # connections that stay open all the time, half of them each server's

# Reads the table all the time and prints every new low of a backend's active
# connections and every fall of a total, until it is stopped.
watch_table() {
	exec nsenter --net="/run/netns/$lb" awk 'BEGIN {
		file = "/proc/net/leastconn"
		for (;;) {
			rows = 0
			while ((getline <file) > 0) {
				if ($1 == "Family")
					continue
				rows++
				if (!($3 in low) || $5 < low[$3]) {
					low[$3] = $5
					print "low", $3, $5
					fflush()
				}
				if ($7 < total[$3]) {
					print "total", $3, $7, "was", total[$3]
					fflush()
				}
				total[$3] = $7
			}
			close(file)
			if (rows != 2) {
				print "rows", rows
				fflush()
			}
		}
	}'
}

replaced_under_load() {
	local loader watcher i made failed why

	setup 2
	serve tcp 80
	balance tcp 80 10.0.1.1:80,10.0.1.2:80
	ipt -t nat -A POSTROUTING -s 192.0.2.1 -j MASQUERADE
	peer "$cl" open long tcp $vip 80 count $long
	expect "5 5" "$(loads)" "the long ones"
	nsenter --net="/run/netns/$cl" "$peer" load tcp $vip 80 >"$tmp/load" &
	loader=$!
	watch_table >"$tmp/watch" &
	watcher=$!

	on "$lb" "$iptables-save" -t nat >"$tmp/rules"
	grep -q LEASTCONN "$tmp/rules" || fail "nothing saved"
	for ((i = 1; i <= rounds; i++)); do
		on "$lb" "$iptables-restore" <"$tmp/rules" ||
			fail "replacement $i"
	done

	kill -TERM $watcher $loader
	wait $loader || fail "load: status $?"
	read -r made failed why <"$tmp/load"
	say "$made connections during $rounds replacements"
	expect 0 "$failed" "connections that failed ($why)"
	[ "$made" -ge "$rounds" ] || fail "only $made connections"
	[ -s "$tmp/watch" ] || fail "nothing watched"
	if awk '$1 == "low" && $3 >= 5 { next } { print; bad = 1 }
		END { exit bad }' "$tmp/watch"; then :; else
		fail "the table did not stand still for the long ones"
	fi
	# They work, and are counted, as before.
	peer "$cl" say 'long.*' hello >"$tmp/answer"
	agree 1000
	expect "5 5" "$(loads)" "the long ones, afterwards"
	i=$(on "$lb" awk 'FNR > 1 { sum += $7 } END { print sum }' \
		/proc/net/leastconn)
	expect $((made + long)) "$i" "total of both"
}

test_iptables_legacy() { # short
	iptables='iptables-legacy'
	need $iptables
	replaced_under_load
}

test_iptables_nft() { # short
	iptables='iptables-nft'
	need $iptables
	replaced_under_load
}

run_tests "$@"
