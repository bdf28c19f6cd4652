#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Pools of 4,096 backends change, all the time and in every way, while
# connections are opened on all processors: none goes astray, none is miscounted.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

backends=4096
seconds=20 # of load
[ -z "${LC_SHORT-}" ] || seconds=5
seconds=${LC_SECONDS:-$seconds}

# The servers have all of 10.1.0.0/16; backend N is 10.1.(N / 256).(N % 256).
prepare() {
	setup 1
	on "$sv" ip route add local 10.1.0.0/16 dev lo
	on "$lb" ip route add 10.1.0.0/16 via 10.0.1.1
	# The namespaces share the table.
	sysctl -qw net.netfilter.nf_conntrack_max=262144 \
		net.netfilter.nf_conntrack_buckets=65536 \
		net.core.netdev_max_backlog=50000
	# Nor shall they go while so many are counted.
	on "$lb" sysctl -qw \
		net.netfilter.nf_conntrack_tcp_timeout_time_wait=600 \
		net.netfilter.nf_conntrack_tcp_timeout_last_ack=600
	on "$cl" sysctl -qw net.ipv4.ip_local_port_range="1024 65535" \
		net.ipv4.tcp_tw_reuse=1
	serve tcp 80
	serve udp 53
}

# lines COMMAND PORT FROM TO [AFTER]: for backends FROM to TO - 1
lines() {
	awk -v command="$1" -v port="$2" -v from="$3" -v to="$4" \
		-v after="${5-}" 'BEGIN {
		for (i = from; i < to; i++)
			printf "%s 10.1.%d.%d:%d%s\n", command, i / 256,
				i % 256, port, after
	}'
}

# weights POOL PORT COUNT FROM TO: of so many by chance, of those backends
weights() {
	awk -v pool="$1" -v port="$2" -v count="$3" -v from="$4" -v to="$5" \
		-v seed=$RANDOM 'BEGIN {
		srand(seed)
		while (count--) {
			i = from + int(rand() * (to - from))
			printf "set %s 10.1.%d.%d:%d weight %d max-conns %d\n",
				pool, i / 256, i % 256, port, rand() * 8,
				rand() < 0.2 ? 1 + rand() * 5 : 0
		}
	}'
}

# One round of changes to a pool: a part of it goes, other terms for some of the
# rest, two who are changed alone, something that is undone, the part comes back.
change() { # POOL PORT ROUND drain|down
	# The first one is all that there is when another pool begins to grow.
	local from=$((1 + $3 * 331 % (backends - 701))) alone

	alone=10.1.$(((from + 700) / 256)).$(((from + 700) % 256)):$2
	{
		lines "del $1" "$2" $from $((from + 300))
		weights "$1" "$2" 300 $((from + 300)) $((from + 700))
	} | ctl restore
	ctl set "$1" "$alone" weight 0
	ctl set "$1" "$alone" weight 5
	! {
		lines "add $1" "$2" $from $((from + 300)) " backup"
		weights "$1" "$2" 300 0 $from
		lines "del $1" "$2" $((from + 300)) $((from + 600))
		lines drain "$2" $((from + 600)) $((from + 620)) " proto any"
	} | ctl restore 2>/dev/null || fail "not refused"
	ctl del "$1" "$alone"
	ctl add "$1" "$alone"
	lines "add $1" "$2" $from $((from + 300)) | ctl restore
	{
		lines drain "$2" $from $((from + 20))
		lines "$4" "$2" $((from + 20)) $((from + 40))
	} | ctl restore
	lines ready "$2" $from $((from + 40)) | ctl restore
}

# From one backend to all in steps, and back to one.
grow_and_shrink() { # POOL PORT
	local size

	for ((size = 1; size < backends; size *= 4)); do
		lines "add $1" "$2" $size $((4 * size)) | ctl restore
	done
	for ((size = backends / 4; size >= 1; size /= 4)); do
		lines "del $1" "$2" $size $((4 * size)) | ctl restore
	done
}

loaders=()

# load PROTO PORT: each on a processor of its own, in turn
load() {
	local at=$((${#loaders[@]} % $(nproc)))

	nsenter --net="/run/netns/$cl" taskset -c "$at" \
		"$peer" load "$1" $vip "$2" >"$tmp/load$2" &
	loaders+=($!)
}

# Says how many there were, and fails if one of them did.
end_load() { # PORT...
	local port made failed why

	kill -TERM "${loaders[@]}"
	wait "${loaders[@]}" || fail "load: status $?"
	for port; do
		read -r made failed why <"$tmp/load$port"
		say "$made connections to port $port"
		expect 0 "$failed" "connections to port $port that failed ($why)"
		[ "$made" -ge 50 ] || fail "too few"
	done
}

# least and most active connections of backends with that protocol
extremes() { # PROTO
	on "$lb" awk -v l="$1" '$2 != l { next }
		!n++ { least = most = $5 }
		$5 > most { most = $5 }
		$5 < least { least = $5 }
		END { print least + 0, most + 0 }' /proc/net/leastconn
}

counted() { # of all backends, active or not
	on "$lb" awk 'FNR > 1 { n += $5 + $6 } END { print n + 0 }' \
		/proc/net/leastconn
}

test_changes_under_load() { # short
	local round begun

	need taskset
	prepare
	{
		echo "pool add web"
		lines "add web" 80 0 $backends
		echo "pool add dns"
		lines "add dns" 53 0 $backends " proto udp"
		echo "pool add grow"
		lines "add grow" 80 0 1
	} | ctl restore
	pooled tcp 80 web
	pooled udp 53 dns
	pooled tcp 81 grow
	load tcp 80
	load udp 53
	load tcp 81
	begun=$SECONDS
	for ((round = 0; SECONDS - begun < seconds * slow; round++)); do
		# Who asks by UDP does not ask again, should its question be let
		# go of before the answer is there.
		change web 80 $round down
		change dns 53 $round drain
		grow_and_shrink grow 80
	done
	say "$round rounds of changes"
	end_load 80 53 81
	expect 0 "$(on "$lb" conntrack -L --reply-src $vip 2>/dev/null | wc -l)" \
		"connections that nobody was chosen for"
	expect $((2 * backends)) "$(on "$lb" awk 'FNR > 1' /proc/net/leastconn |
		wc -l)" "backends in the end"
	expect 0 "$(on "$lb" awk 'FNR > 1 && $8 != "ready"' \
		/proc/net/leastconn | wc -l)" "backends that are not ready"
	# All there is was balanced; the table has it, and conntrack.
	agree 3000
	expect "$(on "$lb" conntrack -C)" "$(counted)" "connections counted"

	# And it goes on as if nothing had been: one for each.
	lines "set web" 80 0 $backends " weight 1 max-conns 0" | ctl restore
	busywait 5000 is "0 0" extremes tcp || fail "left: $(extremes tcp)"
	peer "$cl" open c tcp $vip 80 count $backends
	expect "1 1" "$(extremes tcp)" "least and most of $backends"
	agree 3000
}

# The rule stands, the pool is empty, or about to be: whoever is not balanced
# goes to the next rule, whole.
test_a_pool_that_is_emptied_under_load() { # short
	local round begun

	need taskset
	prepare
	{
		echo "pool add web"
		lines "add web" 80 0 64
		echo "pool add dns"
		lines "add dns" 53 0 64 " proto udp"
	} | ctl restore
	pooled tcp 80 web
	pooled udp 53 dns
	ipt -t nat -A PREROUTING -d $vip -j DNAT --to-destination 10.0.1.1
	load tcp 80
	load udp 53
	begun=$SECONDS
	for ((round = 0; 4 * (SECONDS - begun) < seconds * slow; round++)); do
		{
			lines "del web" 80 0 64
			lines "del dns" 53 0 64
		} | ctl restore
		{
			lines "add web" 80 0 64
			lines "add dns" 53 0 64 " proto udp"
		} | ctl restore
	done
	say "$round times emptied"
	end_load 80 53
	expect 0 "$(on "$lb" conntrack -L --reply-src $vip 2>/dev/null | wc -l)" \
		"connections that went nowhere"
	agree 3000
}

run_tests "$@"
