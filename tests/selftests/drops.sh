#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# First packets that are dropped, sent again, held up, or race each other:
# what has no conntrack entry never counts, what has one counts once.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# Packets that the rules of CHAIN of the mangle table have seen.
seen() { # CHAIN
	ipt -t mangle -L "$1" -v -n -x | awk 'FNR > 2 { n += $1 } END { print n }'
}

saw_at_least() { # CHAIN N
	[ "$(seen "$1")" -ge "$2" ]
}

entries() { # to $vip, in conntrack
	on "$lb" conntrack -L -d $vip 2>/dev/null | wc -l
}

# ---- dropped ----

# The rule in front of the drop saw the packet, nobody counted it.
dropped_and_forgotten() { # CHAIN
	peer "$cl" open c tcp $vip 80 nowait
	busywait 5000 saw_at_least "$1" 1 || fail "no packet came to $1"
	ledger
	expect "0 0 0" "$(table "$server")" "active, inactive, total of $server"
	expect 0 "$(entries)" "entries in conntrack"
}

test_dropped_in_forward() {
	setup 1
	serve tcp 80
	balance tcp 80 10.0.1.1:80
	ipt -t mangle -A FORWARD -p tcp --syn
	ipt -A FORWARD -p tcp --syn -j DROP
	server=10.0.1.1
	dropped_and_forgotten FORWARD
}

test_dropped_in_input() {
	setup 1
	peer "$lb" listen tcp 10.0.1.254 80
	balance tcp 80 10.0.1.254:80
	ipt -t mangle -A INPUT -p tcp --syn
	ipt -A INPUT -p tcp --syn -j DROP
	server=10.0.1.254
	dropped_and_forgotten INPUT
}

test_dropped_in_postrouting() {
	setup 1
	serve tcp 80
	balance tcp 80 10.0.1.1:80
	ipt -t mangle -A POSTROUTING -p tcp --syn
	ipt -t mangle -A POSTROUTING -p tcp --syn -j DROP
	server=10.0.1.1
	dropped_and_forgotten POSTROUTING
}

# Later in POSTROUTING than any iptables table: nat's own hook is at 100.
test_dropped_behind_source_nat() {
	need nft
	setup 1
	serve tcp 80
	balance tcp 80 10.0.1.1:80
	ipt -t mangle -A POSTROUTING -p tcp --syn
	on "$lb" nft -f - <<-RULES
	table ip late {
		chain out {
			type filter hook postrouting priority 1000;
			tcp dport 80 drop
		}
	}
	RULES
	server=10.0.1.1
	dropped_and_forgotten POSTROUTING
}

# ---- sent again ----

test_retransmitted_syns_count_once() {
	setup 2
	on "$sv" "$iptables" -w -A INPUT -p tcp --dport 80 -j DROP
	balance tcp 80 10.0.1.1:80,10.0.1.2:80
	ipt -t mangle -A POSTROUTING -p tcp --syn
	peer "$cl" open c tcp $vip 80 nowait
	busywait 15000 saw_at_least POSTROUTING 3 || fail "no retransmissions"
	expect "1 0" "$(loads)" "loads"
	expect "1 0 1" "$(table 10.0.1.1)" "active, inactive, total of 10.0.1.1"
	expect 1 "$(entries)" "entries in conntrack"
	agree 1000
}

# What was dropped on the way is translated anew when it is sent again.
test_a_syn_counts_when_it_passes_in_the_end() {
	setup 1
	serve tcp 80
	balance tcp 80 10.0.1.1:80
	ipt -t mangle -A FORWARD -p tcp --syn
	ipt -A FORWARD -p tcp --syn -j DROP
	server=10.0.1.1
	dropped_and_forgotten FORWARD
	ipt -F FORWARD
	busywait 10000 loads_are 1 || fail "the SYN was not sent again"
	expect "1 0 1" "$(table 10.0.1.1)" "active, inactive, total"
	expect 1 "$(served 10.0.1.1)" "connections that the server accepted"
	agree 1000
}

# ---- held up ----

queue_new() { # CHAIN PROTO: first packets wait there in queue 5
	modprobe nfnetlink_queue
	on "$lb" "$here/hold" 5 "$tmp/hold.pid"
	ipt -A "$1" -p "$2" -m conntrack --ctstate NEW \
		-j NFQUEUE --queue-num 5 --queue-bypass
}

holds() { # N packets are in the queue
	on "$lb" awk -v n="$1" '$1 == 5 { held = $3 } END { exit held != n }' \
		/proc/net/netfilter/nfnetlink_queue
}

let_go() {
	kill -TERM "$(cat "$tmp/hold.pid")"
}

test_a_held_packet_counts_when_it_passes() {
	local until

	setup 2
	serve udp 53
	balance udp 53 10.0.1.1:53,10.0.1.2:53
	queue_new FORWARD udp
	peer "$cl" open c udp $vip 53
	peer "$cl" tell c hello
	busywait 5000 holds 1 || fail "the packet was not queued"
	until=$((${EPOCHREALTIME/./} + 3000000))
	while [ "${EPOCHREALTIME/./}" -lt $until ]; do
		expect "0 0" "$(loads)" "loads while the packet is held"
		expect 0 "$(entries)" "entries in conntrack"
	done
	let_go
	expect_loads 1000 "1 0" "loads when it has passed"
	agrees_for 1500
	expect "1 0" "$(loads)" "loads later on"
	expect "1 0 1" "$(table 10.0.1.1 53 udp)" "active, inactive, total"
}

# Each held packet has an entry of its own, with a backend of its own. When the
# first has made its entry the kernel gives it to the others, translation and
# all, as they leave the queue.
test_first_packets_held_side_by_side_count_once() {
	local i

	setup 3
	serve udp 53
	balance udp 53 10.0.1.1:53,10.0.1.2:53,10.0.1.3:53
	queue_new FORWARD udp
	peer "$cl" open c udp $vip 53
	for i in 1 2 3 4 5 6 7; do
		peer "$cl" tell c "packet $i"
	done
	busywait 5000 holds 7 || fail "the packets were not queued"
	expect "0 0 0" "$(loads)" "loads while all are held"
	let_go
	busywait 5000 is 1 entries || fail "$(entries) entries"
	expect_loads 1000 "1 0 0" "loads after the race"
	agrees_for 1500
	expect "1 0 0" "$(loads)" "loads later on"
	expect 1 "$(totals)" "connections ever counted"
}

totals() { # all connections ever counted
	on "$lb" awk '{ n += $7 } END { print n }' /proc/net/leastconn
}

clashes() {
	on "$lb" conntrack -S | grep -o 'clash_resolve=[0-9]*' |
		awk -F= '{ n += $2 } END { print n }'
}

# Two processors, each with a first packet of the same flow: both choose, often
# differently, and conntrack keeps one. The loser's packet goes where it was
# translated to; an entry that leads its answer back lives for a second.
twins_race() { # sets how many flows there were
	flows=0
	[ "$(nproc)" -gt 1 ] || skip "one processor cannot race"
	setup 3
	serve udp 53
	balance udp 53 10.0.1.1:53,10.0.1.2:53,10.0.1.3:53
	while [ "$(clashes)" -lt 5 ]; do
		[ $flows -lt 2000 ] || skip "no race in $flows tries"
		on "$cl" "$here/twins" $vip 53 200 $((20000 + flows))
		flows=$((flows + 200))
	done
	say "$(clashes) clashes in $flows flows"
	busywait 5000 is $flows entries || fail "$(entries) entries of $flows"
}

test_flows_begun_by_two_processors_are_active_once() { # short
	twins_race
	agree 1000
	expect $flows "$(loads | awk '{ print $1 + $2 + $3 }')" "active in all"
}

test_flows_begun_by_two_processors_count_once_in_total() {
	twins_race
	agree 1000
	expect $flows "$(totals)" "connections ever counted"
}

# Conntrack puts a new entry in the place of the closed one that has the same
# addresses and ports. Its record is there still, and takes the new one over.
test_a_port_used_again_counts_at_once() { # short
	local i

	setup 1
	serve tcp 80
	balance tcp 80 10.0.1.1:80
	for i in 1 2 3 4 5 6 7 8; do
		peer "$cl" open c tcp $vip 80 from 10.0.0.2,4000
		expect 1 "$(loads)" "loads with connection $i"
		peer "$cl" reset c
	done
	expect 1 "$(entries)" "entries in conntrack"
	expect 8 "$(totals)" "connections ever counted"
}

run_tests "$@"
