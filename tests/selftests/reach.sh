#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Packets that the gateway drops: of many clients, and which backends they tell of.
# shellcheck source=lib.sh disable=SC2119
. "$(dirname "$0")/lib.sh"
# shellcheck source=lib-health.sh
. "$(dirname "$0")/lib-health.sh"

setup_many() { # BACKENDS
	local i

	need python3
	setup "$1"
	for ((i = 1; i <= $1; i++)); do serve_at "10.0.1.$i"; done
	ip -n "$cl" route add local 10.64.0.0/12 dev lo
	ip -n "$lb" route add 10.64.0.0/12 via 10.0.0.2
	keep_tracking ipt
}

burst() { # NAME RATE SECONDS FIRST-ADDRESS [CLIENTS [HOLD]]
	on "$cl" "$here/burst.py" $vip 80 "${@:2}" >"$tmp/burst-$1"
}

# Sets begun and connected.
counted() { # NAME
	read -r begun connected <"$tmp/burst-$1"
	say "$1: $connected of $begun"
}

# As fail2ban bans them.
ban() { # NETWORK
	ipt -I FORWARD -i client -s "$1" -j DROP
}

# The third packet of a banned client goes to the backup.
test_banned_clients_disable_no_backup() {
	local begun connected

	setup_many 2
	balance tcp 80 $s1:80 --to 10.0.1.2:80,backup
	ban 10.65.0.0/16
	burst banned 5 25 10.65.0.1 10 8 &
	burst before 20 25 10.64.0.1 1000000 0.2
	wait $!
	filter $s1 REJECT --reject-with tcp-reset
	burst honest 20 10 10.66.0.1 1000000 0.2
	counted honest
	[ $((begun - connected)) -le 40 ] || fail "$connected of $begun clients"
	[ "$(state_of $s1)" != ready ] || fail "it is not ejected"
}

# A client that keeps its backend, and packets from forged addresses.
test_a_flood_beside_a_persistent_client_ejects_nothing() {
	local flood

	setup_many 2
	balance tcp 80 $s1-10.0.1.2:80 --persistent 600
	watch_ejections
	nsenter --net="/run/netns/$cl" hping3 -q -S -t 1 -p 80 --rand-source -i u20000 $vip >/dev/null 2>&1 &
	flood=$!
	burst honest 30 20 10.64.0.1 1 0.2
	kill $flood
	wait $flood || true
	expect "" "$(ejections)" "ejected"
}

# Of one who has two addresses, and forges others.
test_packets_that_are_led_to_a_backend_eject_nothing() {
	local forger own

	setup_many 2
	balance tcp 80 $s1-10.0.1.2:80
	watch_ejections
	burst own 4 30 10.66.0.1 2 0.2 &
	own=$!
	nsenter --net="/run/netns/$cl" "$here/forge.py" $vip 80 10.66.0.1 10.66.0.2 &
	forger=$!
	burst honest 30 30 10.64.0.1 1000000 0.2
	kill $forger
	wait $own
	expect "" "$(ejections)" "ejected"
}

# Answers from before come late.
test_a_filter_that_begins_is_found() {
	local begun connected i

	setup_many 2
	balance tcp 80 $s1-10.0.1.2:80
	burst honest 100 30 10.64.0.1 1000000 0.2 &
	exactly 8
	ipt -I FORWARD -i client -d 10.0.1.2 -j REJECT
	becomes 12000 10.0.1.2 ejected
	expect dropped "$(reason_of 10.0.1.2)" "the reason"
	wait $!
	counted honest
	[ $((10 * (begun - connected))) -le "$begun" ] || fail "$connected of $begun clients"
}

# One service has two such backends of three, one of which has to stay.
test_a_filter_is_found_beside_another_service() {
	local bursts=()

	setup_many 5
	peer "$sv" listen tcp 10.0.1.4 81
	peer "$sv" listen tcp 10.0.1.5 81
	ipt -A FORWARD -i client -d 10.0.1.2 -j DROP
	ipt -A FORWARD -i client -d 10.0.1.3 -j DROP
	ipt -A FORWARD -i client -d 10.0.1.5 -j REJECT
	balance tcp 80 $s1-10.0.1.3:80
	balance tcp 81 10.0.1.4-10.0.1.5:81
	burst first 100 30 10.64.0.1 1000000 0.5 &
	bursts+=($!)
	on "$cl" "$here/burst.py" $vip 81 4 30 10.68.0.1 1000000 0.5 >/dev/null &
	bursts+=($!)
	busywait 30000 is dropped reason_of_last || fail "the second one"
	wait "${bursts[@]}"
}

reason_of_last() {
	on "$lb" leastconnctl list | awk '$1 == "10.0.1.5:81" { print $9 }'
}

# The gateway itself connects to all backends, as keepalived does: that passes no filter.
check_backends() {
	while sleep 1; do
		on "$lb" bash -c 'for a in 1 2; do exec 3<>/dev/tcp/10.0.1.$a/80; exec 3>&-; done'
	done
}

test_checks_of_the_gateway_end_no_trial() {
	local checks

	setup_many 2
	ipt -A FORWARD -i client -d 10.0.1.2 -j DROP
	balance tcp 80 $s1-10.0.1.2:80
	check_backends &
	checks=$!
	burst honest 2 15 10.64.0.1 10 3
	becomes 5000 10.0.1.2 ejected
	burst honest 10 15 10.64.0.1 1000000 0.5
	kill $checks
	[ "$(state_of 10.0.1.2)" != ready ] || fail "it is back"
}

run_tests "$@"
