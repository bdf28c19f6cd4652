#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Network namespaces end, each in another state, and packets of another namespace
# follow. For a kernel that reports memory that is used after it was freed.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

ends=${LC_ENDS:-$(dirname "$(readlink -f "$0")")/ends}

# The cells of the matrix: see ends/main.c. One in five when it shall be short.
test_namespaces_end_in_every_state() { # short
	local step=1 nft=''

	[ -z "${LC_SHORT-}" ] || step=5
	modprobe -n -q iptable_nat || nft=nft
	modprobe $module
	LC_IPTABLES=$iptables "$ends" every "$step" $nft
	unload
}

# Connections to backends that only their states make known, which do not keep
# the module.
direct_clients() {
	{
		peer "$cl" open d tcp 10.0.1.3 80 count 20 nowait \
			and open u udp 10.0.1.4 53 count 20 and tell 'u.*' hello
		peer "$cl" reset 'd*'
		peer "$cl" close 'u*'
	} 2>/dev/null || true
}

states_ahead() {
	local i

	for i in 1 2 3 4; do
		echo "drain 10.0.1.$i:80 proto tcp"
		echo "down 10.0.1.$i:53 proto udp"
	done | ctl restore
}

# The module goes under packets, and with it records and states; the second time
# the namespace ends at the same time.
test_the_module_goes_under_packets_in_flight() { # short
	local turn pid

	for turn in module both; do
		setup 4
		serve_all
		states_ahead
		meanwhile 0 direct_clients
		busywait 10000 counts_something || fail "nothing is counted"
		if [ $turn = both ]; then
			ip netns del "$lb" &
			pid=$!
		fi
		unload
		[ $turn = module ] || wait $pid
		enough
		teardown_hosts
	done
}

# Other rules, which take their time when the namespace ends, come before the last.
drops_what_it_chose() { # FILE
	local i

	{
		echo '*nat'
		for ((i = 0; i < 30; i++)); do
			echo "-A OUTPUT -d 198.51.100.$i -p udp --dport 80 -j LEASTCONN --to 10.1.$i.1-10.1.$i.60:80"
		done
		echo "-A OUTPUT -d $vip -p udp --dport 80 -j LEASTCONN --to 10.1.255.1:80"
		printf '%s\n' COMMIT '*filter' '-A OUTPUT -p udp --dport 80 -j DROP' COMMIT
	} >"$1"
}

namespace_that_drops() { # NAMESPACE
	ip netns add "$1"
	ip -n "$1" link add d0 type dummy
	ip -n "$1" addr add 10.1.0.1/16 dev d0
	ip -n "$1" link set d0 up
	ip -n "$1" route add default dev d0
	on "$1" "$iptables-restore" <"$tmp/rules"
}

choose_and_drop() { # NAMESPACE
	on "$1" bash -c "echo x >/dev/udp/$vip/80" 2>/dev/null || true
}

# A choice is looked at by this processor's next one, in whatever namespace, also
# while the rules of the first one's namespace are being destroyed.
test_a_choice_outlives_its_namespace() { # short
	local i there=there-$$ here=here-$$

	modprobe $module
	drops_what_it_chose "$tmp/rules"
	namespace_that_drops $here
	for ((i = 0; i < 10; i++)); do
		namespace_that_drops $there
		choose_and_drop $there
		ip netns del $there
		read -rt "0.$(printf %02d $((i * 4)))" -u "$nap" || true
		choose_and_drop $here
	done
	ip netns del $here
	unload
}

counts_something() {
	on "$lb" awk 'FNR > 1 { n += $7 } END { exit !n }' /proc/net/leastconn
}

run_tests "$@"
