#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Who is given connections when backends are not all alike: --slow-start,
# --persistent, --persistent-mask, and backups with all of them. Who has a
# connection is conntrack's word, or that of the servers.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=lib-health.sh
. "$(dirname "$0")/lib-health.sh"

s2=10.0.1.2 s3=10.0.1.3

now() { # in ms
	echo $((${EPOCHREALTIME/./} / 1000))
}

refuse() { # ADDR
	filter "$1" REJECT --reject-with tcp-reset
}

# A pool with a rule that uses it: web SETTINGS -- MEMBER...
web() {
	local -a settings=()

	while [ "$1" != -- ]; do
		settings+=("$1")
		shift
	done
	shift
	{
		echo "pool add web ${settings[*]}"
		printf 'add web %s\n' "$@"
	} | ctl restore
	pooled tcp 80 web
}

# ---- slow start ----

# Forty connections that are open at once, and then none of them.
burst() { # sets $got: how many of them are the fourth server's
	local before

	before=$(loads)
	peer "$cl" open b tcp $vip 80 count 40
	got=$(conntracked $s4)
	got=${got% *}
	peer "$cl" reset 'b.*'
	busywait 2000 loads_are "$before" || fail "$(loads) are left of $before"
}

# How many of the forty it should have so long after its return, when the other
# three have BASE connections each: it takes the next one as long as its load is
# less than such a part of theirs.
fair() { # MS SEC BASE
	awk -v ms="$1" -v whole="$2" -v base="$3" 'BEGIN {
		part = ms / whole / 1000
		part = part > 1 ? 1 : part < 1 / 256 ? 1 / 256 : part
		for (i = 0; i < 40; i++)
			if ((mine + 1) / part < base + int(others / 3) + 1)
				mine++
			else
				others++
		print mine + 0
	}'
}

# Its share from burst to burst, and at the end that of the others: at once after
# SEC, half a second for a slow machine's burst.
grows() { # SEC FROM TO [BASE]: it returned between these times
	local begun ended late least most got part base=${4-0} samples=0
	local bar=########################################

	say "after ms | of 40 | at least | at most | plotted"
	while :; do
		begun=$(now)
		burst
		ended=$(now)
		late=$((begun - $3))
		[ $late -lt $(($1 * 1000 + 500)) ] || break
		# It grows every tenth of a second, which may come later.
		least=$(($(fair $((late - 200 * slow)) "$1" "$base") - 1))
		most=$(($(fair $((ended - $2)) "$1" "$base") + 1))
		[ $least -gt 0 ] || least=0
		say "$(printf '%8d | %5d | %8d | %7d | %.*s' $late "$got" \
			$least $most "$got" "$bar")"
		[ "$got" -ge $least ] || fail "$got is too few"
		[ "$got" -le $most ] || fail "$got is too many"
		samples=$((samples + 1))
		pause 150
	done
	say "$(printf '%8d | %5d |     as the others  | %.*s' $late "$got" \
		"$got" "$bar")"
	part=$((3 * base + 40))
	[ "$got" = $((part / 4)) ] || [ "$got" = $(((part + 3) / 4)) ] ||
		fail "$got when it is over"
	[ $samples -ge $((slow == 1 ? 2 : 1)) ] || fail "only $samples samples"
}

test_one_back_from_drain_starts_slowly() { # short
	local from to

	setup
	serve tcp 80
	web slow-start 4 -- $s1:80 $s2:80 $s3:80 $s4:80
	pause 4500
	burst
	expect 10 "$got" "of 40 before it is drained"
	ctl drain $s4
	burst
	expect 0 "$got" "of 40 when it is drained"
	from=$(now)
	ctl ready $s4
	to=$(now)
	grows 4 "$from" "$to"
	agree 2000
}

test_one_back_from_down_starts_slowly() {
	local from to

	setup
	serve tcp 80
	web -- $s1:80 $s2:80 $s3:80 $s4:80
	ctl down $s4
	pause 4500
	# A setting that comes later is as good.
	ctl pool set web slow-start 4
	from=$(now)
	ctl ready $s4
	to=$(now)
	grows 4 "$from" "$to"
}

test_one_that_is_added_to_a_busy_pool_starts_slowly() { # short
	local from to

	setup
	serve tcp 80
	web slow-start 4 -- $s1:80 $s2:80 $s3:80
	# Those that are there shall be so for longer than that.
	pause 4500
	peer "$cl" open held tcp $vip 80 count 30
	expect_loads 1000 "10 10 10" "before it is added"
	from=$(now)
	ctl add web $s4:80
	to=$(now)
	grows 4 "$from" "$to" 10
	agree 2000
}

# More than are looked at for one connection: all of them have grown when it is
# over, and take what the others have more of.
test_many_start_slowly() {
	local i from
	local -a new=()

	setup 40
	serve tcp 80
	for ((i = 21; i <= 40; i++)); do new+=("10.0.1.$i:80"); done
	web slow-start 5 -- 10.0.1.{1..20}:80
	pause 5500
	peer "$cl" open held tcp $vip 80 count 40
	printf 'add web %s\n' "${new[@]}" | ctl restore
	from=$(now)
	peer "$cl" open early tcp $vip 80 count 20
	if [ $(($(now) - from)) -lt 1000 ]; then
		expect 0 "$(newcomers)" "of 20 at once"
	fi
	busywait 9000 is_past $((from + 6000)) || fail "time stands still"
	peer "$cl" open late tcp $vip 80 count 20
	expect 20 "$(newcomers)" "of 20 when it is over"
	agree 2000
}

# A state that the same message takes back, or that is refused, changes nothing.
test_a_state_that_is_taken_back_starts_nothing() { # short
	local got i

	setup
	serve tcp 80
	web slow-start 4 -- $s1:80 $s2:80 $s3:80 $s4:80
	pause 4500
	for i in "ready $s4:80" "del web 192.0.2.1:80"; do
		printf '%s\n' "drain $s4:80" "$i" | ctl restore 2>/dev/null || true
		# All that the pool wants of it is passed on.
		ctl set web $s4:80 weight 1
		burst
		expect 10 "$got" "of 40 after a drain and \"$i\""
	done
}

# Those that are left by the time of the next round are fewer than this one has not
# come to yet.
test_members_leave_while_they_start_slowly() { # short
	local got i
	local -a new=()

	setup 40
	serve tcp 80
	for ((i = 2; i <= 40; i++)); do new+=("10.0.1.$i:80"); done
	web slow-start 2 -- 10.0.1.1:80 "${new[@]}"
	pause 300
	peer "$cl" open early tcp $vip 80
	printf 'del web %s\n' "${new[@]}" | ctl restore
	pause 2500
	peer "$cl" open late tcp $vip 80 count 20
	got=$(conntracked $s1)
	[ "${got% *}" -ge 20 ] || fail "${got% *} connections of the one that is left"
	agree 2000
}

newcomers() { # connections of those that were added
	on "$lb" awk '{ split($3, a, ".") } $2 == "tcp" && a[4] > 20 { n += $5 }
		END { print n + 0 }' /proc/net/leastconn
}

# At once they are all its, where nobody starts slowly.
test_without_slow_start_it_is_flooded() {
	setup
	serve tcp 80
	web -- $s1:80 $s2:80 $s3:80
	peer "$cl" open held tcp $vip 80 count 120
	ctl add web $s4:80
	burst
	expect 40 "$got" "of 40"
}

test_one_back_from_ejection_starts_slowly() {
	local from to

	setup
	serve tcp 80
	web slow-start 4 max-fails 2 fail-timeout $rest -- $s1:80 $s2:80 $s3:80 $s4:80
	refuse $s4
	connect 12 >/dev/null
	becomes 1000 $s4 ejected
	unfilter
	becomes 4000 $s4 trial
	# The others are new no more.
	pause 4500
	from=$(now)
	expect 8 "$(connect 8)" "connections, a trial among them"
	becomes 2000 $s4 ready
	to=$(now)
	grows 4 "$from" "$to"
	agree 2000
}

# Nobody is better than the others.
test_all_new_ones_balance_at_once() { # short
	setup
	serve tcp 80
	balance tcp 80 $s1-$s4:80 --slow-start 600
	expect 8 "$(connect 8)" "first connections"
	peer "$cl" open a tcp $vip 80 count 40
	expect_loads 1000 "10 10 10 10" "of 40"
	# A single one, and those that are all back.
	peer "$cl" reset 'a.*'
	expect_loads 1000 "0 0 0 0" "afterwards"
	ipt -t nat -F PREROUTING
	web slow-start 600 -- $s1:80
	expect 4 "$(connect 4)" "connections to the only one"
	ctl del web $s1:80
	printf 'add web %s:80 state down\n' $s1 $s2 $s3 $s4 | ctl restore
	expect 0 "$(connect 1)" "connections when all are down"
	printf 'ready %s\n' $s1 $s2 $s3 $s4 | ctl restore
	peer "$cl" open c tcp $vip 80 count 40
	expect_loads 1000 "10 10 10 10" "of 40 when all are back"
	agree 2000
}

# Some are ready for long, but full: the new one takes what comes.
test_a_new_one_takes_what_nobody_else_can() {
	setup
	serve tcp 80
	web slow-start 600 -- "$s1:80 max-conns 2" "$s2:80 max-conns 2"
	peer "$cl" open a tcp $vip 80 count 4
	ctl add web $s4:80
	peer "$cl" open b tcp $vip 80 count 10
	expect_loads 1000 "2 2 10" "with the others full"
}

test_other_rules_do_not_start_it_again() { # short
	local from to middle

	setup
	serve tcp 80
	balance tcp 80 $s1-$s4:80 --slow-start 6
	pause 6500
	ctl drain $s4
	from=$(now)
	ctl ready $s4
	to=$(now)
	middle=$((to + 2000))
	busywait 5000 is_past $middle || fail "time stands still"
	on "$lb" "$iptables-save" -t nat >"$tmp/rules"
	on "$lb" "$iptables-restore" <"$tmp/rules"
	grows 6 "$from" "$to"
	on "$lb" "$iptables-restore" <"$tmp/rules"
	burst
	expect 10 "$got" "of 40 after another restore"
	agree 2000
}

is_past() { # MS
	[ "$(now)" -ge "$1" ]
}

# ---- persistence ----

# All of 10.7.0.0/16 and fd00:7::/32 are clients.
clients() {
	ip -n "$cl" route add local 10.7.0.0/16 dev lo
	ip -n "$lb" route add 10.7.0.0/16 via 10.0.0.2
	ip -n "$cl" route add local fd00:7::/32 dev lo
	ip -n "$lb" route add fd00:7::/32 via fd00:0::2
	on "$cl" sysctl -qw net.ipv6.ip_nonlocal_bind=1
	port=20000
}

# One connection from there, by a port of its own.
visit() { # ADDR [keep]: sets $at: whose it is; nobody's: none
	local to=$vip family=ipv4

	case $1 in *:*) to=$vip6 family=ipv6 ;; esac
	port=$((port + 1))
	at=none
	peer "$cl" open "v$port" tcp $to 80 from "$1,$port" 2>/dev/null ||
		return 0
	at=$(on "$lb" conntrack -L -f $family -p tcp --orig-src "$1" \
		--orig-port-src $port 2>/dev/null |
		sed 's/.* src=\([^ ]*\) .*/\1/')
	[ "${2-}" = keep ] || peer "$cl" reset "v$port"
}

visits() { # ADDR WANTED WHAT
	visit "$1"
	expect "$2" "$at" "$3"
}

# Two backends, and a client who holds a connection: whoever is balanced goes to
# the other. Sets $mine and $other.
settle() { # CLIENT
	visit "$1" keep
	mine=$at
	case $mine in
	"$s1") other=$s2 ;;
	"$s2") other=$s1 ;;
	*) fail "the first one is sent to $mine" ;;
	esac
}

test_a_client_stays() { # short
	local mine other

	setup 2
	clients
	serve tcp 80
	web -- $s1:80 $s2:80
	settle 10.7.0.1
	visits 10.7.0.1 "$other" "without persistence"
	ctl pool set web persistent 60
	settle 10.7.0.2
	for _ in 1 2 3 4; do
		visits 10.7.0.2 "$mine" "the client"
		# By turns, or by loads: not to one.
		visit 10.7.0.3 keep
	done
	ctl pool set web persistent 0
	peer "$cl" reset 'v*'
	settle 10.7.0.2
	visits 10.7.0.2 "$other" "without it again"
	agree 2000
}

test_each_protocol_and_port_has_its_own() {
	local mine other

	setup 2
	clients
	serve tcp 80
	serve tcp 81
	balance tcp 80 $s1:80,$s2:80 --persistent 60
	balance tcp 81 $s1:81,$s2:81 --persistent 60
	settle 10.7.0.1
	peer "$cl" open a tcp $vip 81 from 10.7.0.2
	peer "$cl" open b tcp $vip 81 from 10.7.0.1
	peer "$cl" open c tcp $vip 81 from 10.7.0.1
	busywait 1000 is 3 served "10[.]0[.]1[.]." 81 || fail "$(cat "$tmp/$sv.log")"
	expect 1 "$(awk '$2 == 81 && $3 == "10.7.0.1" && !seen[$1]++' \
		"$tmp/$sv.log" | wc -l)" "backends of that client's at port 81"
	visits 10.7.0.1 "$mine" "at port 80"
}

test_it_gives_way_to_drain_and_down() { # short
	local mine other word

	setup 2
	clients
	serve tcp 80
	web persistent 60 -- $s1:80 $s2:80
	for word in drain down; do
		settle 10.7.0.1
		visits 10.7.0.1 "$mine" "before $word"
		ctl $word "$mine"
		visits 10.7.0.1 "$other" "with its own $word"
		ctl ready "$mine"
		# Which it then keeps, though the first one has less to do.
		peer "$cl" reset 'v*'
		visit 10.7.0.1 keep
		expect "$other" "$at" "when the first is ready again"
		visits 10.7.0.1 "$other" "and again"
		peer "$cl" reset 'v*'
	done
	# One that is in the pool no more.
	settle 10.7.0.1
	ctl del web "$mine:80"
	visits 10.7.0.1 "$other" "with its own deleted"
}

test_it_gives_way_to_ejection() { # short
	local mine other

	setup
	clients
	serve tcp 80
	web persistent 60 max-fails 1 fail-timeout 60 -- $s1:80 $s2:80
	settle 10.7.0.1
	peer "$cl" reset 'v*'
	refuse "$mine"
	visits 10.7.0.1 none "when it refuses"
	becomes 1000 "$mine" ejected
	visits 10.7.0.1 "$other" "when it is ejected"
	unfilter
	visits 10.7.0.1 "$other" "and again"
	agree 2000
}

test_it_gives_way_to_redispatch() {
	local mine other

	setup
	clients
	serve tcp 80
	web persistent 60 redispatch -- $s1:80 $s2:80
	settle 10.7.0.1
	peer "$cl" reset 'v*'
	refuse "$mine"
	visits 10.7.0.1 "$other" "when its own refuses"
	unfilter
	visits 10.7.0.1 "$other" "and again"
}

test_it_gives_way_to_full() { # short
	local mine other

	setup
	clients
	serve tcp 80
	web persistent 60 -- "$s1:80 max-conns 2" "$s2:80 max-conns 2"
	settle 10.7.0.1
	visit 10.7.0.1 keep
	expect "$mine" "$at" "with room for one"
	visits 10.7.0.1 "$other" "when it is full"
	# Which it then keeps.
	peer "$cl" reset 'v*'
	visits 10.7.0.1 "$other" "when there is room again"
	agree 2000
}

test_idle_clients_are_balanced_anew() { # short
	local mine other

	setup 2
	clients
	serve tcp 80
	web persistent $((2 * slow)) -- $s1:80 $s2:80
	settle 10.7.0.1
	# Not the client's own connection is to keep the others away.
	peer "$cl" reset 'v*'
	peer "$cl" open direct tcp "$mine" 80
	# For longer than that, but never idle for so long.
	for _ in 1 2 3; do
		pause 1000
		visits 10.7.0.1 "$mine" "before it was idle for long"
	done
	pause 2200
	visits 10.7.0.1 "$other" "when it was"
	visits 10.7.0.1 "$other" "at once after that"
}

# The namespaces of the tests before end in the background, and their clients with them.
no_clients_at_first() {
	busywait 20000 is 0 objects leastconn_client ||
		expect 0 "$(objects leastconn_client)" "clients of the tests before"
}

# The kernel's own count of what they are kept in. Every ten seconds some are freed.
test_idle_clients_take_no_memory() {
	local cache=leastconn_client i

	setup 2
	clients
	serve tcp 80
	modprobe $module
	no_clients_at_first
	web persistent 8 -- $s1:80 $s2:80
	for ((i = 1; i <= 5; i++)); do
		visit 10.7.0.$i
	done
	expect 5 "$(objects $cache)" "clients in memory"
	busywait 30000 is 0 objects $cache ||
		expect 0 "$(objects $cache)" "clients in memory in the end"
}

# However long others are remembered that came earlier.
test_clients_of_different_times_take_no_memory() {
	setup
	serve tcp 80
	serve tcp 81
	modprobe $module
	no_clients_at_first
	balance tcp 80 $s1:80,$s2:80 --persistent 600
	balance tcp 81 $s1:81,$s2:81 --persistent 5
	peer "$cl" open long tcp $vip 80
	peer "$cl" open short tcp $vip 81
	peer "$cl" reset short
	expect 2 "$(objects leastconn_client)" "clients"
	busywait 25000 is 1 objects leastconn_client ||
		expect 1 "$(objects leastconn_client)" "clients in the end"
}

test_clients_survive_other_rules() { # short
	local mine other

	setup 2
	clients
	serve tcp 80
	balance tcp 80 $s1:80,$s2:80 --persistent 60
	settle 10.7.0.1
	on "$lb" "$iptables-save" -t nat >"$tmp/rules"
	on "$lb" "$iptables-restore" <"$tmp/rules"
	visits 10.7.0.1 "$mine" "after a restore of the same rules"
	ipt -t nat -F PREROUTING
	keep_tracking ipt
	balance tcp 80 $s2:80,$s1:80 --persistent 60
	visits 10.7.0.1 "$mine" "with another rule"
	visits 10.7.0.2 "$other" "somebody else"
}

test_a_prefix_is_one_client() { # short
	local mine other

	setup 2
	clients
	serve tcp 80
	balance tcp 80 $s1:80,$s2:80 --persistent 60 --persistent-mask 24
	settle 10.7.1.1
	visits 10.7.1.2 "$mine" "a neighbour"
	visits 10.7.1.254 "$mine" "another one"
	visits 10.7.0.1 "$other" "of the prefix before"
	visits 10.7.2.1 "$other" "of the prefix behind"
	ipt -t nat -F PREROUTING
	balance tcp 80 $s1:80,$s2:80 --persistent 60 --persistent-mask 32
	visits 10.7.1.3 "$other" "a neighbour, by whole addresses"
}

test_an_ipv6_prefix_is_one_client() { # short
	local mine

	setup 2
	clients
	serve tcp 80
	balance6 tcp 80 '[fd00:1::1]:80,[fd00:1::2]:80' --persistent 60 \
		--persistent-mask 64
	visit fd00:7:0:1::1 keep
	mine=$at
	[[ $mine == fd00:1::[12] ]] || fail "the first one is sent to $mine"
	visits fd00:7:0:1::2 "$mine" "a neighbour"
	visits fd00:7:0:1:ffff:ffff:ffff:ffff "$mine" "the last one"
	visit fd00:7:0:2::1
	[ "$at" != "$mine" ] || fail "the next prefix is sent there, too"
	visit fd00:7:1:1::1
	[ "$at" != "$mine" ] || fail "that differs before is sent there, too"
}

# Two thousand, who come twice, the second time in another order.
test_two_thousand_clients_are_remembered() {
	setup
	clients
	serve tcp 80
	balance tcp 80 $s1-$s4:80 --persistent 600
	all_come "$(seq 0 1999)"
	expect "500 500 500 500" "$(clients_of $s1) $(clients_of $s2) $(
		clients_of $s3) $(clients_of $s4)" "clients of each"
	all_come "$(seq 1999 -1 0)"
	expect 4000 "$(wc -l <"$tmp/$sv.log")" "connections"
	expect "500 500 500 500" "$(clients_of $s1) $(clients_of $s2) $(
		clients_of $s3) $(clients_of $s4)" "clients of each afterwards"
	agree 3000
}

all_come() { # NUMBER...
	local i before
	local -a words=()

	before=$(served "10[.]0[.]1[.].")
	for i in $1; do
		words+=(open c tcp "$vip" 80 from "10.7.$((i / 250)).$((i % 250 + 1))"
			and close c and)
	done
	peer "$cl" "${words[@]:0:${#words[@]}-1}"
	busywait 20000 is $((before + 2000)) served "10[.]0[.]1[.]." ||
		fail "only $(served "10[.]0[.]1[.].") were served"
}

clients_of() { # ADDR: that were ever there
	awk -v a="$1" '$1 == a && !seen[$3]++ { n++ } END { print n + 0 }' \
		"$tmp/$sv.log"
}

# ---- backups ----

test_a_backup_is_used_when_no_other_is_ready() { # short
	local word

	setup
	clients
	serve tcp 80
	web max-fails 1 fail-timeout 60 slow-start 600 -- $s1:80 $s2:80 "$s3:80 backup"
	for word in drain down; do
		visit 10.7.0.1
		[[ $at == 10.0.1.[12] ]] || fail "sent to $at, with two ready"
		ctl $word $s1
		visits 10.7.0.1 $s2 "with one of two ready"
		ctl $word $s2
		visits 10.7.0.1 $s3 "with none ready"
		visits 10.7.0.1 $s3 "and again"
		# However slowly it starts.
		ctl ready $s1
		visits 10.7.0.1 $s1 "when one is back"
		ctl ready $s2
	done
	agree 2000
}

# All ordinary ones can be out while a backup serves, and not when none does.
test_a_backup_serves_while_others_are_ejected() { # short
	setup
	clients
	serve tcp 80
	web max-fails 1 fail-timeout 60 -- $s1:80 $s2:80 "$s3:80 backup"
	refuse $s1
	connect 3 >/dev/null
	becomes 1000 $s1 ejected
	visits 10.7.0.1 $s2 "with one of two ejected"
	visits 10.7.0.1 $s2 "and again"
	unfilter
	ctl drain $s2
	visits 10.7.0.1 $s3 "when the other is drained"
	expect ejected "$(state_of $s1)" "the ejected one, beside a backup"
	ctl drain $s3
	becomes 1000 $s1 ready
	visits 10.7.0.1 $s1 "when the backup is drained"
	ctl drain $s1
	ctl ready $s2
	visits 10.7.0.1 $s2 "when one is back"
}

test_backups_are_ejected_too() {
	setup
	clients
	serve tcp 80
	web max-fails 1 fail-timeout $rest -- $s1:80 "$s3:80 backup" "$s4:80 backup"
	ctl drain $s1
	refuse $s3
	connect 3 >/dev/null
	becomes 1000 $s3 ejected
	expect 4 "$(connect 4)" "connections with the other backup"
	ctl ready $s1
	visits 10.7.0.1 $s1 "with an ordinary one"
	ctl drain $s1
	unfilter
	becomes 3000 $s3 trial
	expect 4 "$(connect 4)" "connections with a trial"
	# The client that failed decides after a while: another one was just answered.
	busywait 6000 is_back_for_connections $s3 || fail "$(ctl list)"
}

is_back_for_connections() { # ADDR
	connect 2 >/dev/null
	[ "$(state_of "$1")" = ready ]
}

# Ordinary ones that are out come back for want of others. A backup does not.
test_ordinary_ones_come_back_when_backups_fail() {
	setup
	clients
	serve tcp 80
	web max-fails 1 fail-timeout 60 -- $s1:80 $s2:80 "$s3:80 backup" "$s4:80 backup"
	ctl drain $s1
	ctl drain $s2
	refuse $s3
	connect 3 >/dev/null
	becomes 1000 $s3 ejected
	ctl ready $s1
	ctl ready $s2
	refuse $s1
	connect 3 >/dev/null
	becomes 1000 $s1 ejected
	ctl drain $s2
	visits 10.7.0.1 $s4 "when the last ordinary one is drained"
	expect "ejected ejected" "$(state_of $s1) $(state_of $s3)" "beside a healthy backup"
	refuse $s4
	# A client's failures do not all count while another one was answered just now.
	pause 3500
	connect 3 >/dev/null
	becomes 1000 $s1 ready
	becomes 1000 $s3 ready
}

test_a_client_leaves_its_backup() { # short
	setup
	clients
	serve tcp 80
	web persistent 60 -- $s1:80 "$s3:80 backup" "$s4:80 backup"
	visits 10.7.0.1 $s1 "at first"
	ctl drain $s1
	visit 10.7.0.1 keep
	[[ $at == 10.0.1.[34] ]] || fail "sent to $at, with backups only"
	# It stays with that one, though the other has less to do.
	visits 10.7.0.1 "$at" "again"
	ctl ready $s1
	visits 10.7.0.1 $s1 "when an ordinary one is ready"
	visits 10.7.0.1 $s1 "and again"
	agree 2000
}

run_tests "$@"
