#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Backends that are to be left: drain, down, ready, wait, kill. A state holds in
# every rule and pool, whatever becomes of them; who may stay goes on, and who
# may not moves or is cut.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

s1=10.0.1.1 s2=10.0.1.2 s3=10.0.1.3 sorry=10.0.1.4

open() { # NAME [OPTION...]: connections of the client
	peer "$cl" open "$1" tcp $vip 80 "${@:2}"
}

# By conntrack's word: entries whose replies come from there.
entries() { # ADDR [OPTION...]
	on "$lb" conntrack -L --reply-src "$1" "${@:2}" 2>/dev/null | wc -l
}

shown() { # ADDR[:PORT]: states that list shows
	ctl list | awk -v b="$1" '$1 == b { printf "%s%s", sep, $2; sep = " " }'
}

# Two servers, by a rule with --to.
two_of_a_rule() {
	setup 4
	serve tcp 80
	serve udp 53
	balance tcp 80 $s1:80,$s2:80
	balance udp 53 $s1:53,$s2:53
}

# ---- drain and ready ----

test_a_drain_holds_in_rules_and_pools_alike() { # short
	setup 4
	serve tcp 80
	ctl pool add web
	ctl add web $s1:80
	ctl add web $s3:80
	balance tcp 80 $s1:80,$s2:80
	pooled tcp 81 web
	open a count 2
	peer "$cl" open b tcp $vip 81 count 2
	expect "2 1 1" "$(loads)" "loads of s1, s3, s2"
	ctl drain $s1:80
	expect drain "$(state $s1)" "the table's state"
	expect "drain drain" "$(shown $s1:80)" "states of pool and rule"
	open c count 3
	peer "$cl" open d tcp $vip 81 count 3
	has_served 2 $s1
	has_served 8 "10[.]0[.]1[.][23]"
	# Who was there goes on.
	peer "$cl" say '*' hello >"$tmp/answer"
	agree 1000
	# Nor by another weight, or another pool.
	ctl set web $s1:80 weight 100
	ctl pool add new
	ctl add new $s1:80
	ctl add new $s3:80
	pooled tcp 82 new
	peer "$cl" open e tcp $vip 81
	peer "$cl" open f tcp $vip 82
	has_served 2 $s1
	ctl ready $s1
	expect "ready ready ready" "$(shown $s1:80)" "states"
	peer "$cl" open g tcp $vip 81 count 20
	has_served 22 $s1
	open h
	has_served 22 $s1
	agree 1000
}

state_survives_replacement() { # FRONT-END
	local i

	iptables=$1
	need "$iptables"
	case $1 in *-legacy) modprobe -n -q iptable_nat || skip "no $1" ;; esac
	two_of_a_rule
	keep_tracking ipt
	open a count 4
	ctl drain $s1
	for i in 1 2 3; do
		on "$lb" "$iptables-save" >"$tmp/rules"
		on "$lb" "$iptables-restore" <"$tmp/rules"
		expect "drain $s1 2" "$(state $s1) $s1 $(active $s1)" \
			"after replacement $i"
		open "b$i"
	done
	has_served 2 $s1
	for i in 1 2 3; do
		ipt -t nat -F
		expect drain "$(state $s1)" "state without a rule"
		balance tcp 80 $s1:80,$s2:80
		expect drain "$(state $s1)" "state with another rule"
		open "c$i"
	done
	has_served 2 $s1
	has_served 8 $s2
	expect "drain" "$(shown $s1:80)" "list"
	peer "$cl" say 'a.*' hello >"$tmp/answer"
	# No trace of who was drained only for UDP, whose rule has gone.
	expect "drain" "$(shown $s1:53)" "of a backend that nobody has"
	ctl ready $s1
	expect "ready" "$(shown $s1:80)" "list"
	expect "" "$(shown $s1:53)" "of a backend that nobody has"
	open d
	has_served 3 $s1
	agree 1000
}

test_a_state_survives_replacement_by_iptables_legacy() { # short
	state_survives_replacement iptables-legacy
}

test_a_state_survives_replacement_by_iptables_nft() {
	state_survives_replacement iptables-nft
}

test_a_state_survives_its_pool() {
	setup 4
	serve tcp 80
	ctl pool add web
	ctl add web $s1:80 state drain
	ctl add web $s2:80
	pooled tcp 80 web
	open a
	ctl del web $s1:80
	ctl add web $s1:80
	open b
	ctl del web $s1:80
	balance tcp 81 $s1:80,$s3:80
	peer "$cl" open c tcp $vip 81
	has_served 2 $s2
	has_served 1 $s3
	has_served 0 $s1
}

test_a_state_that_came_before_the_rule() {
	setup 4
	serve tcp 80
	printf '%s\n' "drain $s1:80 proto tcp" "down $s2" | ctl restore
	balance tcp 80 $s1:80,$s3:80
	open a count 2
	has_served 2 $s3
	expect "0 0 2" "$(loads)" "loads"
	# A whole address is another backend than one of its ports.
	expect "drain" "$(state $s1)" "state"
	balance tcp 81 $s2:80
	peer "$cl" open b tcp $vip 81
	has_served 1 $s2
}

test_ipv6() {
	setup 4
	serve tcp 80
	balance6 tcp 80 "[fd00:1::1]:80,[fd00:1::2]:80"
	peer "$cl" open a tcp $vip6 80 count 2
	ctl drain '[fd00:1::1]:80'
	peer "$cl" open b tcp $vip6 80 count 3
	expect "1 4" "$(loads)" "loads"
	peer "$cl" say 'a.*' hello >"$tmp/answer"
	peer "$cl" tell 'a.*' reset
	ctl wait fd00:1::1 --timeout 5
	expect "drain" "$(shown '[fd00:1::1]:80')" "list"
	agree 1000
}

test_all_drained_is_the_next_rule() { # short
	setup 4
	serve tcp 80
	ctl pool add web
	ctl add web $s1:80
	ctl add web $s2:80 backup
	pooled tcp 80 web
	balance tcp 80 $s3:80
	ipt -t nat -A PREROUTING -d $vip -p tcp --dport 80 \
		-j DNAT --to-destination $sorry:80
	ctl drain $s1
	open a
	has_served 1 $s2
	ctl down $s2
	open b
	has_served 1 $s3
	ctl drain $s3
	open c count 2
	has_served 2 $sorry
	ctl ready $s2
	open d
	has_served 2 $s2
	has_served 0 $s1
	agree 1000
}

# ---- the same client port again ----

# Each way in which a connection of the first server ends.
by_server_reset() {
	peer "$cl" tell c reset
	peer "$cl" drain c 2>/dev/null || true
	peer "$cl" reset c
}

by_client_reset() {
	peer "$cl" reset c
}

by_server_close() {
	peer "$cl" tell c close
	peer "$cl" drain c
	peer "$cl" close c
}

by_client_close() {
	peer "$cl" shut c
	peer "$cl" drain c
	peer "$cl" close c
}

by_crossing_reset() {
	peer "$cl" tell c stay
	peer "$cl" shut c
	peer "$sv" hangup reset
	peer "$cl" drain c 2>/dev/null || true
	peer "$cl" reset c
}

by_refusal() {
	:
}

ended() { # no live connection of the first server, by conntrack's word
	[ "$(on "$lb" conntrack -L -p tcp --reply-src $s1 2>/dev/null |
		grep -cE 'ESTABLISHED|FIN_WAIT|CLOSE_WAIT|SYN')" = 0 ]
}

again() { # the same port, once the client has it back
	peer "$cl" open c tcp $vip 80 from 10.0.0.2,4000 2>"$tmp/refused"
}

begin() { # WAY: a connection of the first server
	if [ "$1" = by_refusal ]; then
		on "$sv" "$iptables" -A INPUT -d $s1 -p tcp \
			-j REJECT --reject-with tcp-reset
		! again || fail "not refused"
	else
		again || fail "$(cat "$tmp/refused")"
		has_served 1 $s1
	fi
}

# The client's next connection from its port is the second server's. The drained one
# sees not even a SYN that is let go of as soon as it has passed.
goes_to_the_second() {
	on "$sv" "$iptables" -A INPUT -d $s1 -p tcp --syn
	busywait 5000 again || fail "$(cat "$tmp/refused")"
	expect hello "$(peer "$cl" say c hello)" "echo"
	expect 0 "$(on "$sv" "$iptables" -nvxL INPUT | awk 'FNR == 3 { print $1 }')" \
		"SYNs that the drained server has seen"
	has_served 1 $s2
}

port_used_again() { # WAY before|after: it ends, seen from the drain
	local before

	setup 4
	serve tcp 80
	# A port in TIME_WAIT, after a second.
	on "$cl" sysctl -qw net.ipv4.tcp_tw_reuse=1
	balance tcp 80 $s1:80,$s2:80
	begin "$1"
	before=$(served $s1)
	[ "$2" = after ] || "$1"
	[ "$2" = after ] || busywait 2000 ended || fail "not ended"
	ctl drain $s1
	[ "$2" = before ] || "$1"
	busywait 2000 ended || fail "not ended"
	on "$sv" "$iptables" -F INPUT
	goes_to_the_second
	has_served "$before" $s1
	agree 1000
}

test_a_port_that_the_server_had_reset() { # short
	port_used_again by_server_reset before
}

test_a_port_that_the_drained_server_resets() { # short
	port_used_again by_server_reset after
}

test_a_port_that_was_reset_in_both_directions() {
	port_used_again by_crossing_reset before
}

test_a_port_that_is_reset_in_both_directions() {
	port_used_again by_crossing_reset after
}

test_a_port_that_the_client_had_reset() {
	port_used_again by_client_reset before
}

test_a_port_that_the_client_resets() {
	port_used_again by_client_reset after
}

test_a_port_that_the_server_had_closed() {
	port_used_again by_server_close before
}

test_a_port_that_the_drained_server_closes() {
	port_used_again by_server_close after
}

test_a_port_that_the_client_had_closed() {
	port_used_again by_client_close before
}

test_a_port_that_the_client_closes() {
	port_used_again by_client_close after
}

test_a_port_that_was_refused() {
	port_used_again by_refusal before
}

without_resets() { # COMMAND...: none leaves client or servers meanwhile
	local host

	for host in "$cl" "$sv"; do
		on "$host" "$iptables" -A OUTPUT -p tcp --tcp-flags RST RST -j DROP
	done
	"$@"
	for host in "$cl" "$sv"; do
		on "$host" "$iptables" -F OUTPUT
	done
}

lose_both_ends() {
	peer "$sv" hangup reset
	peer "$cl" reset c
}

# As after a power cut: conntrack takes the connection to be open, and the SYN of
# the next one for a part of it.
test_a_port_that_both_sides_have_lost() { # short
	setup 4
	serve tcp 80
	balance tcp 80 $s1:80,$s2:80
	begin by_loss
	without_resets lose_both_ends
	ctl drain $s1
	expect 1 "$(entries $s1 -p tcp --state ESTABLISHED)" "entries that stand"
	goes_to_the_second
	expect 0 "$(entries $s1)" "entries of the drained server"
	agree 1000
}

# ---- wait ----

# wait_in_background WORD...: its process is $waiter
wait_in_background() {
	nsenter --net="/run/netns/$lb" leastconnctl wait "$@" \
		>"$tmp/waited" 2>&1 &
	waiter=$!
}

waits() {
	kill -0 "$waiter" 2>/dev/null
}

returned() {
	! waits
}

# Connections that either server has.
both_have() {
	echo $(($(active $s1) + $(active $s2)))
}

# Which server got which is not known: one after another of a.1, a.2 and so on is reset,
# until the first server has so many left.
reset_until() { # COUNT
	local left

	while ! is "$1" active $s1; do
		left=$(($(both_have) - 1))
		at=$((at + 1))
		peer "$cl" tell "a.$at" reset
		busywait 5000 is $left both_have || fail "a.$at is not reset"
	done
}

test_wait_returns_with_the_last_connection() { # short
	local at=0

	two_of_a_rule
	open a count 6
	ctl drain $s1
	wait_in_background $s1
	reset_until 1
	! busywait 1000 returned || fail "returned with a connection left"
	reset_until 0
	busywait 5000 returned || fail "still waiting"
	wait $waiter || fail "status $?"
	expect "" "$(cat "$tmp/waited")" "what it said"
}

test_wait_gives_up() {
	local at=0

	two_of_a_rule
	open a count 6
	ctl drain $s1:80
	says_no 1 "$s1:80 still has 3 live connections after 0.5 seconds" \
		ctl wait $s1:80 --timeout 0.5
	reset_until 1
	says_no 1 "$s1:80 still has 1 live connection after 0 seconds" \
		ctl wait $s1:80 --timeout 0
	reset_until 0
	ctl wait $s1:80 --timeout 5
}

test_wait_ends_when_the_backend_is_ready_again() {
	two_of_a_rule
	open a count 2
	ctl drain $s1
	wait_in_background $s1:80
	! busywait 500 returned || fail "returned with a connection left"
	ctl ready $s1
	busywait 5000 returned || fail "still waiting"
	! wait $waiter || fail "status 0"
	grep -q "is ready and may get new connections" "$tmp/waited" ||
		fail "$(cat "$tmp/waited")"
}

test_wait_tells_how_far_it_is_on_a_terminal() {
	local at=0

	need script
	two_of_a_rule
	open a count 4
	ctl drain $s1:80
	on "$lb" script -qec "leastconnctl wait $s1:80" "$tmp/typescript" \
		>"$tmp/answer" </dev/null &
	waiter=$!
	busywait 5000 grep -q "$s1:80: 2 live connections left, 0 s" \
		"$tmp/answer" || fail "$(cat "$tmp/answer")"
	reset_until 1
	busywait 5000 grep -q "$s1:80: 1 live connection left" "$tmp/answer" ||
		fail "$(cat "$tmp/answer")"
	reset_until 0
	busywait 5000 returned || fail "still waiting"
}

test_wait_for_udp_that_times_out() {
	two_of_a_rule
	on "$lb" sysctl -qw net.netfilter.nf_conntrack_udp_timeout=2
	peer "$cl" open u udp $vip 53 count 2
	peer "$cl" tell 'u.*' hello
	on "$lb" sysctl -qw net.netfilter.nf_conntrack_udp_timeout_stream=2
	peer "$cl" tell 'u.*' hello
	ctl drain $s1:53
	ctl wait $s1:53 proto udp --timeout 10
	expect 0 "$(entries $s1)" "entries"
}

# ---- down ----

# The first server's packets go nowhere.
first_is_dead() {
	on "$sv" "$iptables" -A INPUT -d $s1 -j DROP
}

test_down_moves_syns_that_nobody_answers() { # short
	two_of_a_rule
	open long
	first_is_dead
	# The third goes to s1 as the first did.
	open b
	open c nowait
	expect 1 "$(entries $s1 -p tcp --state SYN_SENT)" "SYNs on their way"
	# A drain leaves them to their fate, which might be a good one.
	ctl drain $s1
	expect 1 "$(entries $s1 -p tcp --state SYN_SENT)" "with the drain"
	ctl down $s1
	expect 0 "$(entries $s1 -p tcp --state SYN_SENT)" "when it is down"
	expect 1 "$(entries $s1 -p tcp --state ESTABLISHED)" "who was answered"
	# The client's next try comes within a second or so.
	busywait 5000 is 2 served $s2 || fail "it did not move"
	expect hello "$(peer "$cl" say c hello)" "echo of who moved"
	on "$sv" "$iptables" -F INPUT
	expect hello "$(peer "$cl" say long hello)" "echo of who was answered"
	expect down "$(state $s1)" "state"
	agree 1000
}

test_down_moves_udp_that_nobody_answers() {
	two_of_a_rule
	first_is_dead
	peer "$cl" open u udp $vip 53 count 4
	peer "$cl" tell 'u.*' hello
	busywait 1000 is "2 2" loads_udp || fail "loads: $(loads_udp)"
	ctl down $s1
	expect 0 "$(entries $s1)" "entries"
	peer "$cl" tell 'u.*' hello
	busywait 1000 is "0 4" loads_udp || fail "loads: $(loads_udp)"
	expect hello "$(peer "$cl" say u.1 hello)" "echo"
	agree 1000
}

loads_udp() {
	on "$lb" awk '$2 == "udp" { printf "%s%s", sep, $5; sep = " " }' \
		/proc/net/leastconn
}

# ---- kill ----

test_kill_moves_udp_with_its_next_packet() { # short
	two_of_a_rule
	peer "$cl" open u udp $vip 53 count 6
	peer "$cl" say 'u.*' hello >"$tmp/answer"
	expect "3 3" "$(loads_udp)" "at first"
	ctl drain $s1:53
	peer "$cl" say 'u.*' hello >"$tmp/answer"
	expect "3 3" "$(loads_udp)" "drained, but stale"
	expect "3 conntrack entries deleted" "$(ctl kill $s1:53)" "kill"
	expect "0 3" "$(entries $s1) $(entries $s2)" "entries"
	peer "$cl" say 'u.*' hello >"$tmp/answer"
	expect "0 6" "$(entries $s1) $(entries $s2)" "entries, a packet later"
	agree 1000
	expect "0 6" "$(loads_udp)" "counts"
}

# All of them choose at the same moment.
test_killed_udp_is_balanced() { # short
	two_of_a_rule
	ctl drain $s2:53
	peer "$cl" open u udp $vip 53 count 12
	peer "$cl" say 'u.*' hello >"$tmp/answer"
	ctl ready $s2:53
	expect "12 0" "$(loads_udp)" "at first"
	ctl kill $s1:53
	peer "$cl" say 'u.*' hello >"$tmp/answer"
	expect "6 6" "$(entries $s1) $(entries $s2)" "entries, a packet later"
	agree 1000
}

test_kill_cuts_tcp() { # short
	local i

	two_of_a_rule
	open c count 6
	ctl drain $s1:80
	expect "3 conntrack entries deleted" "$(ctl kill $s1:80)" "kill"
	expect "0 3" "$(tcp_loads)" "counts, at once"
	expect "0 3" "$(entries $s1) $(entries $s2)" "entries"
	for i in 1 3 5; do
		! peer "$cl" say "c.$i" hello >"$tmp/said" 2>&1 ||
			fail "c.$i was not cut"
		grep -q "reset" "$tmp/said" || fail "c.$i: $(cat "$tmp/said")"
	done
	peer "$cl" say c.2 hello >"$tmp/answer"
	agree 1000
	expect 0 "$(active $s1)" "live ones of who was killed"
	# Nobody else's are touched.
	expect "0 conntrack entries deleted" "$(ctl kill $s1:80)" "kill again"
}

tcp_loads() {
	on "$lb" awk '$2 == "tcp" { printf "%s%s", sep, $5; sep = " " }' \
		/proc/net/leastconn
}

two_of_a_pool() {
	setup 4
	serve udp 53
	serve tcp 80
	ctl pool add dns
	ctl add dns $s1:53 proto udp
	ctl add dns $s2:53
	pooled udp 53 dns
	peer "$cl" open u udp $vip 53 count 4
	peer "$cl" say 'u.*' hello >"$tmp/answer"
}

test_del_kill_ends_connections() { # short
	two_of_a_pool
	expect "2 conntrack entries deleted" "$(ctl del dns $s1:53 --kill)" \
		"del --kill"
	expect "0 2" "$(entries $s1) $(entries $s2)" "entries"
	peer "$cl" say 'u.*' hello >"$tmp/answer"
	expect "0 4" "$(entries $s1) $(entries $s2)" "entries, a packet later"
	expect "4" "$(loads)" "loads of who is left"
	agree 1000
}

test_del_without_kill_leaves_connections() {
	two_of_a_pool
	expect "" "$(ctl del dns $s1:53)" "del"
	peer "$cl" say 'u.*' hello >"$tmp/answer"
	expect "2 2" "$(entries $s1) $(entries $s2)" "entries"
	expect "2" "$(loads)" "loads of who is left"
	agree 1000
}

# In one transaction with others: told in one number.
test_kills_of_a_restore() {
	two_of_a_pool
	expect "4 conntrack entries deleted" "$(printf '%s\n' "drain $s1" \
		"kill $s1" "add dns $s3:53" "del dns $s2:53 --kill" |
		ctl restore)" "restore"
	peer "$cl" say 'u.*' hello >"$tmp/answer"
	expect "0 0 4" "$(entries $s1) $(entries $s2) $(entries $s3)" "entries"
	agree 1000
}

# ---- an address without a port ----

test_a_whole_server_is_left() { # short
	setup 4
	serve tcp 80
	serve tcp 81
	serve udp 53
	balance tcp 80 $s1:80,$s2:80
	balance tcp 81 $s1:81,$s2:81
	balance udp 53 $s1:53,$s2:53
	open a count 4
	peer "$cl" open b tcp $vip 81 count 2
	peer "$cl" open u udp $vip 53 count 4
	peer "$cl" say 'u.*' hello >"$tmp/answer"
	peer "$cl" open direct tcp $s1 80
	expect 6 "$(entries $s1)" "entries of the first"
	ctl drain $s1
	wait_in_background $s1
	open c count 2
	peer "$cl" open d tcp $vip 81 count 2
	peer "$cl" open v udp $vip 53 count 2
	peer "$cl" say 'v.*' hello >"$tmp/answer"
	expect 6 "$(entries $s1)" "entries of the first, drained"
	! busywait 500 returned || fail "returned with connections left"
	expect "6 conntrack entries deleted" "$(ctl kill $s1)" "kill"
	busywait 5000 returned || fail "still waiting"
	wait $waiter || fail "status $?"
	peer "$cl" say 'u.*' hello >"$tmp/answer"
	expect "0 13" "$(entries $s1) $(entries $s2)" "entries"
	agree 1000
}

# Killed is what conntrack has for the backend, whoever led it there: also of
# one that was adopted, and behind a backend that is a whole address.
test_kill_of_a_whole_address_backend() {
	setup 4
	serve tcp 80
	serve udp 53
	ctl pool add host
	ctl add host $s1
	ipt -t nat -A PREROUTING -d $vip -j LEASTCONN --pool host
	open a count 2
	peer "$cl" open u udp $vip 53 count 3
	peer "$cl" say 'u.*' hello >"$tmp/answer"
	on "$cl" ping -q -c 1 -W 5 $vip >"$tmp/ping"
	expect 6 "$(active $s1 0 any)" "connections"
	expect "6 conntrack entries deleted" "$(ctl kill $s1)" "kill"
	busywait 1000 is 0 active $s1 0 any || fail "$(active $s1 0 any) left"
	agree 1000
}

run_tests "$@"
