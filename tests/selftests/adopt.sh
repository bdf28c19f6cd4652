#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Connections older than the rule, the backend or the module. "At once" is
# right after iptables returns: these checks do not wait.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

s1=10.0.1.1 s2=10.0.1.2 s1_6=fd00:1::1

dnat() { # PORT ADDR: a plain rule for $vip, TCP
	ipt -t nat -A PREROUTING -d $vip -p tcp --dport "$1" \
		-j DNAT --to-destination "$2"
}

# conntrack_add ENTRY...: entries that no packet made, a line each
conntrack_add() {
	printf '%s\n' "$@" | on "$lb" conntrack -R - >"$tmp/added" 2>&1
}

# added PROTO PORT [STATE]: the line for a connection from that port to $s1
added() {
	echo "-I -t 300 -u SEEN_REPLY -s 10.0.0.2 -d $s1 -r $s1 -q 10.0.0.2" \
		"-p $1 --sport $2 --dport 80 --reply-port-src 80" \
		"--reply-port-dst $2 ${3:+--state $3}"
}

test_a_dnat_rule_replaced_by_ours() {
	setup 2
	serve tcp 80
	dnat 80 $s1:80
	peer "$cl" open a tcp $vip 80 count 4
	peer "$cl" tell a.1 reset
	peer "$cl" drain a.1
	ipt -t nat -R PREROUTING 1 -d $vip -p tcp --dport 80 \
		-j LEASTCONN --to $s1:80,$s2:80
	expect "3 1 4" "$(table $s1)" "the busy one"
	expect "0 0 0" "$(table $s2)" "the idle one"
	# The first ones of the new rule even it out.
	peer "$cl" open b tcp $vip 80 count 3
	expect "3 3" "$(loads)" "three more"
	agree 1000
	peer "$cl" tell a.2 reset
	peer "$cl" drain a.2
	expect "2 2 4" "$(table $s1)" "an adopted one reset"
}

test_other_protocols_and_ipv6() {
	setup 1
	serve udp 53
	serve tcp 80
	peer "$cl" open u udp $s1 53 count 2
	peer "$cl" tell 'u.*' hello
	peer "$cl" open t tcp $s1_6 80 count 3
	# Nothing was tracked so far; what speaks now is, in mid-stream.
	dnat 81 $s1:80
	ip6t -t nat -A PREROUTING -d $vip6 -p tcp --dport 80 \
		-j DNAT --to-destination "[$s1_6]:80"
	peer "$cl" say 'u.*' hello >"$tmp/answer"
	peer "$cl" say 't.*' hello >"$tmp/answer"
	on "$cl" ping -qc 1 -W 5 $s1 >"$tmp/answer"
	balance udp 53 $s1:53
	expect "2 0 2" "$(table $s1 53 udp)" "UDP"
	balance6 tcp 80 "[$s1_6]:80"
	expect "3 0 3" "$(table $s1_6)" "TCP over IPv6"
	ipt -t nat -A PREROUTING -d $vip -p icmp -j LEASTCONN --to $s1
	expect "3 0 3" "$(table $s1 0 any)" "the address: 2 UDP, a ping"
	agree 1000
}

test_the_module_removed_and_loaded_again() { # short
	setup 2
	serve tcp 80
	keep_tracking ipt
	balance tcp 80 $s1:80,$s2:80
	peer "$cl" open c tcp $vip 80 count 6
	if unloaded; then
		fail "removed with a rule in use"
	fi
	ipt -t nat -F PREROUTING
	unload
	on "$lb" test ! -e /proc/net/leastconn || fail "not removed"
	expect hello "$(peer "$cl" say c.1 hello)" "echo without the module"
	peer "$cl" tell c.1 reset
	peer "$cl" drain c.1
	# The plugin's rule loads it again.
	balance tcp 80 $s1:80,$s2:80
	expect "2 1 3, 3 0 3" "$(table $s1), $(table $s2)" "loaded again"
	agree 1000
	peer "$cl" open d tcp $vip 80
	expect "3 3" "$(loads)" "one more"
}

test_a_rule_deleted_and_added_again() {
	setup 2
	serve tcp 80
	keep_tracking ipt
	balance tcp 80 $s1:80,$s2:80
	peer "$cl" open c tcp $vip 80 count 6
	ipt -t nat -D PREROUTING 1
	peer "$cl" tell c.1 reset
	peer "$cl" drain c.1
	balance tcp 80 $s1:80,$s2:80
	expect "2 1, 3 0" "$(counts_of $s1), $(counts_of $s2)" "at once"
	agrees_for 1500
	ipt -t nat -D PREROUTING 1
	# Long enough for the reaper to forget what is nobody's load.
	busywait 1500 false || true
	balance tcp 80 $s1:80,$s2:80
	expect "2 1, 3 0" "$(counts_of $s1), $(counts_of $s2)" "a while later"
	agrees_for 1500
}

counts_of() { # ADDR: active and inactive, without the total
	local counts

	counts=$(table "$1")
	echo "${counts% *}"
}

test_a_second_rule_sees_the_load_at_once() {
	setup 2
	serve tcp 80
	balance tcp 80 $s1:80
	peer "$cl" open a tcp $vip 80 count 3
	balance tcp 81 $s1:80,$s2:80
	expect "3 0" "$(loads)" "the second rule's backends"
	peer "$cl" open b tcp $vip 81 count 3
	expect "3 3" "$(loads)" "after three by the second rule"
	# The first rule's going takes nothing with it.
	ipt -t nat -D PREROUTING 1
	expect "3 3" "$(loads)" "without the first rule"
	agree 1000
}

test_a_portless_backend_adopts_what_a_port_has() {
	setup 1
	serve tcp 80
	serve tcp 81
	balance tcp 80 $s1:80
	peer "$cl" open a tcp $vip 80 count 3
	peer "$cl" open b tcp $s1 81 count 2
	balance tcp 82 $s1
	expect "3 0 3" "$(table $s1)" "the port's"
	expect "5 0 5" "$(table $s1 0 any)" "the address's"
	ipt -t nat -D PREROUTING 1
	agree 1000
	expect "5 0 5" "$(table $s1 0 any)" "the address's alone"
}

test_a_rule_set_restored_at_once() {
	local i

	setup 4
	serve tcp 80
	dnat 80 $s1:80
	dnat 81 $s2:80
	dnat 82 10.0.1.3:80
	dnat 83 10.0.1.4:80
	for i in 0 1 2 3; do
		peer "$cl" open "c$i" tcp $vip 8$i count $((i + 1))
	done
	{
		echo "*nat"
		for i in 1 2 3 4; do
			echo "-A PREROUTING -d $vip -p tcp --dport 8$i" \
				"-j LEASTCONN --to 10.0.1.$i:80"
		done
		echo "COMMIT"
	} | on "$lb" "$iptables-restore"
	# One walk of the conntrack table for all that come close together.
	agree 1000
	expect "1 2 3 4" "$(loads)" "four rules"
}

test_every_tcp_state_is_adopted_as_what_it_is() {
	local port=40000 state
	local -a entries=()

	setup 1
	dnat 81 $s1:81	# conntrack is on
	# LISTEN is the other name of SYN_SENT2.
	for state in SYN_SENT LISTEN SYN_RECV ESTABLISHED FIN_WAIT CLOSE_WAIT \
		LAST_ACK TIME_WAIT CLOSE; do
		port=$((port + 1))
		entries+=("$(added tcp $port $state)")
	done
	conntrack_add "${entries[@]}"
	balance tcp 80 $s1:80
	expect "6 3 9" "$(table $s1)" "nine states"
	agrees_for 1500
}

test_one_tuple_in_two_zones_is_two_connections() {
	setup 1
	dnat 81 $s1:81
	conntrack_add "$(added tcp 40000 ESTABLISHED) -w 1" \
		"$(added tcp 40000 ESTABLISHED) -w 2"
	balance tcp 80 $s1:80
	expect "2 0 2" "$(table $s1)" "two zones"
	on "$lb" conntrack -D -w 1 >"$tmp/deleted" 2>&1
	agree 1000
	expect "1 0 2" "$(table $s1)" "one zone"
}

test_entries_without_a_packet_within_30_seconds() {
	setup 1
	balance tcp 80 $s1:80
	balance udp 80 $s1:80
	conntrack_add "$(added tcp 40000 ESTABLISHED)" \
		"$(added tcp 40001 SYN_SENT)" "$(added tcp 40002 TIME_WAIT)" \
		"$(added udp 40003)"
	agree 32000
	expect "2 1 3" "$(table $s1)" "TCP"
	expect "1 0 1" "$(table $s1 80 udp)" "UDP"
	# They were counted as others are: they leave as others do.
	on "$lb" conntrack -F 2>/dev/null
	agree 1000
	expect "0 0 3" "$(table $s1)" "flushed"
}

run_tests "$@"
