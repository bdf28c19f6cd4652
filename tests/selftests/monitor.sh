#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# leastconnctl monitor: what happens is told as it happens, to who listens in
# that namespace; a reader that is too slow is told so, and holds up nobody.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

s1=10.0.1.1 s2=10.0.1.2

# The settings of a pool that was given none.
plain="max-fails default fail-timeout 10 slow-start 0 persistent 0 persistent-mask 128 no-redispatch"

# monitor HOST: its events come to $tmp/HOST.log from now on; it is $monitor
monitor() {
	: >"$tmp/$1.log"
	nsenter --net="/run/netns/$1" leastconnctl monitor >>"$tmp/$1.log" 2>&1 &
	monitor=$!
	busywait 5000 listens "$1" || fail "it tells nothing"
}

# Nothing says that it has begun, until something happens.
listens() { # HOST
	on "$1" leastconnctl pool add begun
	on "$1" leastconnctl pool del begun
	[ -s "$tmp/$1.log" ]
}

# Without the times, and what it took to see that it had begun.
events() { # [HOST]
	sed 's/^[^ ]* //; /^pool-[a-z]* begun\( \|$\)/d' "$tmp/${1:-$lb}.log"
}

# tells WANTED WHAT: all events so far, and no others that come a moment later
tells() {
	busywait 2000 is "$1" events || expect "$1" "$(events)" "$2"
	! busywait 300 other_than "$1" || expect "$1" "$(events)" "$2"
}

other_than() {
	! is "$1" events
}

forget() { # what was told so far
	: >"$tmp/$lb.log"
}

test_every_change_is_told() { # short
	local of1="$s1:80 proto tcp weight" idle="active 0"

	host_add "$lb"
	monitor "$lb"
	ctl pool add web
	ctl add web $s1:80
	ctl set web $s1:80 weight 3 max-conns 7 backup
	ctl set web $s1:80 no-backup
	ctl add web $s2:80 weight 0 state drain
	ctl set web $s1:80 state down
	ctl ready $s1
	ctl del web $s1:80
	ctl pool del web
	tells "pool-added web $plain
added web $of1 1 max-conns 0 no-backup state ready $idle
changed web $of1 3 max-conns 7 backup state ready $idle
changed web $of1 3 max-conns 7 no-backup state ready $idle
added web $s2:80 proto tcp weight 0 max-conns 0 no-backup state drain $idle
state $s2:80 proto tcp state drain $idle
drained $s2:80 proto tcp state drain $idle
changed web $of1 3 max-conns 7 no-backup state down $idle
state $s1:80 proto tcp state down $idle
drained $s1:80 proto tcp state down $idle
state $s1:80 proto tcp state ready $idle
deleted web $of1 3 max-conns 7 no-backup state ready $idle
pool-deleted web" "events"
	sed -n 1p "$tmp/$lb.log" | grep -qE \
		'^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-9:]{8}\.[0-9]{3}[+-][0-9]{4} [a-z]' ||
		fail "no time: $(sed -n 1p "$tmp/$lb.log")"
}

# And not at all if it is as it was before.
test_a_message_makes_one_change_of_a_state() {
	host_add "$lb"
	ctl pool add web
	ctl add web $s1:80
	ctl add web $s2:80
	monitor "$lb"
	printf '%s\n' "drain $s1" "down $s1" "drain $s2" "ready $s2" |
		ctl restore
	tells "state $s1:80 proto tcp state down active 0
drained $s1:80 proto tcp state down active 0" "one message"
}

test_what_was_refused_is_not_told() { # short
	host_add "$lb"
	monitor "$lb"
	! ctl pool del none 2>/dev/null || fail "not refused"
	! printf '%s\n' "pool add web" "add web $s1:80" "drain $s1:80" \
		"drain 10.0.1.77" "pool del none" | ctl restore 2>/dev/null ||
		fail "not refused"
	tells "" "events"
	printf '%s\n' "pool add web" "add web $s1:80 state drain" \
		"down 10.0.1.77" | ctl restore
	busywait 1000 is 6 count_events || fail "$(events)"
	expect "pool-added web $plain
added web $s1:80
state $s1:80
state 10.0.1.77
drained $s1:80
drained 10.0.1.77" "$(events | sed 's/ proto .*//')" "events of a restore"
}

count_events() {
	events | wc -l
}

test_states_of_rules_are_told() {
	setup 4
	balance tcp 80 $s1:80,$s2:80
	balance tcp 81 $s1:81
	monitor "$lb"
	ctl drain $s1
	tells "state $s1:80 proto tcp state drain active 0
state $s1:81 proto tcp state drain active 0
drained $s1:80 proto tcp state drain active 0
drained $s1:81 proto tcp state drain active 0" "events"
	forget
	# As it is already: nothing happens.
	ctl drain $s1:80
	tells "" "events"
}

test_drained_is_told_with_the_last_connection() { # short
	setup 4
	serve tcp 80
	balance tcp 80 $s1:80
	peer "$cl" open c tcp $vip 80 count 3
	monitor "$lb"
	ctl drain $s1
	tells "state $s1:80 proto tcp state drain active 3" "with three left"
	peer "$cl" tell c.1 reset
	peer "$cl" tell c.2 reset
	tells "state $s1:80 proto tcp state drain active 3" "with one left"
	peer "$cl" tell c.3 reset
	tells "state $s1:80 proto tcp state drain active 3
drained $s1:80 proto tcp state drain active 0" "with none left"
	# Once, and again when it was drained again.
	forget
	ctl ready $s1
	peer "$cl" open d tcp $vip 80
	ctl down $s1
	expect "1 conntrack entry deleted" "$(ctl kill $s1)" "kill"
	tells "state $s1:80 proto tcp state ready active 0
state $s1:80 proto tcp state down active 1
drained $s1:80 proto tcp state down active 0" "the second time"
}

# More than are looked at in one go, and nothing else happens afterwards.
test_many_drained_are_told() {
	host_add "$lb"
	{
		echo "pool add web"
		seq -f "add web $s1:%.0f" 1 1100
	} | ctl restore
	monitor "$lb"
	forget
	ctl drain $s1
	busywait 5000 is 1100 count_drained ||
		expect 1100 "$(count_drained)" "drained of 1100"
	! busywait 300 other_count || fail "$(count_drained) are told in the end"
}

count_drained() {
	grep -c "^[^ ]* drained $s1:" "$tmp/$lb.log" || true
}

other_count() {
	[ "$(count_drained)" != 1100 ]
}

test_full_and_not_full_are_told() { # short
	local terms="$s1:80 proto tcp weight 1 max-conns"

	setup 4
	serve tcp 80
	ctl pool add web
	ctl add web $s1:80 max-conns 2
	pooled tcp 80 web
	monitor "$lb"
	peer "$cl" open a tcp $vip 80
	tells "" "with room for one"
	peer "$cl" open b tcp $vip 80
	tells "full web $terms 2 no-backup state ready active 2" "full"
	peer "$cl" tell a reset
	tells "full web $terms 2 no-backup state ready active 2
not-full web $terms 2 no-backup state ready active 1" "not full"
	forget
	ctl set web $s1:80 max-conns 1
	ctl set web $s1:80 max-conns 0
	tells "changed web $terms 1 no-backup state ready active 1
full web $terms 1 no-backup state ready active 1
changed web $terms 0 no-backup state ready active 1
not-full web $terms 0 no-backup state ready active 1" "another limit"
}

# joins: as monitor, but without a change, which might be told, or set right what
# has been told before
joins() {
	: >"$tmp/$lb.log"
	nsenter --net="/run/netns/$lb" leastconnctl monitor >>"$tmp/$lb.log" 2>&1 &
	monitor=$!
	busywait 5000 in_a_group || fail "it is in no group"
}

# The group of events is the first that it joins.
in_a_group() {
	on "$lb" awk -v id="$monitor" '$3 == id && $4 !~ /^0*$/ { found = 1 }
		END { exit !found }' /proc/net/netlink
}

test_who_listens_later_is_told_what_happens_then() {
	local full="full web $s1:80 proto tcp weight 1 max-conns 2 no-backup state ready active 2"
	local drained="drained $s2:80 proto tcp state drain active 0"

	setup 4
	serve tcp 80
	ctl pool add web
	ctl add web $s1:80 max-conns 2
	ctl add web $s2:80 state drain
	pooled tcp 80 web
	# It has been drained for long.
	joins
	peer "$cl" open a tcp $vip 80
	tells "" "news of an old drain, with a connection of another"
	peer "$cl" open b tcp $vip 80
	tells "$full" "full"
	kill $monitor
	wait $monitor || true
	# While nobody listens, long enough for a look.
	peer "$cl" tell a reset
	busywait 1000 is 1 active $s1 || fail "not closed"
	ctl ready $s2
	pause 500
	ctl drain $s2
	joins
	peer "$cl" open c tcp $vip 80
	tells "$full" "full again"
	forget
	ctl ready $s2
	ctl drain $s2
	tells "state $s2:80 proto tcp state ready active 0
state $s2:80 proto tcp state drain active 0
$drained" "drained again"
}

test_settings_are_told() { # short
	host_add "$lb"
	monitor "$lb"
	ctl pool add web max-fails 3 slow-start 30 redispatch
	ctl pool set web persistent 600 persistent-mask 24
	ctl pool set web no-redispatch max-fails 0 fail-timeout 20
	tells "pool-added web max-fails 3 fail-timeout 10 slow-start 30 persistent 0 persistent-mask 128 redispatch
pool-changed web max-fails 3 fail-timeout 10 slow-start 30 persistent 600 persistent-mask 24 redispatch
pool-changed web max-fails 0 fail-timeout 20 slow-start 30 persistent 600 persistent-mask 24 no-redispatch" "events"
}

test_ejection_is_told() { # short
	local of2="$s2:80 proto tcp weight 1 max-conns 0 no-backup state ready active 0"
	local i

	setup 2
	peer "$sv" listen tcp $s1 80
	ctl pool add web max-fails 2 fail-timeout $rest
	ctl add web $s1:80
	ctl add web $s2:80
	pooled tcp 80 web
	monitor "$lb"
	# Those whom the second refuses are no connection of it any more.
	for i in 1 2 3 4; do
		peer "$cl" open "a$i" tcp $vip 80 2>/dev/null || true
		peer "$cl" reset "a$i" 2>/dev/null || true
	done
	tells "ejected web $of2 fails 2 reason refused" "events of two refusals"
	peer "$sv" listen tcp $s2 80
	busywait 10000 is trial listed $s2 2 || fail "no trial: $(ctl list)"
	forget
	peer "$cl" open b tcp $vip 80 count 2
	busywait 2000 is 1 count_events || fail "$(events)"
	expect "back web $s2:80 fails 2" \
		"$(events | sed 's/ proto .* fails/ fails/')" "events of a trial"
}

test_ejection_by_hand_is_told() { # short
	local of1="$s1:80 proto tcp weight 1 max-conns 0 no-backup state ready active 0"

	setup 2
	ctl pool add web
	ctl add web $s1:80
	monitor "$lb"
	ctl eject $s1:80 for 600
	tells "ejected web $of1 fails 0 reason manual" "ejected"
	ctl ready $s1:80
	tells "ejected web $of1 fails 0 reason manual
back web $of1 fails 0" "ready"
}

# ---- to whom ----

test_events_are_of_one_namespace() { # short
	local mine

	host_add "$lb"
	host_add "$cl"
	monitor "$cl"
	monitor "$lb"
	mine=$monitor
	ctl pool add web
	ctl add web $s1:80 state drain
	on "$cl" leastconnctl pool add dns
	leastconnctl pool add "host$id"
	leastconnctl pool del "host$id"
	tells "pool-added web $plain
added web $s1:80 proto tcp weight 1 max-conns 0 no-backup state drain active 0
state $s1:80 proto tcp state drain active 0
drained $s1:80 proto tcp state drain active 0" "events of the balancer"
	expect "pool-added dns $plain" "$(events "$cl")" "events of the client"
	kill $mine
}

test_several_listen() {
	host_add "$lb"
	monitor "$lb"
	nsenter --net="/run/netns/$lb" leastconnctl monitor >"$tmp/second" &
	busywait 5000 second_listens || fail "the second tells nothing"
	forget
	ctl pool add web
	tells "pool-added web $plain" "the first"
	busywait 1000 is "pool-added web $plain" second_told || fail "$(cat "$tmp/second")"
}

second_listens() {
	ctl pool add begun
	ctl pool del begun
	[ -s "$tmp/second" ]
}

second_told() {
	sed 's/^[^ ]* //; /^pool-[a-z]* begun\( \|$\)/d' "$tmp/second"
}

# ---- who does not read ----

# 60,000 events are more than any buffer has room for.
test_a_slow_reader_loses_events_and_holds_up_nobody() { # short
	local took

	host_add "$lb"
	monitor "$lb"
	forget
	kill -STOP $monitor
	awk 'BEGIN {
		print "pool add big"
		for (i = 0; i < 60000; i++)
			printf "add big 10.%d.%d.%d:80\n", 1 + i / 65536,
				i / 256 % 256, i % 256
	}' >"$tmp/script"
	took=${EPOCHREALTIME/./}
	timeout $((30 * slow)) nsenter --net="/run/netns/$lb" \
		leastconnctl restore "$tmp/script" || fail "status $?"
	say "60,000 changes in $(((${EPOCHREALTIME/./} - took) / 1000)) ms"
	ctl pool add more
	expect 60002 "$(ctl list big | wc -l)" "lines of the list"
	expect "" "$(events)" "events while it stands still"
	kill -CONT $monitor
	busywait 10000 lost_some || fail "no notice: $(events | tail -n 3)"
	say "$(grep -c ' added ' "$tmp/$lb.log") of 60000 were kept"
	# From then on it hears all again.
	busywait 5000 catches_up || fail "it does not catch up"
	forget
	ctl pool add last
	tells "pool-added last $plain" "events afterwards"
}

lost_some() {
	grep -q ' events-lost: they came faster than they were read$' \
		"$tmp/$lb.log"
}

catches_up() {
	forget
	ctl pool add begun
	ctl pool del begun
	busywait 1000 grep -q ' pool-deleted begun' "$tmp/$lb.log" || return
	[ "$(sed 's/^[^ ]* //' "$tmp/$lb.log")" = "pool-added begun $plain
pool-deleted begun" ]
}

# One that never reads does not keep the namespace, or the module.
test_the_module_goes_under_a_reader() {
	local status=0

	host_add "$lb"
	monitor "$lb"
	unload
	busywait 2000 ended || fail "it waits for events of nobody"
	wait $monitor || status=$?
	expect "1 leastconnctl: the kernel module has been unloaded" \
		"$status $(tail -n 1 "$tmp/$lb.log")" "its end"
}

ended() {
	! kill -0 "$monitor" 2>/dev/null
}

run_tests "$@"
