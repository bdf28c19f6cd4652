#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Two of our paths at the same thing at the same time, again and again, on a
# kernel that tells of data races or of locks taken in the wrong order. At the
# end of each test counts are conntrack's, and nothing is left.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

seconds=${LC_RACE_SECONDS:-20}	# for each test
[ -z "${LC_SHORT-}" ] || seconds=$(((seconds + 2) / 3))

# Entries end soon after their connections.
short_lives() {
	local state

	for state in time_wait close last_ack close_wait fin_wait syn_sent syn_recv; do
		echo "net.netfilter.nf_conntrack_tcp_timeout_$state=1"
	done | on "$lb" xargs sysctl -qw net.netfilter.nf_conntrack_udp_timeout=1 \
		net.netfilter.nf_conntrack_udp_timeout_stream=2
}

hosts() {
	setup 4
	serve_all
	rules_to 10.0.1.1-10.0.1.2 >"$tmp/rules-0"
	rules_to 10.0.1.3-10.0.1.4 >"$tmp/rules-1"
	replace_rules "$tmp/rules-0"
}

end_well() {
	sleep "$seconds"
	enough
	agree 1000
	nothing_is_left
}

# Records are due when their entries expire: the check meets packets that close
# them, and entries that end under it.
test_the_reaper_against_closing_packets() { # short
	hosts
	short_lives
	meanwhile 0 clients a 30 30
	meanwhile 0 clients b 30 30
	end_well
}

# The reaper finds that a connection has ended while the next one takes its
# port: the record is taken out, or lives on, never both.
reuse_ports() { # FIRST
	local i

	for ((i = $1; i < $1 + 20; i++)); do
		peer "$cl" open "p$i" tcp $vip 80 from "10.0.0.2,$i" nowait || true
	done
	peer "$cl" reset "p$1*" || true
	for ((i = $1; i < $1 + 20; i++)); do
		peer "$cl" reset "p$i" || true
	done
} 2>/dev/null

delete_closed() {
	on "$lb" conntrack -D -p tcp --state CLOSE >/dev/null 2>&1 || true
	read -rt 0.3 -u "$nap" || true
}

test_the_reaper_against_ports_used_again() { # short
	hosts
	meanwhile 0 reuse_ports 4000
	meanwhile 0 delete_closed
	end_well
}

# Each time a backend appears the table is walked.
new_backend() {
	local action

	for action in -A -D; do
		ipt -t nat "$action" PREROUTING -d $vip -p tcp --dport 80 \
			-j LEASTCONN --to 10.0.1.3:80
	done
}

direct_clients() {
	{
		peer "$cl" open d tcp 10.0.1.3 80 count 20 nowait
		peer "$cl" close 'd*'
	} 2>/dev/null || true
}

test_adoption_against_new_connections() { # short
	hosts
	meanwhile 0 new_backend
	meanwhile 0 direct_clients
	meanwhile 0 clients a 30 30
	end_well
}

# Both ends, each on its own processor.
both_end() { # reset|close [reset]: the client's way, the servers'
	local pid

	peer "$cl" open c tcp $vip 80 count 50
	peer "$sv" hangup "${@:2}" &
	pid=$!
	peer "$cl" "$1" 'c*'
	wait $pid
}

test_two_processors_close_the_same_connections() { # short
	hosts
	meanwhile 0 both_end reset reset
	sleep $(((seconds + 1) / 2))
	enough
	agree 1000
	meanwhile 0 both_end close
	end_well
}

# iptables waits for nobody: packets are in the old rules' hooks.
rules_come_and_go() {
	ipt -t nat -F PREROUTING
	replace_rules "$tmp/rules-0"
}

test_rules_go_under_packets_in_flight() { # short
	hosts
	meanwhile 0 rules_come_and_go
	meanwhile 0 clients a 30 30
	meanwhile 0 clients b 10 50
	end_well
}

# No backend is in both rule sets: whoever was chosen may be gone when the
# connection is recorded.
exchange_rules() {
	replace_rules "$tmp/rules-1"
	replace_rules "$tmp/rules-0"
}

test_backends_go_while_they_are_recorded() { # short
	hosts
	meanwhile 0 exchange_rules
	meanwhile 0 clients a 30 30
	meanwhile 0 clients b 10 50
	end_well
}

first=20000

begin_twice() {
	on "$cl" "$here/twins" $vip 53 50 $first
	first=$((first < 30000 ? first + 50 : 20000))
}

test_flows_begun_twice_against_the_reaper() { # short
	hosts
	short_lives
	meanwhile 0 begin_twice
	meanwhile 100 exchange_rules
	end_well
}

test_readers_against_all_that() { # short
	hosts
	short_lives
	meanwhile 0 read_table
	meanwhile 0 exchange_rules
	meanwhile 0 clients a 30 30
	end_well
}

# Packets are in the hooks while the namespace ends.
namespace_ends() {
	local pid

	hosts
	clients a 200 200 &
	pid=$!
	sleep "0.$((RANDOM % 9))"
	ip netns del "$lb"
	wait $pid || true
	teardown_hosts
}

test_namespaces_end_under_packets_in_flight() { # short
	local until=$((SECONDS + seconds))

	while [ $SECONDS -lt $until ]; do
		namespace_ends
	done
	unload
}

refused_backends() { # FROM TO
	seq -f "add web 10.0.1.1:%.0f" "$1" "$2"
}

some_are_ejected() {
	ctl list web | grep -q ejected
}

# Backends of which there is news come and go, are left, and end with their
# namespace.
namespace_of_failures_ends() {
	local i
	local -a loads=()

	setup 1
	{
		echo "pool add web max-fails 1 fail-timeout 1 slow-start 1"
		refused_backends 10001 10400
	} | ctl restore
	pooled tcp 80 web
	for i in 1 2; do
		nsenter --net="/run/netns/$cl" "$peer" load tcp $vip 80 >"$tmp/load.$i" &
		loads+=($!)
	done
	for ((i = 0; i < RANDOM % 6; i++)); do
		refused_backends 10001 10200 | sed 's/^add/del/' | ctl restore
		ctl drain 10.0.1.1
		refused_backends 10001 10200 | ctl restore
		ctl ready 10.0.1.1
		ctl pool set web max-fails $((i % 2))
	done
	# So that there is something to come: the end of a rest, which is long.
	ctl pool set web max-fails 1 fail-timeout 20
	busywait 10000 some_are_ejected || fail "none is ejected"
	ip netns del "$lb"
	kill -TERM "${loads[@]}"
	wait "${loads[@]}" || true
	awk '$1 > 0 { found = 1 } END { exit !found }' "$tmp"/load.* ||
		fail "no connection"
	teardown_hosts
}

test_namespaces_end_while_backends_fail() { # short
	local until=$((SECONDS + seconds))

	while [ $SECONDS -lt $until ]; do
		namespace_of_failures_ends
	done
	unload
}

run_tests "$@"
