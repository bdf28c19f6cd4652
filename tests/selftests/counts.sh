#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What is counted, as section "What is counted" of the manual defines it: the
# table equals `conntrack -L`, in every state, whatever ends a connection.
#
# A packet that the client has seen has passed the balancer, and a state that
# conntrack shows was set by a packet that has gone through its hooks: what
# that packet changed must be in the table at once. These checks do not wait.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

s1=10.0.1.1 s1_6=fd00:1::1

# conntrack_has PROTO PATTERN [COUNT]: so many entries match (default 1)
conntrack_has() {
	[ "$(on "$lb" conntrack -L -p "$1" 2>/dev/null |
		grep -cE -e "$2")" = "${3:-1}" ]
}

# One server on TCP port 80, and a rule that leads to it.
one_tcp_server() {
	setup 1
	serve tcp 80
	balance tcp 80 $s1:80
}

# ---- TCP, state by state ----

test_syn_sent_is_active_and_retransmissions_count_once() {
	setup 1
	on "$sv" "$iptables" -A INPUT -p tcp --dport 80 -j DROP
	balance tcp 80 $s1:80
	peer "$cl" open c tcp $vip 80 count 3 nowait
	expect "3 0 3" "$(table $s1)" "three SYNs nobody answers"
	conntrack_has tcp SYN_SENT 3 || fail "no three SYN_SENT entries"
	# Their first retransmissions come after a second.
	busywait 5000 dropped_at_least 6 || fail "no retransmissions"
	expect "3 0 3" "$(table $s1)" "after retransmissions"
	agree 1000
}

dropped_at_least() {
	on "$sv" "$iptables" -nvxL INPUT | awk -v n="$1" \
		'$3 == "DROP" { hits = $1 } END { exit hits < n }'
}

test_syn_recv_is_active() {
	setup 1
	serve tcp 80
	balance tcp 80 $s1:80
	# The server's SYN-ACK passes the balancer; the client does not see it.
	on "$cl" "$iptables" -A INPUT -p tcp --sport 80 -j DROP
	peer "$cl" open c tcp $vip 80 nowait
	busywait 1000 conntrack_has tcp SYN_RECV || fail "no SYN_RECV entry"
	expect "1 0 1" "$(table $s1)" "SYN_RECV"
	agree 1000
}

test_established_is_active() {
	one_tcp_server
	peer "$cl" open c tcp $vip 80 count 5
	expect "5 0 5" "$(table $s1)" "five connections"
	expect "hello" "$(peer "$cl" say c.3 hello)" "echo"
	expect "5 0 5" "$(table $s1)" "five connections, one used"
	conntrack_has tcp ESTABLISHED 5 || fail "not established"
	agree 1000
}

# ---- TCP, who closes and how. Five times each: once could be luck, when the
#      reaper's round comes just then. ----

test_client_closes_first() { # short
	local i

	one_tcp_server
	peer "$cl" open c tcp $vip 80 count 5
	for i in 1 2 3 4 5; do
		peer "$cl" shut "c.$i"
		peer "$cl" drain "c.$i"	# until the server's FIN is here
		expect "$((5 - i)) $i 5" "$(table $s1)" "closed $i"
	done
	agree 1000
}

test_server_closes_first() {
	local i

	one_tcp_server
	peer "$cl" open c tcp $vip 80 count 5
	peer "$cl" tell 'c.*' close
	peer "$cl" drain 'c.*'
	expect "5 0 5" "$(table $s1)" "closed by the server alone"
	for i in 1 2 3 4 5; do
		peer "$cl" close "c.$i"
		busywait 1000 conntrack_has tcp 'LAST_ACK|TIME_WAIT' "$i" ||
			fail "not closed"
		expect "$((5 - i)) $i 5" "$(table $s1)" "closed $i"
	done
	agree 1000
}

test_half_closed_by_the_server_is_active() {
	one_tcp_server
	peer "$cl" open c tcp $vip 80 count 2
	peer "$cl" tell c.1 shut
	peer "$cl" drain c.1
	expect "2 0 2" "$(table $s1)" "at once"
	agrees_for 1500
	expect "2 0 2" "$(table $s1)" "a round of the reaper later"
	conntrack_has tcp 'FIN_WAIT|CLOSE_WAIT' || fail "not half closed"
}

test_half_closed_by_the_client_is_active() {
	one_tcp_server
	peer "$cl" open c tcp $vip 80
	expect stay "$(peer "$cl" say c stay)" "echo"
	peer "$cl" shut c
	busywait 1000 conntrack_has tcp 'FIN_WAIT|CLOSE_WAIT' ||
		fail "not half closed: $(on "$lb" conntrack -L)"
	expect "1 0 1" "$(table $s1)" "at once"
	agrees_for 1500
	expect "1 0 1" "$(table $s1)" "a round of the reaper later"
	conntrack_has tcp 'FIN_WAIT|CLOSE_WAIT' || fail "half closed no more"
}

test_reset_by_the_client() {
	local i

	one_tcp_server
	peer "$cl" open c tcp $vip 80 count 5
	for i in 1 2 3 4 5; do
		peer "$cl" reset "c.$i"
		busywait 1000 conntrack_has tcp ' CLOSE ' "$i" ||
			fail "not reset"
		expect "$((5 - i)) $i 5" "$(table $s1)" "reset $i"
	done
	agree 1000
}

test_reset_by_the_server() { # short
	local i

	one_tcp_server
	peer "$cl" open c tcp $vip 80 count 5
	for i in 1 2 3 4 5; do
		peer "$cl" tell "c.$i" reset
		peer "$cl" drain "c.$i"	# until the RST is here
		expect "$((5 - i)) $i 5" "$(table $s1)" "reset $i"
	done
	agree 1000
}

test_a_refused_connection_counts_no_more() {
	local i

	setup 1
	balance tcp 80 $s1:80
	for i in 1 2 3 4 5; do
		if peer "$cl" open c tcp $vip 80 2>"$tmp/answer"; then
			fail "who answered?"
		fi
		# Conntrack forgets an entry whose only reply is an RST.
		expect "0 0 $i" "$(table $s1)" "refused $i"
	done
	agree 1000
}

test_a_reused_source_port_counts_again() {
	local i

	one_tcp_server
	for i in 1 2 3 4; do
		peer "$cl" open c tcp $vip 80 from 10.0.0.2,40000
		# That of before is gone, which no packet has told of.
		expect "1 $i" "$(table $s1 | cut -d " " -f 1,3)" "open $i"
		busywait 1000 is "1 0 $i" table $s1 || fail "open $i: $(table $s1)"
		# The server has TIME_WAIT: the client's port is free again.
		peer "$cl" tell c close
		peer "$cl" drain c
		peer "$cl" close c
		busywait 1000 conntrack_has tcp TIME_WAIT || fail "not closed"
		expect "0 1 $i" "$(table $s1)" "closed $i"
	done
	agree 1000
}

# ---- other protocols ----

# Active connections and all there ever were, of both backends.
of_both() {
	echo "$(loads) $(table $s1 53 udp) $(table 10.0.1.2 53 udp)" |
		awk '{ print $1 + $2, $5 + $8 }'
}

# The reaper has looked at the first by then: nobody asks for it when its port
# begins again, it may be with the other backend.
test_a_port_that_a_deleted_entry_had() { # short
	local i

	setup 2
	serve udp 53
	balance udp 53 $s1:53,10.0.1.2:53
	peer "$cl" open c udp $vip 53 from 10.0.0.2,40000
	for i in 1 2 3 4; do
		expect hello "$(peer "$cl" say c hello)" "echo $i"
		expect "$i" "$(of_both | cut -d " " -f 2)" "total $i"
		busywait 1000 is "1 $i" of_both || fail "echo $i: $(of_both)"
		agrees_for 1000
		on "$lb" conntrack -D -p udp >"$tmp/answer" 2>&1
	done
	busywait 1000 is "0 4" of_both || fail "all deleted: $(of_both)"
}

# Before that look, and after; some are taken for first packets that raced, which
# are one connection in all that there ever were.
test_a_port_that_begins_again_and_again() {
	local i active

	setup 2
	serve udp 53
	balance udp 53 $s1:53,10.0.1.2:53
	peer "$cl" open c udp $vip 53 from 10.0.0.2,40000
	for ((i = 1; i <= 40; i++)); do
		expect hello "$(peer "$cl" say c hello)" "echo $i"
		active=$(of_both | cut -d " " -f 1)
		# What was deleted within the last 0.7 s counts, too: one old, one young.
		[[ $active =~ ^[12]$ ]] || fail "echo $i: $active"
		read -rt "0.$((RANDOM % 4 + 1))" -u "$nap" || true
		[ $((i % 8)) != 0 ] || agree 1000
		on "$lb" conntrack -D -p udp >"$tmp/answer" 2>&1
	done
	agree 1000
	expect 0 "$(of_both | cut -d " " -f 1)" "all deleted"
}

test_udp_is_active_unreplied_and_replied() {
	setup 1
	serve udp 53
	balance udp 53 $s1:53
	on "$sv" "$iptables" -A INPUT -p udp -j DROP
	peer "$cl" open c udp $vip 53 count 4
	expect "0 0 0" "$(table $s1 53 udp)" "before the first packet"
	peer "$cl" tell 'c.*' hello
	expect "4 0 4" "$(table $s1 53 udp)" "unreplied"
	conntrack_has udp UNREPLIED 4 || fail "not unreplied"
	on "$sv" "$iptables" -F INPUT
	expect hello "$(peer "$cl" say c.2 hello)" "echo"
	expect "4 0 4" "$(table $s1 53 udp)" "replied"
	agree 1000
}

test_udplite() {
	setup 1
	peer "$sv" listen udplite 0.0.0.0 53 || skip "kernel has no UDP-Lite"
	ipt -t nat -A PREROUTING -d $vip -p udplite -j LEASTCONN --to $s1:53
	# Conntrack computes the checksum as if it were UDP's.
	on "$lb" sysctl -qw net.netfilter.nf_conntrack_checksum=0
	peer "$cl" open c udplite $vip 53 count 2
	peer "$cl" tell 'c.*' hello
	conntrack_has udplite . 2 || skip "conntrack does not track UDP-Lite"
	expect "2 0 2" "$(table $s1 53 udplite)" "two clients"
	agree 1000
}

test_sctp() { # short
	modprobe -q sctp || skip "kernel has no SCTP"
	setup 1
	# Bound addresses keep others out of INIT and INIT-ACK.
	peer "$sv" listen sctp $s1 80
	balance sctp 80 $s1:80
	peer "$cl" open a sctp $vip 80 from 10.0.0.2
	peer "$cl" open b sctp $vip 80 from 10.0.0.2
	expect "2 0 2" "$(table $s1 80 sctp)" "two associations"
	expect hello "$(peer "$cl" say a hello)" "echo"
	conntrack_has sctp ESTABLISHED 2 || fail "not established"
	agree 1000
	# Active until the entry ends, not only until the association does.
	peer "$cl" close a
	busywait 1000 conntrack_has sctp CLOSED || fail "not shut down"
	agree 1000
	expect "2 0 2" "$(table $s1 80 sctp)" "one shut down"
}

test_icmp_echo_is_a_load_of_a_portless_backend() {
	local i

	setup 1
	ipt -t nat -A PREROUTING -d $vip -p icmp -j LEASTCONN --to $s1
	for i in 1 2; do
		on "$cl" ping -qc 1 -W 5 $vip >"$tmp/answer" || fail "no answer"
		expect "$i 0 $i" "$(table $s1 0 any)" "pinged"
	done
	agree 1000
}

test_ipv6() {
	setup 1
	serve tcp 80
	serve udp 53
	balance6 tcp 80 "[$s1_6]:80"
	balance6 udp 53 "[$s1_6]:53"
	ip6t -t nat -A PREROUTING -d $vip6 -p icmpv6 -j LEASTCONN --to $s1_6
	peer "$cl" open t tcp $vip6 80 count 4
	peer "$cl" open u udp $vip6 53 count 3
	peer "$cl" say 'u.*' hello >"$tmp/answer"
	on "$cl" ping -qc 1 -W 5 $vip6 >"$tmp/answer" || fail "no answer"
	expect "4 0 4" "$(table $s1_6)" "TCP"
	expect "3 0 3" "$(table $s1_6 53 udp)" "UDP"
	peer "$cl" shut t.1
	peer "$cl" drain t.1
	expect "3 1 4" "$(table $s1_6)" "TCP, one closed"
	peer "$cl" tell t.2 reset
	peer "$cl" drain t.2
	expect "2 2 4" "$(table $s1_6)" "TCP, one reset"
	# At the address: 4 TCP, 3 UDP, the ping; neighbours are not tracked.
	expect "6 2 8" "$(table $s1_6 0 any)" "all protocols"
	agree 1000
}

# ---- whose load ----

test_a_connection_counts_for_port_and_address() {
	setup 1
	serve tcp 80
	serve tcp 81
	balance tcp 80 $s1:80
	balance tcp 81 $s1
	peer "$cl" open a tcp $vip 80 count 2
	peer "$cl" open b tcp $vip 81 count 3
	expect "2 0 2" "$(table $s1)" "the port's"
	expect "5 0 5" "$(table $s1 0 any)" "the address's"
	peer "$cl" tell a.1 reset
	peer "$cl" drain a.1
	expect "1 1 2" "$(table $s1)" "the port's, one reset"
	expect "4 1 5" "$(table $s1 0 any)" "the address's, one reset"
	agree 1000
}

test_connections_of_others_are_load_too() {
	one_tcp_server
	serve tcp 81
	ipt -t nat -A PREROUTING -d $vip -p tcp --dport 8080 \
		-j DNAT --to-destination $s1:80
	peer "$cl" open direct tcp $s1 80
	expect "1 0 1" "$(table $s1)" "direct"
	peer "$cl" open dnat tcp $vip 8080 count 2
	expect "3 0 3" "$(table $s1)" "by DNAT"
	peer "$lb" open own tcp $s1 80
	expect "4 0 4" "$(table $s1)" "the balancer's own"
	peer "$cl" open other tcp $s1 81
	expect "4 0 4" "$(table $s1)" "another port's"
	agree 1000
}

test_output_is_balanced_and_counted() {
	local i

	setup 2
	serve tcp 80
	ipt -t nat -A OUTPUT -d $vip -p tcp --dport 80 \
		-j LEASTCONN --to $s1:80,10.0.1.2:80
	ip -n "$lb" route add $vip dev server	# or the packet has no way out
	peer "$lb" open c tcp $vip 80 count 6
	for i in 1 2; do
		expect "3 0 3" "$(table 10.0.1.$i)" "10.0.1.$i"
	done
	agree 1000
}

test_a_dropped_packet_does_not_count() {
	one_tcp_server
	ipt -A FORWARD -p tcp --dport 80 -j DROP
	peer "$cl" open c tcp $vip 80 count 3 nowait
	busywait 1000 forward_dropped 3 || fail "nothing was dropped"
	expect "0 0 0" "$(table $s1)" "dropped in FORWARD"
	agree 1000
}

forward_dropped() {
	ipt -nvxL FORWARD | awk -v n="$1" \
		'$3 == "DROP" { hits = $1 } END { exit hits < n }'
}

test_zones() { # short
	one_tcp_server
	ipt -t raw -A PREROUTING -j CT --zone 7
	peer "$cl" open c tcp $vip 80 count 3
	expect "3 0 3" "$(table $s1)" "three in a zone"
	peer "$cl" tell c.1 reset
	peer "$cl" drain c.1
	expect "2 1 3" "$(table $s1)" "one reset"
	on "$lb" conntrack -L 2>/dev/null | grep -q zone=7 || fail "no zone"
	agrees_for 1500
	expect "2 1 3" "$(table $s1)" "a round later"
	on "$lb" conntrack -F 2>"$tmp/answer"
	agree 1000
	expect "0 0 3" "$(table $s1)" "flushed"
}

# ---- how an entry ends without a packet ----

# Servers and rules for TCP, for UDP and for an address; 10.0.1.2 answers no
# SYN.
setup_for_each() {
	setup 2
	serve tcp 80
	serve udp 53
	on "$sv" "$iptables" -A INPUT -d 10.0.1.2 -p tcp -j DROP
	balance tcp 80 $s1:80
	balance tcp 81 10.0.1.2:80
	balance udp 53 $s1:53
	ipt -t nat -A PREROUTING -d $vip -p icmp -j LEASTCONN --to $s1
}

# TCP established, reset and half open; UDP; ICMP echo
open_of_each() {
	peer "$cl" open t tcp $vip 80 count 4
	peer "$cl" tell t.4 reset
	peer "$cl" drain t.4
	peer "$cl" open s tcp $vip 81 count 2 nowait
	# or their SYNs, sent again, would begin again what has ended
	on "$cl" "$iptables" -A OUTPUT -p tcp --dport 81 -j DROP
	peer "$cl" open u udp $vip 53 count 3
	peer "$cl" say 'u.*' hello >"$tmp/answer"
	on "$cl" ping -qc 1 -W 5 $vip >"$tmp/answer" || fail "no answer"
	expect "3 1 4, 2 0 2, 3 0 3, 7 1 8" "$(of_each)" "open"
}

# Their counts, in the rules' order, all at once.
of_each() {
	on "$lb" awk 'NR > 1 { printf "%s%s %s %s", sep, $5, $6, $7; sep = ", " }
		END { print "" }' /proc/net/leastconn
}

nothing_tracked() {
	[ -z "$(on "$lb" conntrack -L 2>/dev/null)" ]
}

test_an_entry_that_times_out_counts_no_more() {
	local name
	local -a settings=()

	for name in tcp_timeout_syn_sent tcp_timeout_established \
		tcp_timeout_close udp_timeout udp_timeout_stream icmp_timeout; do
		settings+=("net.netfilter.nf_conntrack_$name=6")
	done
	setup_for_each
	on "$lb" sysctl -qw "${settings[@]}"
	open_of_each
	busywait 10000 nothing_tracked || fail "entries do not end"
	agree 1000
	expect "0 0 4, 0 0 2, 0 0 3, 0 0 8" "$(of_each)" "all timed out"
}

test_a_deleted_entry_counts_no_more() {
	setup_for_each
	open_of_each
	on "$lb" conntrack -D -p tcp --state SYN_SENT --orig-port-dst 81 >"$tmp/answer" 2>&1
	busywait 1000 is "3 1 4, 0 0 2, 3 0 3, 7 1 8" of_each ||
		fail "after deletion of the half open: $(of_each)"
	on "$lb" conntrack -D -p icmp >"$tmp/answer" 2>&1
	busywait 1000 is "3 1 4, 0 0 2, 3 0 3, 6 1 8" of_each ||
		fail "after deletion of the ping: $(of_each)"
	on "$lb" conntrack -D -p tcp --state CLOSE >"$tmp/answer" 2>&1
	busywait 1000 is "3 0 4, 0 0 2, 3 0 3, 6 0 8" of_each ||
		fail "after deletion of the reset: $(of_each)"
	agree 1000
}

# Each record knows in which bucket of conntrack's table its entry was.
test_conntrack_s_table_shrinks() {
	local before buckets=net.netfilter.nf_conntrack_buckets n

	before=$(sysctl -n $buckets)
	one_tcp_server
	sysctl -qw $buckets=65536
	peer "$cl" open c tcp $vip 80 count 100
	# Looked at, with the buckets of now.
	agrees_for 1500
	for n in 2048 65536 1024; do
		sysctl -qw $buckets=$n
		agrees_for 1500
		expect "100 0 100" "$(table $s1)" "with $n buckets"
	done
	on "$lb" conntrack -D -p tcp >"$tmp/answer" 2>&1
	busywait 1000 is "0 0 100" table $s1 || fail "$(table $s1), all deleted"
	sysctl -qw $buckets="$before"
}

test_a_flush_ends_all() { # short
	setup_for_each
	open_of_each
	on "$lb" conntrack -F 2>"$tmp/answer"
	agree 1000
	expect "0 0 4, 0 0 2, 0 0 3, 0 0 8" "$(of_each)" "flushed"
	# Clients that speak first go on, by entries of their own.
	expect again "$(peer "$cl" say t.1 again)" "TCP echo"
	expect again "$(peer "$cl" say u.1 again)" "UDP echo"
	expect "1 0 5, 0 0 2, 1 0 4, 2 0 10" "$(of_each)" "spoken again"
	agree 1000
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
	busywait 5000 is $flows vip_entries || fail "$(vip_entries) entries of $flows"
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

run_tests "$@"
