#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A connection that fails is given to another backend: --redispatch.
# shellcheck source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
# shellcheck source=lib-health.sh
. "$(dirname "$0")/lib-health.sh"

test_a_refused_connection_is_given_to_another() { # short
	setup
	serve_at 10.0.1.{1,2,3}
	count_arrivals $s4
	balance tcp 80 $s1-$s4:80 --redispatch
	expect 12 "$(connect 12)" "connections, one of four refuses"
	[ "$(arrived $s4)" -ge 2 ] || fail "only $(arrived $s4) were sent to it"
	agree 2000
}

test_an_unanswered_connection_is_given_to_another() { # short
	local begun took

	setup
	serve_at 10.0.1.{1,2,3,4}
	filter $s4 DROP
	balance tcp 80 $s1-$s4:80 --redispatch
	begun=${EPOCHREALTIME/./}
	peer "$cl" open a tcp $vip 80 count 12
	took=$(((${EPOCHREALTIME/./} - begun) / 1000))
	say "12 connections, 3 of them to the dead one first: $took ms"
	# The three one after another: each takes a second more, not three.
	[ $took -lt $((8000 * slow)) ] || fail "it took $took ms"
	has_served 0 $s4
	agree 2000
}

# How often a connection was begun, at the one or the other
tries() {
	local i

	for i in 1 2 3 4; do table 10.0.1.$i; done | awk '{ n += $3 } END { print n }'
}

# While another one is tried, those of before wait, and count nowhere.
test_who_tries_again_counts_once() { # short
	setup 2
	filter $s1 DROP
	filter 10.0.1.2 DROP
	balance tcp 80 $s1-10.0.1.2:80 --redispatch
	peer "$cl" open c tcp $vip 80 nowait
	expect 1 "$(all_loads)" "the first try"
	busywait 3000 is 2 tries || fail "there is no second try"
	! busywait 1500 is 2 all_loads || fail "both tries count"
	# Both have been tried: the last is left where it is.
	busywait 9000 is 3 tries || fail "there are no three tries"
	! busywait 6000 is 4 tries || fail "there is a fourth try"
	expect 1 "$(all_loads)" "the last try"
}

tries_are_at_least() { # N
	[ "$(tries)" -ge "$1" ]
}

# When a backend appears, all entries are visited, as by the scanner every 30 seconds.
# Records keep how often their connection was tried.
test_tries_are_counted_while_backends_appear() { # short
	local n

	setup
	for n in 1 2 3 4; do filter 10.0.1.$n DROP; done
	ctl pool add spare
	balance tcp 80 $s1-$s4:80 --redispatch
	peer "$cl" open c tcp $vip 80 nowait
	for n in 2 3 4; do
		busywait 5000 tries_are_at_least $n || fail "there are $(tries) tries, not $n"
		# The record of the previous try has been checked, this one not yet.
		read -rt 0.65 -u "$nap" || true
		ctl add spare "10.0.1.9:$n"
	done
	! busywait 3000 is 5 tries || fail "there is a fifth try"
	expect 1 "$(for n in 1 2 3 4; do active 10.0.1.$n; done | awk '{ n += $1 } END { print n }')" \
		"connections"
}

# Servers far away. What a backend that was left sends late must not reach the client, which
# would reset it: a third SYN may come back to that server.
test_slow_answers_are_taken() {
	local delay took begun

	setup 2
	on "$sv" tc qdisc add dev eth0 root netem delay 1ms 2>/dev/null ||
		skip "no netem in this kernel"
	serve_at $s1 10.0.1.2
	balance tcp 80 $s1-10.0.1.2:80 --redispatch
	on "$cl" iptables -w -I INPUT -s 10.0.1.0/24 -j DROP
	for delay in 700 950 1300 2000 4000; do
		on "$sv" tc qdisc change dev eth0 root netem delay ${delay}ms
		begun=${EPOCHREALTIME/./}
		peer "$cl" open "d$delay" tcp $vip 80 >/dev/null 2>&1 ||
			fail "not connected at a delay of $delay ms"
		took=$(((${EPOCHREALTIME/./} - begun) / 1000))
		say "$delay ms: connected after $took ms"
		[ $took -lt $((delay + 4000 * slow)) ] || fail "it took $took ms"
	done
	expect 0 "$(on "$cl" iptables -w -nvxL INPUT | awk '$3 == "DROP" { print $1 }')" \
		"packets that were not translated"
	on "$sv" tc qdisc del dev eth0 root
}

# Each connection is given to another three times: with its client's own tries,
# at 1, 3 and 7 seconds, or, from Linux 6.5 on, at 1, 2 and 3.
# Many at a time, two of three backends refuse: each connection finds the third.
test_each_backend_is_tried_once() { # short
	local i

	setup 3
	add_clients 10.0.0.{3..8}
	serve_at 10.0.1.3
	balance tcp 80 $s1-10.0.1.3:80 --redispatch
	for i in {3..8}; do
		peer "$cl" open "a$i" tcp $vip 80 from "10.0.0.$i" count 100 nowait
	done
	busywait 10000 is 600 established || fail "$(established) of 600 connections"
	agree 2000
}

established() {
	on "$cl" ss -Htn state established dst $vip | wc -l
}

# Each move counts for the backend of the port and for that of the whole address.
test_whole_addresses_are_tried_once() { # short
	setup 3
	serve_at 10.0.1.3
	count_arrivals 10.0.1.{1,2}
	ctl pool add whole
	for i in 1 2 3; do ctl add whole 10.0.1.$i proto any; done
	balance tcp 80 $s1-10.0.1.3:80 --redispatch --max-fails 0
	peer "$cl" open busy tcp 10.0.1.3 80 count 6
	peer "$cl" open a tcp $vip 80 || fail "not connected"
	expect "1 1" "$(arrived $s1) $(arrived 10.0.1.2)" "sent to those that refuse"
}

# The zone is set by a rule that the client's next SYN would not see again.
test_a_zone_is_kept() { # short
	setup 2
	serve_at 10.0.1.{1,2}
	ipt -t raw -A PREROUTING -i client -j CT --zone-reply 5
	ipt -t raw -A PREROUTING -i server -j CT --zone-reply 5
	on "$cl" iptables -w -A INPUT -s 10.0.1.0/24
	balance tcp 80 $s1,10.0.1.2:80 --redispatch --max-fails 0
	expect 4 "$(connect 4)" "connections in a zone"
	filter $s1 DROP
	peer "$cl" open a tcp $vip 80 count 4 nowait
	pause 5000
	expect 2 "$(established)" "connections to the other one"
	expect 0 "$(untranslated)" "packets that were not translated"
	on "$lb" conntrack -L 2>/dev/null | grep -c 'SYN_SENT.*zone-reply=5' |
		grep -qx 2 || fail "$(on "$lb" conntrack -L 2>/dev/null)"
}

untranslated() { # packets that the client got from servers, by iptables and ip6tables
	{
		on "$cl" iptables -w -nvxL INPUT
		on "$cl" ip6tables -w -nvxL INPUT
	} | awk '$0 ~ /10[.]0[.]1[.]|fd00:1:/ { n += $1 } END { print n + 0 }'
}

# What a server that was left might send besides a SYN-ACK, and how.
test_late_packets_of_any_kind() { # short
	local packet sent=0

	setup 2
	serve_at 10.0.1.2 fd00:1::2
	filter $s1 DROP
	on "$sv" ip6tables -w -A INPUT -p tcp -d fd00:1::1 --dport 80 -j DROP
	balance tcp 80 $s1-10.0.1.2:80 --redispatch --max-fails 0
	balance6 tcp 80 '[fd00:1::1]-[fd00:1::2]:80' --redispatch --max-fails 0
	on "$sv" iptables -w -I INPUT -p tcp --tcp-flags RST RST -d $s1 -j ACCEPT
	on "$sv" ip6tables -w -I INPUT -p tcp --tcp-flags RST RST -d fd00:1::1 -j ACCEPT
	peer "$cl" open b4 tcp 10.0.1.2 80 count 3
	peer "$cl" open b6 tcp fd00:1::2 80 count 3
	on "$cl" iptables -w -A INPUT -s 10.0.1.0/24
	on "$cl" ip6tables -w -A INPUT -s fd00:1::/64
	peer "$cl" open c4 tcp $vip 80 from 10.0.0.2,5555 || fail "not connected"
	peer "$cl" open c6 tcp $vip6 80 from fd00:0::2,5555 || fail "not connected by IPv6"
	for packet in "$s1 80 10.0.0.2 5555 SA" "$s1 80 10.0.0.2 5555 A" \
		"fd00:1::1 80 fd00:0::2 5555 SA" "fd00:1::1 80 fd00:0::2 5555 PA" \
		"fd00:1::1 80 fd00:0::2 5555 SA options"; do
		# shellcheck disable=SC2086 # words
		on "$sv" "$here/segment.py" $packet
		sent=$((sent + 1))
		busywait 1000 is $sent resets || fail "no reset for $packet"
		expect 0 "$(untranslated)" "at the client of $packet"
	done
}

resets() { # that the servers got
	{
		on "$sv" iptables -w -nvxL INPUT
		on "$sv" ip6tables -w -nvxL INPUT
	} | awk '/flags:/ { n += $1 } END { print n + 0 }'
}

# The gateway finds out, a moment after the connection was given up, that the server has
# no power. Its error is not for the client.
test_late_errors_are_not_told() { # short
	local i

	setup 2
	serve_at $s1
	balance tcp 80 $s1-10.0.1.2:80 --redispatch --max-fails 0
	count_errors
	ip -n "$sv" addr del 10.0.1.2/24 dev eth0
	for ((i = 0; i < 3; i++)); do
		ip -n "$lb" neigh flush all
		peer "$cl" open "a$i" tcp $vip 80 count 20 nowait
		pause 4000
	done
	expect 60 "$(established)" "connections"
	expect 0 "$(errors)" "errors at the client"
}

count_errors() { # of ICMP that the client gets
	on "$cl" iptables -w -A INPUT -p icmp -j ACCEPT
	on "$cl" ip6tables -w -A INPUT -p icmpv6 --icmpv6-type destination-unreachable -j ACCEPT
}

errors() {
	{
		on "$cl" iptables -w -nvxL INPUT
		on "$cl" ip6tables -w -nvxL INPUT
	} | awk '/ACCEPT  / { n += $1 } END { print n + 0 }'
}

# A server that is slow to refuse: before the client tries again, or after it.
test_late_refusals_are_not_told() { # short
	local delay with queue

	setup 2
	serve_at 10.0.1.2 fd00:1::2
	balance tcp 80 $s1-10.0.1.2:80 --redispatch --max-fails 0
	balance6 tcp 80 '[fd00:1::1]-[fd00:1::2]:80' --redispatch --max-fails 0
	count_errors
	on "$sv" iptables -w -t mangle -A INPUT -p tcp --syn -d $s1 -j NFQUEUE --queue-num 5 ||
		skip "no NFQUEUE"
	on "$sv" ip6tables -w -t mangle -A INPUT -p tcp --syn -d fd00:1::1 -j NFQUEUE --queue-num 5
	for delay in 950 1300; do
		coproc nsenter --net="/run/netns/$sv" "$(dirname "$peer")/queue" 5 $delay
		queue=$COPROC_PID
		read -r _ <&"${COPROC[0]}"
		for with in tcp-reset icmp-host-unreachable; do
			unfilter
			on "$sv" ip6tables -w -F INPUT
			filter $s1 REJECT --reject-with $with
			on "$sv" ip6tables -w -A INPUT -p tcp -d fd00:1::1 --dport 80 \
				-j REJECT --reject-with "${with/icmp-host/icmp6-addr}"
			peer "$cl" open "$delay-$with" tcp $vip 80 count 6 ||
				fail "refused with $with after $delay ms"
			peer "$cl" open "$delay-$with-6" tcp $vip6 80 count 6 ||
				fail "refused with $with after $delay ms, IPv6"
			pause 2000
		done
		kill "$queue"
		wait "$queue" || true
	done
	expect 0 "$(errors)" "errors at the client"
}

half_open() { # a server's, as it sees them
	on "$sv" ss -Htn state syn-recv | wc -l
}

accepted() { # by the servers, and still open
	on "$sv" ss -Htn state established | wc -l
}

# A server that is left behind would repeat its SYN-ACK for a minute.
a_server_that_is_left_is_reset() { # VIP
	peer "$cl" open late tcp "$1" 80 >/dev/null || fail "not connected"
	busywait 3000 is 0 half_open || fail "$(on "$sv" ss -tn)"
	busywait 3000 is 1 accepted ||
		expect 1 "$(accepted)" "connections"
	peer "$cl" reset late
}

test_a_server_that_is_left_is_reset() { # short
	setup 2
	on "$sv" tc qdisc add dev eth0 root netem delay 1300ms 2>/dev/null ||
		skip "no netem in this kernel"
	serve_at $s1 10.0.1.2 fd00:1::1 fd00:1::2
	balance tcp 80 $s1-10.0.1.2:80 --redispatch
	balance6 tcp 80 '[fd00:1::1]:80,[fd00:1::2]:80' --redispatch
	a_server_that_is_left_is_reset $vip
	a_server_that_is_left_is_reset $vip6
	on "$sv" tc qdisc del dev eth0 root
}

test_at_last_the_client_is_told() {
	local begun took

	setup
	count_arrivals 10.0.1.{1,2,3,4}
	balance tcp 80 $s1-$s4:80 --redispatch
	begun=${EPOCHREALTIME/./}
	expect 0 "$(connect 1)" "connections when all refuse"
	took=$(((${EPOCHREALTIME/./} - begun) / 1000))
	[ $took -gt 2900 ] || fail "the client was told after $took ms"
	expect 4 "$(for i in 1 2 3 4; do arrived 10.0.1.$i; done |
		awk '{ n += $1 } END { print n }')" "times that it was tried"
}

test_a_thousand_connections_succeed() {
	local kind n failed total

	for kind in DROP "REJECT --reject-with tcp-reset"; do
		setup
		serve_at 10.0.1.{1,2,3,4}
		# shellcheck disable=SC2086 # words
		filter $s4 $kind
		balance tcp 80 $s1-$s4:80 --redispatch
		thousand
		read -r total failed <<<"$sum"
		say "$kind: $total connections, $failed failed"
		expect 0 "$failed" "failed with --redispatch"
		ipt -t nat -F PREROUTING
		balance tcp 80 $s1-$s4:80 --max-fails 0
		thousand
		read -r total failed <<<"$sum"
		say "$kind: $total connections, $failed failed without the option"
		[ "$failed" -gt 0 ] || fail "none failed without the option"
		agree 3000
		teardown_hosts
	done
}

# The backend belongs to a rule that redispatches; another rule does not.
test_only_the_rule_that_chose_redispatches() { # short
	local begun took

	setup
	serve_at $s1
	balance tcp 80 $s1,$s4:80 --max-fails 2 --fail-timeout 60 --redispatch
	ipt -t nat -A PREROUTING -d $vip -p tcp --dport 81 -j DNAT --to-destination $s4:80
	balance tcp 82 $s4:80
	for port in 81 82; do
		begun=${EPOCHREALTIME/./}
		! peer "$cl" open "p$port" tcp $vip $port 2>/dev/null ||
			fail "connected by port $port"
		took=$(((${EPOCHREALTIME/./} - begun) / 1000))
		[ $took -lt $((900 * slow)) ] || fail "the reset by port $port took $took ms"
	done
	expect ready "$(state_of $s4)" "the state after one failure that counts"
	expect 4 "$(connect 4)" "connections by the rule that redispatches"
}

run_tests "$@"
