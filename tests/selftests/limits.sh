#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Who may take a connection: max-conns, weight=0, backup; and what happens when
# nobody may.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

s1=10.0.1.1 s2=10.0.1.2 s3=10.0.1.3 sorry=10.0.1.4

# The rule after the balancing one.
sorry_server() {
	ipt -t nat -A PREROUTING -d $vip -p tcp --dport 80 \
		-j DNAT --to-destination $sorry:80
}

open() { # NAME [OPTION...]: connections of the client
	peer "$cl" open "$1" tcp $vip 80 "${@:2}"
}

leave() { # NAME: closed, by an RST that the client has seen
	peer "$cl" tell "$1" reset
	peer "$cl" drain "$1"
}

test_a_cap_holds_exactly() { # short
	setup
	serve tcp 80
	balance tcp 80 $s1-$s3:80,max-conns=2
	sorry_server
	open a count 6
	expect "2 2 2" "$(loads)" "filled"
	open b count 3
	expect "2 2 2" "$(loads)" "three too many"
	has_served 3 $sorry
	agree 1000
}

test_room_that_returns_is_used_again() {
	local i

	setup
	serve tcp 80
	balance tcp 80 $s1-$s3:80,max-conns=2
	sorry_server
	open a count 6
	for i in 1 2 3; do
		open b
		has_served "$i" $sorry
		# The very next connection finds the room.
		leave "a.$i"
		open "c.$i"
		expect "2 2 2" "$(loads)" "filled again"
		has_served "$i" $sorry
	done
	agree 1000
}

test_caps_of_different_sizes() {
	setup
	serve tcp 80
	# Uncapped, the weights would give 1, 4 and 8.
	balance tcp 80 $s1:80,weight=1,$s2:80,weight=4,max-conns=2,$s3:80,weight=8,max-conns=5
	open a count 13
	expect "6 2 5" "$(loads)" "the rest goes to the one without a cap"
	agree 1000
}

test_other_load_fills_a_cap_too() {
	setup
	serve tcp 80
	balance tcp 80 $s1:80,max-conns=3,$s2:80,max-conns=3
	sorry_server
	peer "$cl" open direct tcp $s1 80 count 2
	open a count 4
	expect "3 3" "$(loads)" "filled"
	open b
	has_served 1 $sorry
}

full() { # what list says of the cap
	ctl list | grep -o 'max-conns.*'
}

# The connections that count to it.
counted() {
	ctl metrics | sed -n 's/^leastconn_pool_backend_counted_connections{.*} //p'
}

# SYNs from forged addresses are loads, but after a moment not for the cap.
test_list_says_full_if_nothing_is_accepted() { # short
	setup
	serve tcp 80
	ip -n "$cl" addr add 10.0.0.9/24 dev eth0
	on "$cl" iptables -w -I INPUT -d 10.0.0.9 -j DROP
	ctl pool add web
	ctl add web $s1:80 max-conns 2
	pooled tcp 80 web
	sorry_server
	open forged count 2 from 10.0.0.9 nowait
	busywait 2000 is 2 active $s1 || fail "not there: $(ctl list)"
	busywait 5000 is "max-conns 2" full || fail "full of half-open ones: $(ctl list)"
	expect "2 0" "$(active $s1) $(counted)" "half-open"
	open a
	expect "max-conns 2" "$(full)" "with one that counts"
	expect "3 1" "$(active $s1) $(counted)" "one accepted"
	open b
	expect "max-conns 2 (full)" "$(full)" "with two that count"
	expect "4 2" "$(active $s1) $(counted)" "two accepted"
	open c
	has_served 1 $sorry
	agree 1000
}

test_udp_caps() {
	setup 2
	serve udp 53
	balance udp 53 $s1:53,max-conns=2
	ipt -t nat -A PREROUTING -d $vip -p udp -j DNAT --to-destination $s2:53
	peer "$cl" open u udp $vip 53 count 5
	peer "$cl" tell 'u.*' hello
	expect "2 0 2" "$(table $s1 53 udp)" "capped"
	expect 3 "$(on "$lb" conntrack -L -p udp --reply-src $s2 2>/dev/null |
		wc -l)" "the next rule's"
	agree 1000
}

# Two processes, each on a processor of its own, open without waiting: a
# packet is chosen for and recorded without a break on one processor, so that
# each of the others may have chosen by the same count.
test_a_burst_from_two_processors_overshoots_by_less_than_their_number() {
	local cap=40 count=150 i cpu cpus got over=0 start
	local -a jobs=()

	cpus=$(nproc)
	[ "$cpus" -ge 2 ] || skip "one processor"
	need taskset
	setup
	serve tcp 80
	balance tcp 80 $s1-$s3:80,max-conns=$cap
	sorry_server
	for cpu in 0 1; do
		on "$cl" taskset -c $cpu "$peer" serve "$tmp/cpu$cpu.sock"
	done
	for ((i = 1; i <= 3; i++)); do
		jobs=()
		start=$((${EPOCHREALTIME/./} + 300000 * slow))
		for cpu in 0 1; do
			"$peer" ask "$tmp/cpu$cpu.sock" open "r$i" tcp $vip 80 \
				count $count nowait at $start &
			jobs+=($!)
		done
		wait "${jobs[@]}"
		for cpu in 0 1; do
			"$peer" ask "$tmp/cpu$cpu.sock" say "r$i.*" hello \
				>"$tmp/answer"
		done
		for got in $(loads); do
			[ "$got" -ge $cap ] || fail "not filled: $(loads)"
			[ "$got" -lt $((cap + cpus)) ] || fail "over: $(loads)"
			over=$((over + got - cap))
		done
		agree 1000
		for cpu in 0 1; do
			"$peer" ask "$tmp/cpu$cpu.sock" reset "r$i.*"
		done
		busywait 5000 is "0 0 0" loads || fail "not empty: $(loads)"
	done
	say "$over connections over the caps, in 9 fillings"
}

test_a_backup_is_used_only_while_no_other_can() {
	setup
	serve tcp 80
	# The backup stands first: not the order decides.
	balance tcp 80 $s3:80,max-conns=2,backup,$s1:80,max-conns=1,$s2:80,max-conns=1
	sorry_server
	open a count 2
	expect "0 1 1" "$(loads)" "the ordinary ones first"
	open b
	expect "1 1 1" "$(loads)" "then the backup"
	leave a.1
	open c
	expect "1 1 1" "$(loads)" "an ordinary one has room again"
	open d
	expect "2 1 1" "$(loads)" "and none again"
	open e
	has_served 1 $sorry
	leave b
	leave d
	leave a.2
	open f
	expect "0 1 1" "$(loads)" "an idle backup waits while others have room"
	agree 1000
}

test_backups_share_by_load() {
	setup
	serve tcp 80
	balance tcp 80 $s1:80,weight=0,$s2:80,backup,$s3:80,weight=2,backup
	open a count 9
	expect "0 3 6" "$(loads)" "all ordinary ones drained"
}

test_weight_0_takes_nothing() {
	setup
	serve tcp 80
	balance tcp 80 $s1-$s2:80
	open a count 4
	ipt -t nat -R PREROUTING 1 -d $vip -p tcp --dport 80 \
		-j LEASTCONN --to $s1:80,weight=0,$s2:80
	expect "2 2" "$(loads)" "kept"
	open b count 4
	expect "2 6" "$(loads)" "all new ones to the other"
	expect hello "$(peer "$cl" say a.1 hello)" "one of the drained one's"
	agree 1000
}

test_all_drained_is_the_next_rule() {
	setup
	serve tcp 80
	balance tcp 80 $s1:80,weight=0,$s2:80,weight=0
	sorry_server
	open a count 2
	expect "0 0" "$(loads)" "drained"
	has_served 2 $sorry
}

test_without_a_next_rule_it_goes_where_it_was_sent() {
	setup 2
	serve tcp 80
	ip -n "$lb" addr add $vip/32 dev lo
	peer "$lb" listen tcp 0.0.0.0 80
	balance tcp 80 $s1:80,max-conns=1,$s2:80,max-conns=1
	open a count 2
	expect "1 1" "$(loads)" "filled"
	open b count 3
	expect "1 1" "$(loads)" "three more"
	busywait 1000 is 3 peer "$lb" accepted || fail "not at $vip"
	expect 3 "$(on "$lb" conntrack -L --reply-src $vip 2>/dev/null |
		wc -l)" "untranslated ones"
	leave a.1
	open c
	expect "1 1" "$(loads)" "room again"
	busywait 1000 is 3 peer "$lb" accepted || fail "not balanced"
	agree 1000
}

run_tests "$@"
