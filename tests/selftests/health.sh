#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# When backends fail: --max-fails, --fail-timeout, eject.
# shellcheck source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
# shellcheck source=lib-health.sh
. "$(dirname "$0")/lib-health.sh"

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
	balance tcp 80 $s1-$s4:80 --max-fails 0
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

# All ordinary backends can be out while a backup serves, not when the backup fails, too.
test_a_backup_serves_when_all_others_fail() { # short
	local reached

	setup
	serve_at $s4
	count_arrivals $s1
	balance tcp 80 $s1-10.0.1.3:80 --to $s4:80,backup --max-fails 2 --fail-timeout 60
	connect 30 >/dev/null
	expect 10 "$(connect 10)" "connections by the backup"
	expect "ejected ejected ejected ready" \
		"$(for i in 1 2 3 4; do state_of 10.0.1.$i; done | xargs)" "states"
	expect 10 "$(connect 10)" "more connections"
	filter $s4 REJECT --reject-with tcp-reset
	reached=$(arrived $s1)
	connect 20 >/dev/null
	[ "$(arrived $s1)" -gt "$reached" ] ||
		fail "ordinary backends stay out when the backup fails: $(ctl list)"
}

# While it served, it failed. Then it was idle, and it is needed again.
test_a_backup_that_failed_before_serves_again() { # short
	setup
	filter $s4 REJECT --reject-with tcp-reset
	balance tcp 80 $s1-10.0.1.3:80 --to $s4:80,backup --max-fails 2 \
		--fail-timeout $((2 * rest))
	printf 'drain %s\n' 10.0.1.{1,2,3} | ctl restore
	expect 0 "$(connect 6)" "connections by a backup that refuses"
	printf 'ready %s\n' 10.0.1.{1,2,3} | ctl restore
	unfilter
	serve_at $s4
	exactly $((2 * rest + 1))
	connect 30 >/dev/null
	expect 10 "$(connect 10)" "connections by the backup"
	expect "ejected ejected ejected ready" \
		"$(for i in 1 2 3 4; do state_of 10.0.1.$i; done | xargs)" "states"
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

# Connections, one after another, until so many have failed in all.
fail_until() { # ADDR NUMBER
	local i

	for ((i = 0; i < 8 * $2; i++)); do
		connect 1 >/dev/null
		! is "$2" fails_of "$1" || return 0
	done
	expect "$2" "$(fails_of "$1")" "failures"
}

# Of a backend that is not out, too.
test_ready_forgets_failures() { # short
	setup
	serve_at 10.0.1.{1,2,3}
	balance tcp 80 $s1-$s4:80 --max-fails 4 --fail-timeout 600
	fail_until $s4 3
	ctl ready $s4:80
	fail_until $s4 6
	# Failures are judged within milliseconds.
	pause 500
	expect ready "$(state_of $s4)" "the state after three failures"
	fail_until $s4 7
	becomes 1000 $s4 ejected
}

# How many connections a server was sent of these.
sent_of() { # TIMES ADDR
	local before

	before=$(arrived "$2")
	connect "$1" >/dev/null
	echo $(($(arrived "$2") - before))
}

# In all pools and rules, whether they eject by themselves or not.
test_eject_by_hand() { # short
	local before

	setup
	serve_at 10.0.1.{1,2,3,4}
	count_arrivals $s4
	printf '%s\n' "pool add web max-fails 3 fail-timeout $rest" \
		"add web "10.0.1.{1,2,3,4}:80 "pool add plain max-fails 0 fail-timeout $rest" \
		"add plain $s4:80" | ctl restore
	pooled tcp 80 web
	ctl eject $s4:80 for 600
	expect "ejected ejected" "$(state_of $s4) $(state_in plain)" "at once"
	expect "2 manual" "$(told_of $s4)" "in /proc"
	expect manual "$(reason_of $s4)" "the reason"
	expect 0 "$(sent_of 12 $s4)" "sent to it"
	# An answer of a connection that it has does not bring it back.
	peer "$cl" open direct tcp $s4 80
	pause 1500
	expect "ejected" "$(state_of $s4)" "after an answer"
	peer "$cl" reset direct
	ctl ready $s4
	expect "ready ready" "$(state_of $s4) $(state_in plain)" "when it is ready"
	expect "0 -" "$(told_of $s4)" "in /proc"
	# For the fail timeout of each; one of them tries it then, the other does not.
	ctl eject $s4
	expect "ejected ejected" "$(state_of $s4) $(state_in plain)" "again"
	becomes $((rest * 2000)) $s4 trial
	expect manual "$(reason_of $s4)" "the reason on trial"
	busywait 2000 is ready state_in plain || fail "$(ctl list)"
	connect 8 >/dev/null
	becomes 3000 $s4 ready
	# A longer time counts, too.
	ctl eject $s4 for $((2 * rest))
	before=${EPOCHREALTIME/./}
	becomes $((rest * 4000)) $s4 trial
	before=$(((${EPOCHREALTIME/./} - before) / 1000))
	[ $before -gt $((rest * 1800)) ] || fail "it took $before ms"
	agree 2000
}

state_in() { # POOL: the state of $s4 there
	ctl list "$1" | awk -v a=$s4:80 '$1 == a { print $2 }'
}

# A trial that fails is no other than one after a failure.
test_a_trial_after_an_eject_decides() { # short
	setup
	serve_at 10.0.1.{1,2,3}
	balance tcp 80 $s1-$s4:80 --max-fails 1 --fail-timeout $rest
	ctl eject $s4:80
	becomes $((rest * 2000)) $s4 trial
	connect 8 >/dev/null
	becomes 1000 $s4 ejected
	because $s4 refused
}

# Handshakes take a while: a trial would take one connection at a time.
test_a_trial_is_over_if_no_other_serves() { # short
	setup 2
	serve_at $s1 10.0.1.2
	on "$sv" tc qdisc add dev eth0 root netem delay 50ms
	balance tcp 80 $s1-10.0.1.2:80
	ctl eject 10.0.1.2 for 1
	becomes 3000 10.0.1.2 trial
	ctl drain $s1
	becomes 1000 10.0.1.2 ready
	peer "$cl" open b tcp $vip 80 count 30
	has_served 30 10.0.1.2
}

# An administrator may eject all; failures eject half of the others at most, and what
# was ejected by hand stays so when those fail.
test_eject_is_not_held_back() { # short
	local addr

	setup
	serve_at 10.0.1.{1,2,3,4}
	balance tcp 80 $s1-$s4:80 --max-fails 2 --fail-timeout 60
	ctl eject $s1
	ctl eject 10.0.1.2
	ctl eject 10.0.1.3 for 600
	filter $s4 REJECT --reject-with tcp-reset
	connect 12 >/dev/null
	pause 1000
	expect "ejected ejected ejected ready" "$(for addr in 10.0.1.{1,2,3,4}; do
		state_of "$addr"; done | paste -sd ' ')" "when the last one fails"
	unfilter
	expect 4 "$(connect 4)" "connections with the last one"
	ctl eject $s4
	expect 0 "$(connect 2)" "connections when all are ejected"
	expect "ejected ejected ejected ejected" "$(for addr in 10.0.1.{1,2,3,4}; do
		state_of "$addr"; done | paste -sd ' ')" "all of them"
	ctl ready $s1
	expect 4 "$(connect 4)" "connections with one that is ready"
	agree 2000
}

# What max-fails is changed to does not end it; the others come back.
test_eject_outlasts_max_fails() { # short
	setup
	serve_at 10.0.1.{1,2,3}
	printf '%s\n' "pool add web max-fails 1 fail-timeout 60" \
		"add web "10.0.1.{1,2,3,4}:80 | ctl restore
	pooled tcp 80 web
	connect 8 >/dev/null
	becomes 1000 $s4 ejected
	ctl eject $s1
	ctl pool set web max-fails 0
	becomes 1000 $s4 ready
	pause 500
	expect "ejected manual" "$(state_of $s1) $(reason_of $s1)" "without max-fails"
}

# All changes of a file, or none.
test_eject_in_a_transaction() { # short
	setup
	serve_at 10.0.1.{1,2,3,4}
	printf '%s\n' "pool add web fail-timeout 60" "add web $s4:80" | ctl restore
	! printf '%s\n' "eject $s4" "pool add web" | ctl restore 2>/dev/null ||
		fail "a bad file is restored"
	expect ready "$(state_of $s4)" "after a file that fails"
	printf '%s\n' "eject $s4" "ready $s4" | ctl restore
	expect ready "$(state_of $s4)" "ejected, and made ready"
	printf '%s\n' "ready $s4" "eject $s4" | ctl restore
	expect ejected "$(state_of $s4)" "made ready, and ejected"
	! printf '%s\n' "ready $s4" "pool add web" | ctl restore 2>/dev/null ||
		fail "a bad file is restored"
	expect ejected "$(state_of $s4)" "after another file that fails"
	refuses "no pool and no rule has such a backend" eject 10.0.1.9
	printf '%s\n' "drain 10.0.1.3:80 proto tcp" | ctl restore
	refuses "no pool and no rule has such a backend" eject 10.0.1.3:80
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
# As many as are taken before the first has failed.
many_on_trial() {
	local before i

	becomes $((rest * 9000)) $s4 trial
	before=$(active $s4)
	for i in 2 3 4; do
		peer "$cl" open "trial$i" tcp $vip 80 count 4 nowait
		ctl set web $s4:80 weight $i
	done
	took=$(($(active $s4) - before))
	peer "$cl" reset 'trial*'
	is trial state_of $s4
}

test_a_trial_is_one_connection() { # short
	local took

	setup
	serve_at 10.0.1.{1,2,3,4}
	printf '%s\n' "pool add web max-fails 1 fail-timeout $rest" \
		"add web "10.0.1.{1,2,3,4}:80 | ctl restore
	pooled tcp 80 web
	filter $s4 DROP
	peer "$cl" open first tcp $vip 80 count 8 nowait
	becomes 3000 $s4 ejected
	# On a busy machine it may fail meanwhile.
	many_on_trial || many_on_trial || many_on_trial ||
		fail "each trial ended before it was looked at"
	expect 1 "$took" "connections that a trial takes"
}

# The rules of the first backend's service, loaded again while they are there.
load_again() { # [SED EXPRESSION]
	on "$lb" "$iptables-save" -t nat | sed "${1-}" >"$tmp/rules"
	on "$lb" "$iptables-restore" <"$tmp/rules" || fail "$(cat "$tmp/rules")"
}

test_rules_loaded_again_keep_ejections() { # short
	local before

	setup
	serve_at 10.0.1.{1,2,3}
	count_arrivals $s4
	for iptables in iptables-nft iptables-legacy; do
		balance tcp 80 $s1-$s4:80 --max-fails 1 --fail-timeout 60
		connect 8 >/dev/null
		becomes 1000 $s4 ejected
		before=$(arrived $s4)
		watch_ejections
		load_again
		because $s4 refused
		pause 300
		expect "" "$(ejections)" "events of the new rules"
		expect 8 "$(connect 8)" "connections after $iptables-restore"
		expect "$before" "$(arrived $s4)" "sent to it"
		ipt -t nat -F PREROUTING
	done
}

# Another rule has this backend alone, and cannot eject it.
test_rules_loaded_again_keep_what_one_ejected() { # short
	local before

	setup
	serve_at 10.0.1.{1,2,3}
	count_arrivals $s4
	for iptables in iptables-nft iptables-legacy; do
		balance tcp 80 $s1-$s4:80 --fail-timeout 60
		balance tcp 8080 $s4:80 --fail-timeout 60
		connect 24 >/dev/null
		becomes 1000 $s4 ejected
		before=$(arrived $s4)
		load_again
		expect 24 "$(connect 24)" "connections after $iptables-restore"
		expect "$before" "$(arrived $s4)" "sent to it"
		ipt -t nat -F
		busywait 10000 is "" loads || fail "backends are left"
	done
}

# Other settings judge anew; what a command has ejected stays out.
test_rules_with_other_settings_judge_anew() { # short
	setup
	serve_at 10.0.1.{1,2,3}
	balance tcp 80 $s1-$s4:80 --max-fails 1 --fail-timeout 60
	connect 8 >/dev/null
	becomes 1000 $s4 ejected
	load_again 's/--fail-timeout 60/--fail-timeout 50/'
	expect ready "$(state_of $s4)" "by other rules"
	connect 8 >/dev/null
	becomes 1000 $s4 ejected
	ctl eject $s4 for 600
	load_again 's/--max-fails 1/--max-fails 2/'
	because $s4 manual
	# What has no settings in common, for example a pool, learns of it, too.
	ctl pool add web max-fails 0
	ctl add web $s4:80
	expect ejected "$(state_in web)" "in a new pool"
	ctl ready $s4
	expect "ready ready" "$(state_of $s4) $(state_in web)" "when it is ready"
}

test_a_pool_made_anew_keeps_ejections() { # short
	setup
	serve_at 10.0.1.{1,2,3}
	printf '%s\n' "pool add web fail-timeout 60" \
		"add web "10.0.1.{1,2,3,4}:80 | ctl restore
	pooled tcp 80 web
	connect 40 >/dev/null
	becomes 1000 $s4 ejected
	ipt -t nat -F PREROUTING
	{
		echo "pool del web"
		ctl save
	} | ctl restore
	because $s4 refused
	printf '%s\n' "del web $s4:80" "add web $s4:80" | ctl restore
	because $s4 refused
}

# The new rules have no other backends than those that are ejected.
test_rules_without_the_healthy_bring_back() { # short
	setup
	serve_at 10.0.1.{1,2,3}
	balance tcp 80 $s1-$s4:80 --max-fails 1 --fail-timeout 60
	connect 8 >/dev/null
	becomes 1000 $s4 ejected
	load_again 's/--to 10.0.1.[123]:80 *//g'
	becomes 1000 $s4 ready
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

# Have the second and the third server accepted so many connections?
recovered() { # COUNT
	[ "$(served "10[.]0[.]1[.][23]" 80)" -ge "$1" ]
}

one_more_recovers() {
	connect 1 >/dev/null
	recovered 5
}

# The limit of half keeps the second one in. It never has a connection, so it looks idle.
test_a_dead_backend_that_stays_gets_its_share() { # short
	local i done=0 before

	setup 3
	serve_at $s1
	balance tcp 80 $s1-10.0.1.3:80 --max-fails 2 --fail-timeout 600
	for ((i = 0; i < 60; i++)); do
		! peer "$cl" open "h$i" tcp $vip 80 >/dev/null 2>&1 || done=$((done + 1))
	done
	say "$done of 60 connections"
	# Four fail before the limit is reached, then every third.
	[ $done -ge 36 ] || fail "only $done of 60 connections"
	serve_at 10.0.1.{2,3}
	# Until its answers have been noticed, it gets ten connections a second.
	busywait 3000 one_more_recovers || fail "one that answers again is not used"
	before=$(served "10[.]0[.]1[.][23]" 80)
	peer "$cl" open i tcp $vip 80 count 20 >/dev/null || fail "not served"
	busywait 3000 recovered $((before + 15)) ||
		fail "one that answers again got $(served "10[.]0[.]1[.][23]" 80) of 20, $before before"
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
		connect 16 >/dev/null
		becomes 1000 $s4 ready
	done
}

# A client's failures count once in the fail timeout, of which the longest is in force.
test_a_fail_timeout_can_be_lowered() { # short
	local rule="-d $vip -p tcp --dport 80 -j LEASTCONN --to $s1-10.0.1.2:80 --fail-timeout"

	setup 2
	add_clients 10.0.0.3
	serve_at $s1 10.0.1.2
	# shellcheck disable=SC2086 # words
	ipt -t nat -A PREROUTING $rule 600
	ctl drain $s1
	filter 10.0.1.2 REJECT --reject-with tcp-reset
	expect 0 "$(clients_connect 1 10.0.0.2)" "refused"
	unfilter
	# shellcheck disable=SC2086 # words
	ipt -t nat -R PREROUTING 1 $rule 2
	pause 1000
	expect 1 "$(clients_connect 1 10.0.0.3)" "of another client"
	ctl ready $s1
	pause 6000
	filter 10.0.1.2 REJECT --reject-with tcp-reset
	clients_connect 8 10.0.0.2 >/dev/null
	becomes 1000 10.0.1.2 ejected
}

# One in twenty is reset, in turn for all servers: the others are answered.
test_a_backend_that_fails_now_and_then_stays() { # short
	local all failed

	setup
	serve_at 10.0.1.{1,2,3,4}
	on "$sv" iptables -w -A INPUT -p tcp --syn --dport 80 -m statistic --mode nth --every 20 --packet 0 \
		-j REJECT --reject-with tcp-reset
	balance tcp 80 $s1-$s4:80 --max-fails 3 --fail-timeout 10
	watch_ejections
	thousand
	read -r all failed <<<"$sum"
	say "$all connections, $failed reset"
	[ $((failed * 100 / all)) -ge 3 ] || fail "only $failed of $all were reset"
	expect "" "$(ejections)" "ejected"
}

# One of ten is answered, in turn.
test_a_backend_that_mostly_fails_is_ejected() { # short
	setup
	serve_at 10.0.1.{1,2,3,4}
	on "$sv" iptables -w -A INPUT -d $s4 -p tcp --syn --dport 80 -m statistic --mode nth \
		--every 10 --packet 1 -j ACCEPT
	filter $s4 REJECT --reject-with tcp-reset
	balance tcp 80 $s1-$s4:80 --max-fails 3 --fail-timeout 60
	connect 60 >/dev/null
	becomes 1000 $s4 ejected
	because $s4 refused
}

# As fail2ban on a server, or a scanner that no server answers.
# The other client is served meanwhile: without it the banned one may be a proxy.
banned_client_connects() {
	local i

	for ((i = 0; i < 6; i++)); do
		expect 0 "$(clients_connect 4 10.0.0.3)" "connections of the banned client"
		expect 4 "$(clients_connect 4 10.0.0.2)" "connections of the other client"
	done
}

test_one_client_cannot_eject_a_backend() { # short
	local kind

	setup
	add_clients 10.0.0.3
	serve_at 10.0.1.{1,2,3,4}
	balance tcp 80 $s1-$s4:80 --max-fails 3 --fail-timeout 60
	watch_ejections
	for kind in "REJECT --reject-with tcp-reset" "REJECT --reject-with icmp-port-unreachable"; do
		expect 8 "$(clients_connect 8 10.0.0.2)" "connections of the other client"
		# The gc hears their answers.
		pause 1000
		# shellcheck disable=SC2086 # words
		on "$sv" iptables -w -I INPUT -s 10.0.0.3 -p tcp --dport 80 -j $kind
		banned_client_connects
		on "$sv" iptables -w -D INPUT 1
	done
	expect "" "$(ejections)" "ejected"
}

# A dead server does not answer the others either, and three clients are enough. A client
# alone may be a proxy for all.
# Each fails once in the fail timeout, while the others are answered.
test_many_banned_clients_cannot_eject_a_backend() {
	local i r

	setup 2
	add_clients 10.0.0.3 10.0.0.1{1,2,3,4,5}
	serve_at $s1 10.0.1.2
	on "$sv" iptables -w -I INPUT -s 10.0.0.8/29 -d 10.0.1.2 -p tcp --dport 80 \
		-j REJECT --reject-with tcp-reset
	balance tcp 80 $s1-10.0.1.2:80 --max-fails 3 --fail-timeout 60
	watch_ejections
	for ((r = 0; r < 10; r++)); do
		expect 2 "$(clients_connect 1 10.0.0.{2,3})" "connections of the others"
		exactly 0.2
	done
	for ((r = 0; r < 30; r++)); do
		for ((i = 0; i < 10; i++)); do
			clients_connect 1 10.0.0.$((11 + i % 5)) >/dev/null
			[ $((i % 5)) != 4 ] ||
				expect 2 "$(clients_connect 1 10.0.0.{2,3})" "connections of the others"
		done
	done
	expect "" "$(ejections)" "ejected"
}

# As two proxies do: one client's failures count once, while others are answered. The last
# answers are noticed after the first failures. Meanwhile it has no connections.
test_two_clients_eject_a_dead_backend() { # short
	local client end failed=0 i

	setup
	add_clients 10.0.0.3
	serve_at 10.0.1.{1,2,3,4}
	balance tcp 80 $s1-$s4:80 --max-fails 3 --fail-timeout 60
	for ((i = 0; i < 40; i++)); do
		peer "$cl" open "a$i" tcp $vip 80 from 10.0.0.$((2 + i / 4 % 2))
	done
	expect "10 10 10 10" "$(loads)" "loads"
	for ((i = 3; i < 40; i += 4)); do peer "$cl" reset "a$i"; done
	expect_loads 1000 "10 10 10 0" "loads of which one is idle"
	for client in 10.0.0.2 10.0.0.3; do
		peer "$cl" open "b$client" tcp $vip 80 from $client
		peer "$cl" reset "b$client"
	done
	filter $s4 REJECT --reject-with tcp-reset
	end=$((SECONDS + 8))
	for ((i = 0; SECONDS < end; i++)); do
		! is ejected state_of $s4 || break
		for client in 10.0.0.2 10.0.0.3; do
			peer "$cl" open "c$i.$client" tcp $vip 80 from $client 2>/dev/null ||
				failed=$((failed + 1))
		done
	done
	say "$failed of $((2 * i)) connections failed"
	expect ejected "$(state_of $s4)" "the state"
	[ $failed -le 50 ] || fail "$failed of $((2 * i)) connections failed"
}

# Most connections are a client's that it has banned: others decide the trial.
test_a_banned_client_decides_no_trial() { # short
	local i

	setup
	add_clients 10.0.0.3
	serve_at 10.0.1.{1,2,3}
	balance tcp 80 $s1-$s4:80 --max-fails 1 --fail-timeout $rest
	on "$sv" iptables -w -I INPUT -s 10.0.0.3 -d $s4 -p tcp --dport 80 \
		-j REJECT --reject-with tcp-reset
	clients_connect 4 10.0.0.3 >/dev/null
	becomes 1000 $s4 ejected
	serve_at $s4
	watch_ejections
	# The other client uses another service meanwhile.
	balance tcp 81 $s1-10.0.1.3:80
	for ((i = 0; i < 100; i++)); do
		peer "$cl" open "z$i" tcp $vip 81 from 10.0.0.2 >/dev/null
		expect 6 "$(clients_connect 6 10.0.0.3)" "of the banned client's"
		[ "$(state_of $s4)" != trial ] || break
	done
	expect trial "$(state_of $s4)" "when its rest has ended"
	expect 4 "$(clients_connect 4 10.0.0.2)" "connections of the other client"
	becomes 1000 $s4 ready
	expect "" "$(ejections)" "ejections by the banned client"
}

# Those that have failed decide if there are no others.
test_clients_that_failed_decide_after_a_while() { # short
	setup
	add_clients 10.0.0.3
	serve_at 10.0.1.{1,2,3}
	balance tcp 80 $s1-$s4:80 --max-fails 2 --fail-timeout 5
	expect 3 "$(clients_connect 4 10.0.0.2)" "connections of the first client"
	expect 3 "$(clients_connect 4 10.0.0.3)" "connections of the second client"
	becomes 1000 $s4 ejected
	serve_at $s4
	becomes 8000 $s4 trial
	busywait 8000 eval 'clients_connect 2 10.0.0.2 10.0.0.3 >/dev/null; is ready state_of $s4' ||
		fail "$(ctl list)"
}

test_a_dead_backend_is_ejected_by_few_clients() { # short
	local i

	setup
	add_clients 10.0.0.{3,4,5}
	serve_at 10.0.1.{1,2,3,4}
	balance tcp 80 $s1-$s4:80 --max-fails 3 --fail-timeout 60
	clients_connect 8 10.0.0.2 10.0.0.3 >/dev/null
	# An answer of just now counts as one.
	pause 3000
	filter $s4 REJECT --reject-with tcp-reset
	clients_connect 8 10.0.0.{3,4,5} >/dev/null
	becomes 1000 $s4 ejected
	balance tcp 81 $s4:81,10.0.1.3:80 --max-fails 3 --fail-timeout 60
	for i in {1..8}; do
		! peer "$cl" open "z$i" tcp $vip 81 >/dev/null 2>&1 || peer "$cl" reset "z$i" >/dev/null
	done
	busywait 1000 is ejected eval "ctl list | awk '\$1 == \"$s4:81\" { print \$2; exit }'" ||
		fail "not ejected by one client alone: $(ctl list)"
}

# A proxy sends all connections now, and the others were answered some seconds ago.
test_a_proxy_alone_ejects_a_dead_backend() { # short
	setup
	add_clients 10.0.0.3
	serve_at 10.0.1.{1,2,3,4}
	balance tcp 80 $s1-$s4:80 --max-fails 3 --fail-timeout 60
	clients_connect 4 10.0.0.2 10.0.0.3 >/dev/null
	pause 4500
	filter $s4 REJECT --reject-with tcp-reset
	clients_connect 24 10.0.0.3 >/dev/null
	becomes 1000 $s4 ejected
}

# All fail, so all are used, until there are others that have not failed.
test_new_backends_end_a_panic() { # short
	setup
	serve_at $s1 10.0.1.2
	printf '%s\n' "pool add web max-fails 2 fail-timeout 60" \
		"add web "{10.0.1.3,$s4}:80 | ctl restore
	pooled tcp 80 web
	expect 0 "$(connect 12)" "connections while all refuse"
	expect "ready ready" "$(state_of 10.0.1.3) $(state_of $s4)" "in panic"
	ctl add web $s1:80
	ctl add web 10.0.1.2:80
	connect 24 >/dev/null
	becomes 1000 10.0.1.3 ejected
	becomes 1000 $s4 ejected
	expect 12 "$(connect 12)" "connections by the new ones"
}

answers() { # ADDR
	connect 1 >/dev/null
	[ "$(served "$1" 80)" -gt 0 ]
}

# A client chooses the port of a backend without one.
test_closed_ports_do_not_eject_a_backend() { # short
	local port

	setup 2
	serve_at $s1 10.0.1.2
	ipt -t nat -A PREROUTING -d $vip -p tcp -j LEASTCONN --to $s1-10.0.1.2 --max-fails 3 \
		--fail-timeout 60
	watch_ejections
	for port in {1000..1012}; do
		! peer "$cl" open "q$port" tcp $vip "$port" 2>/dev/null || fail "port $port is open"
	done
	expect "" "$(ejections)" "ejected"
	# It has failed three in a row, so at first it gets ten a second at most.
	busywait 5000 answers $s1 || fail "$s1 answers none: $(ctl list)"
	# An answer of just now counts as one.
	pause 3000
	filter $s1 REJECT --reject-with tcp-reset
	connect 12 >/dev/null
	busywait 1000 is ejected eval "ctl list | awk '\$1 == \"$s1\" { print \$2; exit }'" ||
		fail "not ejected by a port that has answered: $(ctl list)"
}

# A full handshake is not to be waited for: spoofed SYNs hold no place of max-conns.
test_half_open_connections_leave_the_cap() { # short
	setup 1
	serve_at $s1
	# The client never completes its handshakes.
	on "$cl" iptables -w -I INPUT -s $vip -p tcp --sport 80 -j DROP
	balance tcp 80 $s1:80,max-conns=3
	peer "$cl" open h tcp $vip 80 count 5 nowait
	busywait 2000 is 3 active $s1 || fail "the cap does not hold: $(ctl list)"
	pause 2000
	on "$cl" iptables -w -F INPUT
	# All entries are visited for it.
	ctl pool add other
	ctl add other 10.0.1.9:80
	peer "$cl" open late tcp $vip 80 >/dev/null || fail "half-open connections hold the cap"
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
