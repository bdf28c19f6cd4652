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

counts_something() {
	on "$lb" awk 'FNR > 1 { n += $7 } END { exit !n }' /proc/net/leastconn
}

run_tests "$@"
