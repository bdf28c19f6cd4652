#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Packets that the gateway itself drops, rejects or holds after the choice.
# shellcheck source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
# shellcheck source=lib-health.sh
. "$(dirname "$0")/lib-health.sh"

# The gateway itself drops the packets to one of two servers.
forward_only_to() { # ADDR
	ipt -A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT
	ipt -A FORWARD -d "$1" -j ACCEPT
	ipt -A FORWARD -i client -j DROP
}

# Clients begin one after another, from as many addresses, or five, and stay. Prints how
# many the servers have accepted 8 seconds after the last one.
clients_get_in() { # COUNT [ADDRESSES]
	local i before client name=g$RANDOM

	before=$(all_served)
	for ((i = 0; i < $1; i++)); do
		client=10.0.0.$((11 + i % ${2-5}))
		ip -n "$cl" addr replace "$client/24" dev eth0
		peer "$cl" open "$name.$i" tcp $vip 80 from "$client" nowait >/dev/null
		exactly 0.2
	done
	busywait 8000 is $((before + $1)) all_served || true
	echo $(($(all_served) - before))
}

all_served() {
	grep -c . "$tmp/$sv.log" || true
}

test_a_backend_behind_a_filter_does_not_look_idle() { # short
	local in

	setup 2
	serve_at $s1 10.0.1.2
	forward_only_to $s1
	balance tcp 80 $s1-10.0.1.2:80 --max-fails 0
	in=$(clients_get_in 10)
	[ "$in" -ge 4 ] || fail "only $in of 10 clients got in"
}

# The client repeats a packet that was dropped: it goes to another backend.
test_a_backend_behind_a_filter_keeps_no_client_out() { # short
	local i

	setup 2
	serve_at $s1 10.0.1.2
	forward_only_to $s1
	balance tcp 80 $s1-10.0.1.2:80 --max-fails 0
	ctl drain 10.0.1.2
	peer "$cl" open held tcp $vip 80 count 40
	ctl ready 10.0.1.2
	for i in 1 2 3; do
		on "$cl" timeout 2.5 bash -c "exec 3<>/dev/tcp/$vip/80" ||
			fail "client $i does not get in with its second packet"
	done
}

# Its clients get errors and connect again, from other ports; with 50 connections the other
# server looks busy for as long as nothing tells of the first one.
test_a_backend_that_the_gateway_rejects_is_ejected() { # short
	local i got=0

	setup 2
	add_clients 10.0.0.3
	serve_at $s1 10.0.1.2
	ipt -A FORWARD -i client -d 10.0.1.2 -j REJECT
	keep_tracking ipt
	balance tcp 80 $s1-10.0.1.2:80 --max-fails 3 --fail-timeout 60
	ctl drain 10.0.1.2
	peer "$cl" open held tcp $vip 80 count 50
	ctl ready 10.0.1.2
	for i in 1 2 3 4 5 6 7 8 9 10; do
		got=$((got + $(clients_connect 1 10.0.0.{2,3})))
		exactly 0.1
	done
	[ "$got" -ge 14 ] || fail "$got of 20 connections"
	# A client that was refused here is served by the other one for some seconds.
	for i in 1 2 3 4; do
		exactly 3.6
		clients_connect 1 10.0.0.{2,3} >/dev/null
		exactly 0.2
		clients_connect 1 10.0.0.{2,3} >/dev/null
	done
	becomes 5000 10.0.1.2 ejected
	expect dropped "$(reason_of 10.0.1.2)" "the reason"
	expect 20 "$(clients_connect 10 10.0.0.{2,3})" "connections after that"
}

dropped_here() {
	ipt -L FORWARD -n -v -x | awk '/DROP/ { n += $1 } END { print n + 0 }'
}

# What this host drops is the connection that decides.
test_a_trial_that_is_dropped_is_one_connection() { # short
	local before dropped

	setup 2
	serve_at $s1 10.0.1.2
	forward_only_to $s1
	balance tcp 80 $s1-10.0.1.2:80 --max-fails 3 --fail-timeout 30
	clients_get_in 20 >/dev/null
	becomes 5000 10.0.1.2 ejected
	becomes 40000 10.0.1.2 trial
	before=$(dropped_here)
	expect 20 "$(clients_get_in 20)" "clients"
	dropped=$(($(dropped_here) - before))
	[ $dropped -ge 1 ] || fail "nobody tried it"
	[ $dropped -le 4 ] || fail "$dropped packets were sent to it"
}

# No backend has answered them before.
test_a_trial_takes_one_new_client() { # short
	local i before dropped

	setup 2
	serve_at $s1 10.0.1.2
	forward_only_to $s1
	balance tcp 80 $s1-10.0.1.2:80
	ctl eject 10.0.1.2 for 1
	becomes 5000 10.0.1.2 trial
	before=$(dropped_here)
	for ((i = 11; i < 41; i++)); do
		add_clients "10.0.0.$i"
		peer "$cl" open "t$i" tcp $vip 80 from "10.0.0.$i" nowait >/dev/null
		exactly 0.1
	done
	dropped=$(($(dropped_here) - before))
	[ $dropped -ge 1 ] || fail "nobody tried it"
	[ $dropped -le 4 ] || fail "$dropped packets were sent to it"
}

# Every second packet is dropped, to whichever server: that is no reason for a backup.
test_dropped_packets_do_not_lead_to_a_backup() { # short
	local i

	setup 2
	serve_at $s1 10.0.1.2
	ipt -A FORWARD -i client -p tcp --syn -m statistic --mode nth --every 2 --packet 0 -j DROP
	keep_tracking ipt
	balance tcp 80 $s1:80 --to 10.0.1.2:80,backup
	for i in 1 2 3 4 5 6; do
		on "$cl" timeout 8 bash -c "exec 3<>/dev/tcp/$vip/80" || fail "client $i"
	done
	pause 5000
	has_served 6 $s1
	has_served 0 10.0.1.2
	expect ready "$(state_of $s1)" "the state of the ordinary one"
}

# Anybody can send packets in a client's name that do not arrive.
test_dropped_packets_move_no_persistent_client() { # short
	local home other i

	setup 2
	serve_at $s1 10.0.1.2
	balance tcp 80 $s1-10.0.1.2:80 --persistent 600 --max-fails 0
	peer "$cl" open a tcp $vip 80
	home=$s1 other=10.0.1.2
	[ "$(loads)" = "1 0" ] || home=10.0.1.2 other=$s1
	ipt -I FORWARD -i client -p tcp --syn -j DROP
	peer "$cl" open b tcp $vip 80 nowait
	exactly 0.5
	ipt -D FORWARD -i client -p tcp --syn -j DROP
	keep_tracking ipt
	# Its second packet goes to the other one, as do others of the next seconds.
	busywait 5000 is 1 served $other || fail "the connection whose packet was dropped"
	pause 4500
	for i in 1 2 3; do peer "$cl" open "c$i" tcp $vip 80; done
	has_served 4 $home
	has_served 1 $other
}

# What failed before the administrator has mended it.
test_ready_forgets_what_was_dropped() { # short
	setup 2
	serve_at $s1 10.0.1.2
	forward_only_to $s1
	balance tcp 80 $s1-10.0.1.2:80 --max-fails 3 --fail-timeout 60
	watch_ejections
	for i in 1 2 3 4 5 6 7 8; do
		peer "$cl" open "z$i" tcp $vip 80 nowait
	done
	exactly 1.5
	ctl drain 10.0.1.2
	ipt -F FORWARD
	keep_tracking ipt
	ctl ready 10.0.1.2
	pause 4500
	expect "" "$(ejections)" "ejected after it was made ready"
}

test_a_backend_behind_a_filter_is_ejected() { # short
	setup 2
	serve_at $s1 10.0.1.2
	forward_only_to $s1
	balance tcp 80 $s1-10.0.1.2:80 --max-fails 3 --fail-timeout 60
	expect 25 "$(clients_get_in 25)" "clients that got in"
	becomes 5000 10.0.1.2 ejected
	expect dropped "$(reason_of 10.0.1.2)" "the reason"
	expect 8 "$(clients_get_in 8)" "clients after that"
}

# Filters against some clients, as fail2ban makes them, tell nothing of the backends.
test_clients_that_the_gateway_drops_eject_nothing() { # short
	setup
	add_clients 10.0.0.{3,4,5,6}
	serve_at 10.0.1.{1,2,3,4}
	balance tcp 80 $s1-$s4:80 --max-fails 3 --fail-timeout 60
	watch_ejections
	expect 4 "$(clients_connect 4 10.0.0.2)" "connections"
	ipt -I FORWARD -i client ! -s 10.0.0.2 -j DROP
	# No answer comes in between, which would be enough.
	pause 3000
	for i in 3 4 5 6; do peer "$cl" open "b$i" tcp $vip 80 from "10.0.0.$i" count 8 nowait; done
	pause 6000
	expect 4 "$(clients_connect 4 10.0.0.2)" "connections after that"
	expect "" "$(ejections)" "ejected"
	busywait 3000 is 0 all_loads || fail "loads that are left: $(ctl list)"
}

# As if there was no route to the servers, which there is.
test_clients_that_are_told_of_no_route_eject_nothing() { # short
	local r

	setup 2
	add_clients 10.0.0.1{1,2,3,4,5}
	serve_at $s1 10.0.1.2
	ipt -A FORWARD -s 10.0.0.8/29 -j REJECT --reject-with icmp-host-unreachable
	keep_tracking ipt
	balance tcp 80 $s1-10.0.1.2:80
	watch_ejections
	for ((r = 0; r < 10; r++)); do
		clients_connect 1 10.0.0.1{1,2,3,4,5} >/dev/null
		expect 2 "$(clients_connect 2 10.0.0.2)" "connections of another client"
		exactly 0.5
	done
	expect "" "$(ejections)" "ejected"
}

# Of another service only, and of a client that the other service answers all the time.
test_a_client_banned_from_a_service_ejects_nothing() { # short
	local i

	setup
	add_clients 10.0.0.3
	serve_at $s1 10.0.1.2
	for i in 3 4; do peer "$sv" listen tcp "10.0.1.$i" 81; done
	balance tcp 80 $s1-10.0.1.2:80
	balance tcp 81 10.0.1.3-10.0.1.4:81
	watch_ejections
	peer "$cl" open ok tcp $vip 81 from 10.0.0.3 count 4
	ipt -A FORWARD -s 10.0.0.2 -p tcp --dport 81 -j DROP
	pause 3600
	for ((i = 0; i < 30; i++)); do
		peer "$cl" open "n$i" tcp $vip 81 nowait
		peer "$cl" open "m$i" tcp $vip 80
		pause 400
	done
	pause 4000
	expect "" "$(ejections)" "ejected"
}

# A client that may not reach one of the servers; there is another client.
test_drops_of_one_client_eject_nothing() { # short
	local i

	setup 3
	add_clients 10.0.0.3
	serve_at 10.0.1.{1,2,3}
	balance tcp 80 $s1-10.0.1.2:80
	balance tcp 81 10.0.1.3:80
	watch_ejections
	ipt -A FORWARD -s 10.0.0.2 -d 10.0.1.2 -p tcp --syn -j DROP
	for ((i = 0; i < 30; i++)); do
		peer "$cl" open "n$i" tcp $vip 80 nowait
		peer "$cl" reset "n$((i - 3))" >/dev/null 2>&1 || true
		peer "$cl" open "m$i" tcp $vip 81 from 10.0.0.3
		exactly 0.4
	done
	pause 4000
	expect "" "$(ejections)" "ejected"
}

# Begins 400 connections a second, each from an address of its own. Sets begun, connected.
burst() { # SECONDS FIRST-ADDRESS
	read -r begun connected \
		< <(on "$cl" "$here/burst.py" $vip 80 400 "$1" "$2")
}

# More clients than the module remembers. The other backend has more connections than
# pending choices can be.
test_many_new_clients_avoid_a_backend_behind_a_filter() { # short
	local begun connected

	need python3
	setup 2
	serve_at $s1 10.0.1.2
	ip -n "$cl" route add local 10.64.0.0/15 dev lo
	ip -n "$lb" route add 10.64.0.0/15 via 10.0.0.2
	balance tcp 80 $s1-10.0.1.2:80
	ctl drain 10.0.1.2
	peer "$cl" open h tcp $vip 80 count 400
	ctl ready 10.0.1.2
	forward_only_to $s1
	burst 5 10.64.0.1
	say "$connected of $begun clients"
	[ $((2 * connected)) -ge "$begun" ] || fail "$connected of $begun clients"
	becomes 5000 10.0.1.2 ejected
	expect dropped "$(reason_of 10.0.1.2)" "the reason"
	burst 1 10.65.0.1
	expect "$begun" "$connected" "clients after that"
}

# Nobody tells of it by coming again.
test_clients_that_are_rejected_and_come_once() { # short
	local i got=0

	setup 2
	serve_at $s1 10.0.1.2
	ipt -A FORWARD -i client -d 10.0.1.2 -j REJECT
	keep_tracking ipt
	balance tcp 80 $s1-10.0.1.2:80
	ctl drain 10.0.1.2
	peer "$cl" open held tcp $vip 80 count 40
	ctl ready 10.0.1.2
	for ((i = 11; i < 131; i++)); do
		add_clients "10.0.0.$i"
		! peer "$cl" open "o$i" tcp $vip 80 from "10.0.0.$i" >/dev/null 2>&1 ||
			got=$((got + 1))
		exactly 0.1
	done
	say "$got of 120 clients"
	[ $got -ge 60 ] || fail "$got of 120 clients"
	expect dropped "$(reason_of 10.0.1.2)" "the reason"
}

# The host drops all for half a second: that tells of no backend.
forwarding_stops() { # BACKENDS CONNECTIONS
	local i

	setup "$1"
	for ((i = 1; i <= $1; i++)); do serve_at "10.0.1.$i"; done
	keep_tracking ipt
	balance tcp 80 "$s1-10.0.1.$1:80"
	watch_ejections
	ipt -P FORWARD DROP
	peer "$cl" open w tcp $vip 80 count "$2" nowait
	exactly 0.5
	ipt -P FORWARD ACCEPT
	pause 6000
	expect "$2" "$(all_served)" "accepted"
	expect "" "$(ejections)" "ejected"
}

test_a_moment_without_forwarding_ejects_nothing() { # short
	forwarding_stops 3 18
}

test_a_moment_without_forwarding_ejects_neither_of_two() { # short
	forwarding_stops 2 12
}

# ---- packets that others send, and that this host drops ----

# SYNs whose hop limit ends here.
flood() { # HPING3-OPTION...
	nsenter --net="/run/netns/$cl" hping3 -q -S -t 1 -p 80 "$@" $vip >/dev/null 2>&1 &
	flood_pid=$!
}

flood_ends() {
	kill "$flood_pid"
	wait "$flood_pid" 2>/dev/null || true
}

get_in() { # TIMES SECONDS: how many connections come about, each in so many seconds
	local i got=0

	for ((i = 0; i < $1; i++)); do
		! on "$cl" timeout "$2" bash -c "exec 3<>/dev/tcp/$vip/80" 2>/dev/null ||
			got=$((got + 1))
		exactly 0.2
	done
	echo $got
}

# Also while the backend is under suspicion.
test_dropped_packets_fill_no_cap() { # short
	local got

	setup 1
	serve_at $s1
	keep_tracking ipt
	balance tcp 80 $s1:80,max-conns=2
	filter $s1 REJECT --reject-with tcp-reset
	connect 4 >/dev/null
	unfilter
	flood --rand-source -i u5000
	exactly 0.5
	got=$(get_in 10 3)
	flood_ends
	[ "$got" -ge 9 ] || fail "$got of 10 connections"
}

# It has mended; packets from forged addresses do not take the place of those that decide.
test_dropped_packets_prolong_no_trial() { # short
	local i

	setup 2
	add_clients 10.0.0.3
	serve_at $s1 10.0.1.2
	keep_tracking ipt
	balance tcp 80 $s1-10.0.1.2:80 --max-fails 3 --fail-timeout 5
	filter 10.0.1.2 REJECT --reject-with tcp-reset
	clients_connect 6 10.0.0.{2,3} >/dev/null
	becomes 1000 10.0.1.2 ejected
	flood --rand-source -i u1000
	unfilter
	for i in 1 2 3 4 5 6 7 8 9; do
		exactly 1
		clients_connect 1 10.0.0.{2,3} >/dev/null
	done
	flood_ends
	becomes 1000 10.0.1.2 ready
}

# In its name; the other backend refuses.
test_dropped_packets_lead_to_no_backend_that_refused() { # short
	local got

	setup 2
	serve_at 10.0.1.2
	keep_tracking ipt
	balance tcp 80 $s1-10.0.1.2:80 --redispatch --max-fails 0
	flood -a 10.0.0.2 -i u200000
	exactly 1.5
	got=$(get_in 12 9)
	flood_ends
	expect 12 "$got" "connections"
}

# A backend behind a filter is seen all the same.
test_dropped_packets_hide_no_filter() { # short
	setup 2
	serve_at $s1 10.0.1.2
	forward_only_to $s1
	balance tcp 80 $s1-10.0.1.2:80 --max-fails 3 --fail-timeout 60
	flood --rand-source -i u700
	# Twenty answers of the other one are the least that can tell.
	clients_get_in 80 40 >/dev/null
	becomes 8000 10.0.1.2 ejected
	flood_ends
}

# ---- the gateway is at fault ----

# All ordinary backends are hidden: a backup serves.
hide_the_ordinary_one() { # COMMAND...
	setup 2
	serve_at $s1 10.0.1.2
	keep_tracking ipt
	balance tcp 80 $s1:80 --to 10.0.1.2:80,backup
	"$@"
}

test_a_backup_serves_if_the_gateway_drops() { # short
	hide_the_ordinary_one ipt -A FORWARD -d $s1 -j DROP
	expect 10 "$(clients_get_in 10)" "clients that got in"
	becomes 8000 $s1 ejected
	expect dropped "$(reason_of $s1)" "the reason"
	expect 5 "$(get_in 5 1)" "connections after that"
}

test_a_backup_serves_without_a_route() { # short
	hide_the_ordinary_one ip -n "$lb" route add unreachable $s1/32
	get_in 4 1 >/dev/null
	becomes 1000 $s1 ejected
	expect unreachable "$(reason_of $s1)" "the reason"
	expect 5 "$(get_in 5 1)" "connections after that"
}

# Each client comes once, and is told at once; the other backend looks busy.
clients_come_once() { # VIP CLIENT-PREFIX LENGTH BACKEND-WITHOUT-ROUTE
	local i got=0

	ctl drain "$4"
	peer "$cl" open held tcp "$1" 80 count 40
	for ((i = 11; i < 31; i++)); do ip -n "$cl" addr add "$2$i/$3" dev eth0 nodad; done
	ip -n "$lb" route add unreachable "$4"
	ctl ready "$4"
	for ((i = 11; i < 31; i++)); do
		! peer "$cl" open "o$i" tcp "$1" 80 from "$2$i" >/dev/null 2>&1 ||
			got=$((got + 1))
		exactly 0.2
	done
	[ $got -ge 12 ] || fail "$got of 20 clients"
}

test_a_backend_without_a_route_is_ejected() { # short
	setup 2
	serve_at $s1 10.0.1.2
	keep_tracking ipt
	balance tcp 80 $s1-10.0.1.2:80
	clients_come_once $vip 10.0.0. 24 10.0.1.2
	becomes 1000 10.0.1.2 ejected
	expect unreachable "$(reason_of 10.0.1.2)" "the reason"
}

# All of a /64 are one client, which avoids the backend then.
test_a_backend_without_a_route_is_ejected_ipv6() { # short
	setup 2
	peer "$sv" listen tcp fd00:1::1 80
	peer "$sv" listen tcp fd00:1::2 80
	keep_tracking ip6t
	balance6 tcp 80 '[fd00:1::1]-[fd00:1::2]:80' --max-fails 1
	clients_come_once $vip6 fd00::1: 64 fd00:1::2
	becomes 1000 '[fd00:1::2]' ejected
	expect unreachable "$(reason_of '[fd00:1::2]')" "the reason"
}

# Most packets of a client are dropped, whichever backend they are for.
test_a_client_with_a_limit_ejects_nothing() { # short
	local i

	setup 8
	serve_at 10.0.1.{1,2,3,4,5,6,7,8}
	keep_tracking ipt
	balance tcp 80 $s1-10.0.1.8:80
	ipt -A FORWARD -i client -p tcp --syn -m statistic --mode nth --every 8 --packet 7 -j ACCEPT
	ipt -A FORWARD -i client -p tcp --syn -j DROP
	watch_ejections
	for ((i = 0; i < 300; i++)); do
		peer "$cl" open "r$i" tcp $vip 80 nowait >/dev/null 2>&1 || true
		[ $i -lt 20 ] || peer "$cl" reset "r$((i - 20))" >/dev/null 2>&1 || true
		exactly 0.1
	done
	expect "" "$(ejections)" "ejected"
}

# Masquerading has no port left for one backend: conntrack does not confirm its connections.
test_ports_that_run_out_keep_no_client_out() { # short
	local i

	setup 3
	serve_at 10.0.1.{1,2,3}
	balance tcp 80 $s1:80,weight=4,10.0.1.2-10.0.1.3:80
	ipt -t nat -A POSTROUTING -d 10.0.1.0/24 -p tcp --dport 80 -j MASQUERADE --to-ports 40000-40011
	for ((i = 0; i < 30; i++)); do
		ip -n "$cl" addr replace "10.0.0.$((11 + i % 5))/24" dev eth0
		peer "$cl" open "p$i" tcp $vip 80 from "10.0.0.$((11 + i % 5))" nowait >/dev/null
		exactly 0.2
	done
	busywait 8000 is 30 all_served || expect 30 "$(all_served)" "clients that got in"
	[ "$(served $s1)" -le 12 ] || fail "there was no lack of ports"
}

# ---- packets that wait ----

# Packets that NFQUEUE holds, or takes to another processor, are no failures, and their
# connections are judged and redispatched.
hold_packets() { # MS
	local processor=0

	[ "$(nproc)" = 1 ] || processor=1
	coproc nsenter --net="/run/netns/$lb" "$(dirname "$peer")/queue" 5 "$1" "$processor"
	queue=$COPROC_PID
	read -r _ <&"${COPROC[0]}"
}

# A connection that is held must not pass for the one whose packet was dropped before.
test_a_filter_behind_a_queue_is_seen() { # short
	local queue

	setup 2
	serve_at $s1 10.0.1.2
	ipt -A FORWARD -i client -m conntrack --ctstate NEW -j NFQUEUE --queue-num 5 ||
		skip "no NFQUEUE"
	hold_packets 20
	ipt -t mangle -A POSTROUTING -d 10.0.1.2 -p tcp -j DROP
	balance tcp 80 $s1-10.0.1.2:80 --max-fails 3 --fail-timeout 60
	expect 25 "$(clients_get_in 25)" "clients that got in"
	becomes 5000 10.0.1.2 ejected
	kill "$queue"
	wait "$queue" || true
}

# Its SYN is repeated while it is held, and so are the repetitions.
test_a_connection_that_is_held_long_is_one() { # short
	local queue

	setup 2
	serve_at $s1 10.0.1.2
	balance tcp 80 $s1-10.0.1.2:80
	ipt -A FORWARD -i client -m conntrack --ctstate NEW -j NFQUEUE --queue-num 5 ||
		skip "no NFQUEUE"
	hold_packets 1500
	peer "$cl" open h tcp $vip 80 nowait
	exactly 6
	kill "$queue"
	wait "$queue" || true
	expect 1 "$(all_served)" "accepted"
	expect 1 "$(on "$lb" awk '$4 == 80 { n += $7 } END { print n }' /proc/net/leastconn)" "counted"
}

test_held_packets_are_no_failures() { # short
	local queue

	setup
	serve_at 10.0.1.{1,2,3,4}
	balance tcp 80 $s1-$s4:80 --max-fails 1 --fail-timeout 60
	ipt -A FORWARD -i client -m conntrack --ctstate NEW -j NFQUEUE --queue-num 5 ||
		skip "no NFQUEUE"
	hold_packets 200
	watch_ejections
	expect 12 "$(connect 12)" "connections, one after another"
	peer "$cl" open k tcp $vip 80 count 40 || fail "not all at once"
	pause 4500
	peer "$cl" reset 'k.*' >/dev/null
	expect "" "$(ejections)" "ejected"
	agree 3000
	busywait 3000 is 0 all_loads || fail "loads that are left: $(ctl list)"
	filter $s4 REJECT --reject-with tcp-reset
	connect 12 >/dev/null
	becomes 2000 $s4 ejected
	expect refused "$(reason_of $s4)" "the reason"
	kill "$queue"
	wait "$queue" || true
}

# Choices of five clients for four backends, which go before anybody has looked at them.
choices_of_backends_that_go() {
	local client i

	forward_only_to 10.0.1.99
	balance tcp 80 10.0.1.3-10.0.1.6:80 --max-fails 0
	for ((i = 0; i < 40; i++)); do
		client=10.0.0.$((11 + i % 5))
		ip -n "$cl" addr replace $client/24 dev eth0
		peer "$cl" open "q$i" tcp $vip 80 from $client nowait >/dev/null
	done
	ipt -t nat -F
	ipt -F FORWARD
	for ((i = 0; i < 40; i++)); do peer "$cl" reset "q$i" >/dev/null; done
	busywait 5000 is "" loads || fail "backends are left: $(loads)"
}

# They would say for ever that these clients reach nothing.
test_choices_of_backends_that_have_gone_are_forgotten() {
	setup 6
	serve_at $s1 10.0.1.2
	choices_of_backends_that_go
	exactly 5
	forward_only_to $s1
	balance tcp 80 $s1-10.0.1.2:80 --max-fails 3 --fail-timeout 60
	expect 25 "$(clients_get_in 25)" "clients that got in"
	becomes 5000 10.0.1.2 ejected
	expect dropped "$(reason_of 10.0.1.2)" "the reason"
}

run_tests "$@"
