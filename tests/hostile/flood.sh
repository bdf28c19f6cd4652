#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A flood of SYNs from forged sources, conntrack's table full: what it costs is
# bounded, who is connected stays so, and who comes gets in as with DNAT.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# What a slow kernel gets done in the life of a half-open connection fills it.
entries_max=$((slow > 1 ? 500 : 2000))
rounds=10	# of so many who knock at once
knocks=50

# The table is one for all namespaces, its limit each namespace's.
small_table() {
	modprobe nf_conntrack
	sysctl -qw net.netfilter.nf_conntrack_max=$entries_max \
		net.netfilter.nf_conntrack_buckets=1024
}

flood() {
	a_thousand_syns_a_second
	busywait 30000 table_is_full || fail "$(entries) entries of $entries_max"
}

a_thousand_syns_a_second() {
	need hping3
	# Not by on(): that would be a shell, and its end not the flood's.
	nsenter --net="/run/netns/$cl" hping3 -q --rand-source -S -p 80 -i u1000 $vip >/dev/null 2>&1 &
	flood_pid=$!
}

dry() {
	kill "$flood_pid"
	wait "$flood_pid" || true
}

entries() {
	on "$lb" conntrack -C
}

table_is_full() {
	[ "$(entries)" -ge $((entries_max - 50)) ]
}

leastconn() {
	balance tcp 80 10.0.1.1-10.0.1.4:80
}

# One rule for each server, in turn: iptables' own way.
dnat() {
	local i

	for i in 4 3 2 1; do
		ipt -t nat -A PREROUTING -d $vip -p tcp --dport 80 \
			-m statistic --mode nth --every $i --packet 0 \
			-j DNAT --to-destination 10.0.1.$((5 - i)):80
	done
}

# How many get in by their first SYN, or soon.
knock() { # RULES
	ipt -t nat -F
	"$1"
	peer "$cl" open k tcp $vip 80 count $knocks nowait
	sleep 1
	on "$cl" ss -Htn state established dst $vip | wc -l
	peer "$cl" reset 'k*'
}

hosts() {
	small_table
	setup 4
	serve tcp 80
	# Whoever floods is answered from here to nowhere.
	on "$sv" ip route add blackhole default metric 4000
	leastconn
}

test_established_connections_stay() { # short
	local most=0 now i

	hosts
	peer "$cl" open e tcp $vip 80 count 40
	peer "$cl" say 'e*' hello >/dev/null
	flood
	for ((i = 0; i < 10; i++)); do
		peer "$cl" say 'e*' hello >/dev/null ||
			fail "an established connection is cut"
		now=$(objects leastconn_record)
		most=$((now > most ? now : most))
	done
	say "at most $most records in use, conntrack's limit is $entries_max"
	[ $most -le $((2 * entries_max + 15 * $(nproc))) ] ||
		fail "records are not bounded by conntrack's limit"
	dry
	agree 1000
	peer "$cl" say 'e*' hello >/dev/null
	expect 40 "$(on "$lb" conntrack -L -p tcp --state ESTABLISHED 2>/dev/null |
		grep -c ASSURED)" "established connections that conntrack has"
	on "$lb" conntrack -F 2>/dev/null
	agree 1000
	nothing_is_left
}

# Alternately, so that both meet the same noise. Sets ours and theirs.
knock_by_turns() { # RULES RULES
	local i

	ours=0 theirs=0
	for ((i = 0; i < rounds; i++)); do
		ours=$((ours + $(knock "$1")))
		theirs=$((theirs + $(knock "$2")))
	done
	say "of $((rounds * knocks)) get in: $ours, with DNAT $theirs"
}

test_clients_get_in_as_with_dnat() { # short
	local ours theirs

	hosts
	flood
	knock_by_turns leastconn dnat
	dry
	[ "$theirs" -gt 0 ] || fail "nobody gets in with DNAT"
	# It may be chance: half of 500 are 250 +- 11.
	[ $((ours * 100)) -ge $((theirs * 85)) ] ||
		fail "fewer get in than with DNAT"
	ipt -t nat -F
	leastconn
	agree 1000
}

# With the limit reached connections go unrecorded; they are found again.
test_counts_are_right_when_it_ends() { # short
	hosts
	flood
	clients a 50 0
	dry
	agree 1000
	on "$lb" conntrack -F 2>/dev/null
	expect_loads 1000 "0 0 0 0" "loads after a flush"
	# Routing drops packets whose forged source cannot be one (martians): that the
	# backend was chosen for them is a load for 3.5 seconds, which no list shows.
	exactly 4
	peer "$cl" open b tcp $vip 80 count 40
	expect_loads 1000 "10 10 10 10" "loads"
	agree 1000
	nothing_is_left
}

# As Documentation/operate.md has it.
synproxy() {
	on "$lb" sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0 \
		net.ipv4.tcp_syncookies=1 net.ipv4.tcp_timestamps=1
	ip -n "$lb" addr add $vip/32 dev lo
	ipt -t raw -A PREROUTING -d $vip -p tcp --dport 80 --syn -j CT --notrack
	ipt -A INPUT -d $vip -p tcp --dport 80 -m conntrack \
		--ctstate INVALID,UNTRACKED -j SYNPROXY --sack-perm --timestamp \
		--wscale 7 --mss 1460
	ipt -A INPUT -d $vip -p tcp --dport 80 -m conntrack --ctstate INVALID -j DROP
}

# Half-open connections of the flood would fill the caps within a second.
leastconn_behind_synproxy() {
	ipt -t nat -A OUTPUT -d $vip -p tcp --dport 80 \
		-j LEASTCONN --to 10.0.1.1-10.0.1.4:80,max-conns=$knocks
}

dnat_behind_synproxy() {
	ipt -t nat -A OUTPUT -d $vip -p tcp --dport 80 \
		-j DNAT --to-destination 10.0.1.1:80
}

test_synproxy_keeps_the_flood_out() { # short
	local ours theirs

	modprobe -q xt_SYNPROXY || modprobe -q ipt_SYNPROXY ||
		skip "no SYNPROXY in this kernel"
	hosts
	synproxy
	a_thousand_syns_a_second
	knock_by_turns leastconn_behind_synproxy dnat_behind_synproxy
	[ "$theirs" -ge $((rounds * knocks * 9 / 10)) ] ||
		fail "too few get in with DNAT: the rules are wrong"
	[ $((ours * 100)) -ge $((theirs * 97)) ] ||
		fail "fewer get in than with DNAT"
	ipt -t nat -F
	leastconn_behind_synproxy
	peer "$cl" open b tcp $vip 80 count 40
	expect_loads 1000 "10 10 10 10" "loads during the flood"
	dry
	agree 1000
}

run_tests "$@"
