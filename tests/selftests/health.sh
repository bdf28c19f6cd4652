#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# When backends fail: --max-fails, --fail-timeout, --redispatch. What a backend
# was sent is counted by iptables on the servers' side.
# shellcheck source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"

s1=10.0.1.1 s4=10.0.1.4

# SYNs, or datagrams, that a server was sent by clients.
count_arrivals() { # ADDR...
	local addr

	on "$sv" iptables -w -N arrivals
	on "$sv" iptables -w -I INPUT -p tcp --syn -j arrivals
	on "$sv" iptables -w -I INPUT -p udp -j arrivals
	for addr; do on "$sv" iptables -w -A arrivals -d "$addr"; done
}

arrived() { # ADDR
	on "$sv" iptables -w -nvxL arrivals | awk -v a="$1" '$NF == a { n += $1 } END { print n + 0 }'
}

# Those listen; nobody else, who then refuses.
serve_at() { # ADDR...
	local addr

	for addr; do peer "$sv" listen tcp "$addr" 80; done
}

# What happens to SYNs for an address: dropped, or answered with ICMP.
filter() { # ADDR TARGET [OPTION...]
	on "$sv" iptables -w -A INPUT -p tcp -d "$1" --dport 80 -j "${@:2}"
}

unfilter() {
	on "$sv" iptables -w -F INPUT
}

# One connection after another, each closed by its client. Prints how many came
# about.
connect() { # TIMES
	local i done=0

	for ((i = 0; i < $1; i++)); do
		if peer "$cl" open "x$i" tcp $vip 80 >/dev/null 2>&1; then
			done=$((done + 1))
			peer "$cl" reset "x$i" >/dev/null
		fi
	done
	echo $done
}

state_of() { # ADDR: as the pool has it
	listed "$1" 2
}

becomes() { # MS ADDR STATE
	busywait "$1" is "$3" state_of "$2" ||
		expect "$3" "$(state_of "$2")" "the state of $2"
}

# Why it is ejected: as list has it behind the columns, and as /proc has it.
reason_of() { # ADDR [POOL]
	on "$lb" leastconnctl list ${2:+"$2"} | awk -v a="$1:80" '
		$1 == a { print $8 == "reason" ? $9 : "-"; exit }'
}

told_of() { # ADDR: how many eject it, and why
	on "$lb" awk -v a="$1" '$3 == a && $4 == 80 { print $10, $11 }' \
		/proc/net/leastconn
}

because() { # ADDR REASON: it is ejected by one, and nobody else is
	expect "$2" "$(reason_of "$1")" "the reason of $1"
	expect "1 $2" "$(told_of "$1")" "/proc of $1"
	expect "- 0 -" "$(reason_of $s1) $(told_of $s1)" "the reason of $s1"
}

test_a_refusing_backend_is_ejected() { # short
	local before

	setup
	serve_at 10.0.1.{1,2,3}
	count_arrivals $s4
	balance tcp 80 $s1-$s4:80 --max-fails 3 --fail-timeout 60
	say "$(connect 40) of 40 connections"
	becomes 1000 $s4 ejected
	because $s4 refused
	# At most the three, and those that were chosen before they were known.
	before=$(arrived $s4)
	[[ $before == [345] ]] || fail "$before connections were sent to it"
	expect 20 "$(connect 20)" "connections without it"
	expect "$before" "$(arrived $s4)" "sent to an ejected backend"
	agree 2000
}

test_without_the_option_it_gets_its_share() { # short
	setup
	serve_at 10.0.1.{1,2,3}
	count_arrivals $s4
	balance tcp 80 $s1-$s4:80
	connect 20 >/dev/null
	[ "$(arrived $s4)" -ge 5 ] || fail "only $(arrived $s4) of 20 were sent to it"
	becomes 1000 $s4 ready
}

test_one_that_does_not_answer_is_ejected() {
	setup
	serve_at 10.0.1.{1,2,3,4}
	filter $s4 DROP
	balance tcp 80 $s1-$s4:80 --max-fails 2 --fail-timeout 60
	peer "$cl" open a tcp $vip 80 count 8 nowait
	becomes 3000 $s4 ejected
	because $s4 unanswered
	unfilter
	agree 2000
}

# Conntrack keeps the entry of one that failed, and whoever looks through all
# entries, as for a backend that appears, finds it again.
test_a_failed_connection_counts_once() { # short
	local other

	setup
	filter $s4 DROP
	balance tcp 80 $s4:80 --max-fails 9 --fail-timeout 600
	peer "$cl" open a tcp $vip 80 nowait
	busywait 3000 is 1 fails_of $s4 || expect 1 "$(fails_of $s4)" "failures"
	for other in 2 3; do
		balance tcp 81 "10.0.1.$other:80"
		pause 1500
		expect 1 "$(fails_of $s4)" "failures after another rule"
	done
}

fails_of() { # ADDR
	listed "$1" 7
}

# Conntrack keeps the entries of those that fail, so the others must have as many.
hold_eight() { # [ADDR]
	local i

	for i in 1 2 3 4 5 6 7 8; do
		peer "$cl" open "a$i" tcp "${1:-$vip}" 80 >/dev/null 2>&1 || true
	done
}

# icmp_ejects MESSAGE REASON
icmp_ejects() {
	setup
	serve_at 10.0.1.{1,2,3,4}
	filter $s4 REJECT --reject-with "$1"
	balance tcp 80 $s1-$s4:80 --max-fails 2 --fail-timeout 60
	hold_eight
	becomes 1000 $s4 ejected
	because $s4 "$2"
	agree 2000
}

test_one_that_icmp_says_is_away_is_ejected() {
	icmp_ejects icmp-host-unreachable unreachable
}

# By a router behind the balancer that has no route.
test_one_that_no_route_leads_to_is_ejected() { # short
	setup
	serve_at 10.0.1.{1,2,3}
	on "$sv" sysctl -qw net.ipv4.ip_forward=1
	ip -n "$sv" route add unreachable 10.0.9.0/24
	ip -n "$lb" route add 10.0.9.0/24 via $s1
	balance tcp 80 $s1-10.0.1.3:80,10.0.9.9:80 --max-fails 2 --fail-timeout 60
	hold_eight
	becomes 1000 10.0.9.9 ejected
	because 10.0.9.9 unreachable
	agree 2000
}

# ICMP that the port is closed is a refusal, as the client takes it.
test_icmp_can_refuse() {
	icmp_ejects icmp-port-unreachable refused
}

test_icmp_of_ipv6_has_reasons() { # short
	local addr s4=fd00:1::4

	setup
	for addr in fd00:1::{1,2,3,4}; do peer "$sv" listen tcp "$addr" 80; done
	on "$sv" ip6tables -w -A INPUT -p tcp -d fd00:1::3 -j REJECT \
		--reject-with icmp6-addr-unreachable
	on "$sv" ip6tables -w -A INPUT -p tcp -d $s4 -j REJECT \
		--reject-with icmp6-port-unreachable
	balance6 tcp 80 '[fd00:1::1]-[fd00:1::4]:80' --max-fails 2 --fail-timeout 60
	hold_eight $vip6
	becomes 1000 "[$s4]" ejected
	becomes 1000 "[fd00:1::3]" ejected
	expect "refused unreachable" \
		"$(reason_of "[$s4]") $(reason_of "[fd00:1::3]")" "the reasons"
	expect "1 refused, 1 unreachable" "$(told_of $s4), $(told_of fd00:1::3)" \
		"in /proc"
}

# Of each ejection its own, as long as it lasts; others do not have it.
test_a_reason_is_that_of_the_last_ejection() { # short
	setup
	serve_at 10.0.1.{1,2,3}
	balance tcp 80 $s1-$s4:80 --max-fails 1 --fail-timeout $rest
	connect 4 >/dev/null
	becomes 1000 $s4 ejected
	because $s4 refused
	becomes 4000 $s4 trial
	because $s4 refused
	filter $s4 REJECT --reject-with icmp-host-unreachable
	connect 4 >/dev/null
	becomes 1000 $s4 ejected
	because $s4 unreachable
	# What is drained is so for the administrator's reason.
	ctl drain $s4
	expect "drain -" "$(state_of $s4) $(reason_of $s4)" "when it is drained"
	# Ready ends the ejection.
	ctl ready $s4
	becomes 2000 $s4 ready
	expect "- 0 -" "$(reason_of $s4) $(told_of $s4)" "when it is ready"
	# It has the entries of those that failed.
	hold_eight || true
	becomes 2000 $s4 ejected
	becomes 6000 $s4 trial
	unfilter
	serve_at $s4
	hold_eight
	becomes 2000 $s4 ready
	expect "- 0 -" "$(reason_of $s4) $(told_of $s4)" "when it is back"
}

# Who ejects later may do so for another reason; /proc has both.
test_each_pool_has_its_reason() { # short
	setup
	serve_at 10.0.1.{1,2,3}
	printf '%s\n' "pool add one max-fails 1 fail-timeout 60" \
		"pool add two max-fails 3 fail-timeout 60" \
		{"add one ","add two "}{$s1,$s4}:80 | ctl restore
	pooled tcp 80 one
	connect 2 >/dev/null
	busywait 1000 is refused reason_of $s4 one || fail "$(ctl list)"
	ipt -t nat -F PREROUTING
	pooled tcp 80 two
	filter $s4 REJECT --reject-with icmp-host-unreachable
	hold_eight
	busywait 1000 is unreachable reason_of $s4 two || fail "$(ctl list)"
	expect refused "$(reason_of $s4 one)" "the reason of the first pool"
	expect "2 refused,unreachable" "$(told_of $s4)" "/proc"
	ctl pool set one max-fails 0
	busywait 1000 is "1 unreachable" told_of $s4 || fail "$(told_of $s4)"
}

# A connection decides when the rest is over: more of the same, or back.
test_a_trial_decides() { # short
	local before begun took

	setup
	serve_at 10.0.1.{1,2,3}
	count_arrivals $s4
	balance tcp 80 $s1-$s4:80 --max-fails 1 --fail-timeout $rest
	connect 4 >/dev/null
	becomes 1000 $s4 ejected
	before=$(arrived $s4)
	becomes $((rest * 2000)) $s4 trial
	connect 6 >/dev/null
	becomes 1000 $s4 ejected
	begun=${EPOCHREALTIME/./}
	expect $((before + 1)) "$(arrived $s4)" "sent to it, with one trial"
	# Twice as long as the first time.
	becomes $((rest * 3000)) $s4 trial
	took=$(((${EPOCHREALTIME/./} - begun) / 1000))
	[ $took -gt $((rest * 1500)) ] || fail "its second rest took $took ms"
	serve_at $s4
	connect 6 >/dev/null
	becomes 2000 $s4 ready
	expect 12 "$(connect 12)" "connections with all four"
	agree 2000
}

# A backend that is sent the middle of a connection that it never had answers with a
# reset: that is no failure of its own.
test_the_middle_of_a_connection_is_no_failure() { # short
	local addr

	setup
	serve_at 10.0.1.{1,2,3,4}
	balance tcp 80 $s1-$s4:80 --max-fails 1 --fail-timeout 60
	peer "$cl" open held tcp $vip 80 count 40
	ctl drain $s1:80
	ctl kill $s1:80
	peer "$cl" say 'held.*' hello >/dev/null 2>&1 || true
	pause 1500
	for addr in 10.0.1.{2,3,4}; do
		expect ready "$(state_of "$addr")" "the state of $addr"
	done
	expect "0 0 0" "$(for addr in 10.0.1.{2,3,4}; do fails_of "$addr"; done | paste -sd ' ')" \
		"failed connections"
}

# A rest is twice the last one only for a backend that has not been back for as long.
test_rests_are_short_again_after_a_while() { # short
	local begun took

	setup
	serve_at 10.0.1.{1,2,3,4}
	filter $s4 REJECT --reject-with tcp-reset
	balance tcp 80 $s1-$s4:80 --max-fails 1 --fail-timeout $rest
	connect 4 >/dev/null
	becomes 1000 $s4 ejected
	becomes $((rest * 2000)) $s4 trial
	connect 6 >/dev/null
	becomes 1000 $s4 ejected
	unfilter
	becomes $((rest * 3000)) $s4 trial
	connect 6 >/dev/null
	becomes 2000 $s4 ready
	pause $((rest * 2300))
	filter $s4 REJECT --reject-with tcp-reset
	connect 6 >/dev/null
	becomes 1000 $s4 ejected
	begun=${EPOCHREALTIME/./}
	becomes $((rest * 5000)) $s4 trial
	took=$(((${EPOCHREALTIME/./} - begun) / 1000))
	[ $took -lt $((rest * 1900)) ] || fail "its rest took $took ms"
}

eject_s4() { # OPTION...
	filter $s4 REJECT --reject-with tcp-reset
	balance tcp 80 $s1-$s4:80 --max-fails 1 "$@"
	connect 8 >/dev/null
	becomes 1000 $s4 ejected
	unfilter
}

# A backup is out like an ordinary one, and never all of them.
test_half_of_the_backups_stay_in() { # short
	local addr out=0

	setup
	serve_at 10.0.1.{1,2,3}
	ipt -t nat -A PREROUTING -d $vip -p tcp --dport 80 -j LEASTCONN --to $s1:80 \
		--to 10.0.1.2:80,backup --to 10.0.1.3:80,backup \
		--max-fails 2 --fail-timeout 60
	ctl drain $s1
	filter 10.0.1.2 REJECT --reject-with tcp-reset
	filter 10.0.1.3 REJECT --reject-with tcp-reset
	connect 20 >/dev/null
	pause 500
	for addr in 10.0.1.{2,3}; do
		[ "$(state_of "$addr")" != ejected ] || out=$((out + 1))
	done
	[ $out -le 1 ] || fail "$out of two backups are ejected"
	unfilter
	expect 6 "$(connect 6)" "connections when the backups answer again"
}

test_ready_ends_an_ejection_and_a_trial() { # short
	setup
	serve_at 10.0.1.{1,2,3,4}
	eject_s4 --fail-timeout 600
	ctl ready $s4:80
	becomes 1000 $s4 ready
	filter $s4 REJECT --reject-with tcp-reset
	connect 8 >/dev/null
	becomes 1000 $s4 ejected
	unfilter
	ctl drain $s4:80
	ctl ready $s4:80
	becomes 1000 $s4 ready
	ipt -t nat -F PREROUTING
	unfilter
	eject_s4 --fail-timeout $rest
	becomes $((rest * 2000)) $s4 trial
	ctl ready $s4:80
	becomes 1000 $s4 ready
}

# The handshake's last packet is the client's affair.
test_a_syn_ack_is_an_answer() { # short
	setup
	serve_at 10.0.1.{1,2,3,4}
	eject_s4 --fail-timeout $rest
	becomes $((rest * 2000)) $s4 trial
	on "$cl" iptables -w -A OUTPUT -p tcp --dport 80 --tcp-flags ALL ACK -j DROP
	peer "$cl" open late tcp $vip 80 count 4 nowait
	becomes 3000 $s4 ready
}

# Whatever else changes meanwhile.
test_a_trial_is_one_connection() { # short
	local before i

	setup
	serve_at 10.0.1.{1,2,3,4}
	printf '%s\n' "pool add web max-fails 1 fail-timeout $rest" \
		"add web "10.0.1.{1,2,3,4}:80 | ctl restore
	pooled tcp 80 web
	filter $s4 DROP
	peer "$cl" open first tcp $vip 80 count 8 nowait
	becomes 3000 $s4 ejected
	becomes $((rest * 2000)) $s4 trial
	before=$(active $s4)
	for i in {1..6}; do
		peer "$cl" open "trial$i" tcp $vip 80 count 2 nowait
		ctl set web $s4:80 weight $((i + 1))
	done
	expect $((before + 1)) "$(active $s4)" "connections of it, with one on trial"
}

# Never more than half; when all fail, all are tried.
test_half_stay_in() { # short
	local addr out=0

	setup
	serve_at 10.0.1.{1,2}
	filter 10.0.1.2 REJECT --reject-with tcp-reset
	count_arrivals 10.0.1.{1,2,3,4}
	balance tcp 80 $s1-$s4:80 --max-fails 2 --fail-timeout 60
	connect 40 >/dev/null
	for addr in 10.0.1.{1,2,3,4}; do
		[ "$(state_of "$addr")" != ejected ] || out=$((out + 1))
	done
	expect 2 $out "ejected of four, three of which refuse"
	filter $s1 REJECT --reject-with tcp-reset
	busywait 10000 all_are_tried || fail "not all are tried: $(ctl list)"
	on "$sv" iptables -w -Z arrivals
	connect 40 >/dev/null
	for addr in 10.0.1.{1,2,3,4}; do
		[ "$(arrived "$addr")" -ge 8 ] ||
			fail "$addr was sent $(arrived "$addr") of 40"
	done
}

# An earlier answer might be noticed late, so clients go on trying.
all_are_tried() {
	local addr

	connect 8 >/dev/null
	for addr in 10.0.1.{1,2,3,4}; do
		is ready state_of "$addr" || return
	done
}

test_an_answer_resets() {
	local i

	setup
	serve_at 10.0.1.{1,2,3,4}
	balance tcp 80 $s1-$s4:80 --max-fails 3 --fail-timeout 600
	for i in 1 2 3; do
		filter $s4 REJECT --reject-with tcp-reset
		connect 8 >/dev/null
		unfilter
		connect 8 >/dev/null
		# Answers are seen by the reaper.
		pause 1200
		becomes 1000 $s4 ready
	done
}

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
	expect 0 "$(served $s4)" "served by the dead one"
	agree 2000
}

all_loads() {
	loads | awk '{ print $1 + $2 }'
}

# How often a connection was begun, at the one or the other
tries() {
	{ table $s1; table 10.0.1.2; } | awk '{ n += $3 } END { print n }'
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
	# The last is left where it is.
	busywait 9000 is 4 tries || fail "there are no four tries"
	! busywait 2000 is 0 all_loads || fail "the last is taken away, too, of $(tries): $(ctl list)"
}

tries_are_at_least() { # N
	[ "$(tries)" -ge "$1" ]
}

# When a backend appears, all entries are visited, as by the scanner every 30 seconds.
# Records keep how often their connection was tried.
test_tries_are_counted_while_backends_appear() { # short
	local n

	setup 2
	filter $s1 DROP
	filter 10.0.1.2 DROP
	ctl pool add spare
	balance tcp 80 $s1-10.0.1.2:80 --redispatch
	peer "$cl" open c tcp $vip 80 nowait
	for n in 2 3 4; do
		busywait 5000 tries_are_at_least $n || fail "there are $(tries) tries, not $n"
		# The record of the previous try has been checked, this one not yet.
		read -rt 0.65 -u "$nap" || true
		ctl add spare "10.0.1.9:$n"
	done
	! busywait 3000 is 5 tries || fail "there is a fifth try"
	expect 1 "$(all_loads)" "connections"
}

# Each connection is given to another three times: with its client's own tries,
# at 1, 3 and 7 seconds, or, from Linux 6.5 on, at 1, 2 and 3.
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
		balance tcp 80 $s1-$s4:80
		thousand
		read -r total failed <<<"$sum"
		say "$kind: $total connections, $failed failed without the option"
		[ "$failed" -gt 0 ] || fail "none failed without the option"
		agree 3000
		teardown_hosts
	done
}

# Of twenty clients at once.
thousand() { # sets sum: how many there were, how many failed
	local i before
	local -a loads=()

	before=$(served "10[.]0[.]1[.].")
	for ((i = 0; i < 20; i++)); do
		nsenter --net="/run/netns/$cl" "$peer" load tcp $vip 80 >"$tmp/load.$i" &
		loads+=($!)
	done
	busywait 120000 served_over $((before + 1000)) || true
	kill -TERM "${loads[@]}"
	wait "${loads[@]}"
	sum=$(awk '{ n += $1; f += $2 } END { print n, f }' "$tmp"/load.*)
}

served_over() { # COUNT
	[ "$(served "10[.]0[.]1[.].")" -gt "$1" ]
}

test_udp_is_judged_only_if_asked() { # short
	setup
	count_arrivals 10.0.1.{1,2,3,4}
	for i in 1 2 3; do peer "$sv" listen udp 10.0.1.$i 53; done
	balance udp 53 $s1-$s4:53
	peer "$cl" open a udp $vip 53 count 12
	peer "$cl" tell 'a.*' hello
	pause 1500
	expect ready "$(on "$lb" leastconnctl list |
		awk '$1 == "10.0.1.4:53" { print $2; exit }')" "without the option"
	ipt -t nat -F PREROUTING
	balance udp 53 $s1-$s4:53 --max-fails 2 --fail-timeout 60
	peer "$cl" open b udp $vip 53 count 12
	peer "$cl" tell 'b.*' hello
	busywait 3000 is ejected eval "on $lb leastconnctl list |
		awk '\$1 == \"10.0.1.4:53\" { print \$2; exit }'" ||
		fail "not ejected: $(on "$lb" leastconnctl list)"
}

run_tests "$@"
