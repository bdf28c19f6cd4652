#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# As large as it gets: backends in a rule, rules, connections.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# spread [PROTO]: most minus fewest active connections of the backends
spread() {
	on "$lb" awk -v l="${1:-tcp}" '$2 != l { next }
		!n++ { least = most = $5 }
		$5 > most { most = $5 }
		$5 < least { least = $5 }
		END { print most - least }' /proc/net/leastconn
}

# sum COLUMN [PROTO]: of all backends
sum() {
	on "$lb" awk -v c="$1" -v l="${2:-tcp}" \
		'$2 == l { n += $c } END { print n + 0 }' /proc/net/leastconn
}

test_64_backends_in_a_rule() { # short
	setup 64
	serve tcp 80
	balance tcp 80 10.0.1.1-10.0.1.64:80
	peer "$cl" open a tcp $vip 80 count 650
	expect 650 "$(sum 5)" "active"
	expect 1 "$(spread)" "most minus fewest of 650"
	peer "$cl" open b tcp $vip 80 count 54
	expect 0 "$(spread)" "most minus fewest of 704"
	agree 1000
	# The 65th is one too many.
	if balance tcp 81 10.0.1.1-10.0.1.65:80 2>/dev/null; then
		fail "65 backends"
	fi
}

# 500 rules of four backends each, none shared.
rules_500() {
	local i

	echo "*nat"
	for ((i = 1000; i < 1500; i++)); do
		echo "-A PREROUTING -d $vip -p tcp --dport $i" \
			"-j LEASTCONN --to 10.0.1.1-10.0.1.4:$i"
	done
	echo "COMMIT"
}

test_500_rules() {
	local port took

	setup
	for port in 1000 1250 1499; do
		peer "$sv" listen tcp 0.0.0.0 $port
	done
	rules_500 >"$tmp/rules"
	took=${EPOCHREALTIME/./}
	on "$lb" "$iptables-restore" "$tmp/rules"
	say "500 rules loaded in $(((${EPOCHREALTIME/./} - took) / 1000)) ms"
	for port in 1000 1250 1499; do
		peer "$cl" open "p$port" tcp $vip $port count 40
		expect "10 0 10" "$(table 10.0.1.3 $port)" "port $port"
	done
	expect 120 "$(sum 5)" "active"
	agree 1000
	# Again, with their connections there; then none.
	took=${EPOCHREALTIME/./}
	on "$lb" "$iptables-restore" "$tmp/rules"
	say "replaced in $(((${EPOCHREALTIME/./} - took) / 1000)) ms"
	expect 120 "$(sum 5)" "active, replaced"
	agree 1000
	printf '*nat\nCOMMIT\n' | on "$lb" "$iptables-restore"
	# iptables-nft lets go of rules a little later.
	busywait 10000 is "" loads || fail "backends are left"
}

test_20000_connections() {
	local took

	setup 64
	modprobe nf_conntrack
	# The namespaces share the table. UDP's burst must not be lost.
	sysctl -qw net.netfilter.nf_conntrack_max=100000 \
		net.netfilter.nf_conntrack_buckets=32768 \
		net.core.netdev_max_backlog=50000
	on "$lb" sysctl -qw net.netfilter.nf_conntrack_udp_timeout=600 \
		net.netfilter.nf_conntrack_udp_timeout_stream=600
	serve tcp 80
	serve udp 53
	balance tcp 80 10.0.1.1-10.0.1.64:80
	balance udp 53 10.0.1.1-10.0.1.64:53

	took=${EPOCHREALTIME/./}
	peer "$cl" open t tcp $vip 80 count 4000
	say "4000 TCP in $(((${EPOCHREALTIME/./} - took) / 1000)) ms"
	expect "4000 0 4000" "$(sum 5) $(sum 6) $(sum 7)" "TCP"
	expect 1 "$(spread)" "most minus fewest of 4000 TCP"

	took=${EPOCHREALTIME/./}
	peer "$cl" open u udp $vip 53 count 16000
	peer "$cl" tell 'u.*' hello
	busywait 5000 is 20000 on "$lb" conntrack -C ||
		fail "conntrack has $(on "$lb" conntrack -C) entries"
	say "16000 UDP in $(((${EPOCHREALTIME/./} - took) / 1000)) ms"
	expect "16000 0 16000" "$(sum 5 udp) $(sum 6 udp) $(sum 7 udp)" "UDP"
	expect 0 "$(spread udp)" "most minus fewest of 16000 UDP"

	took=${EPOCHREALTIME/./}
	agree 1000
	say "compared in $(((${EPOCHREALTIME/./} - took) / 1000)) ms"
	records_are 20000 || fail "$(objects leastconn_record) records"

	peer "$cl" reset 't.*'
	busywait 5000 is 0 sum 5 || fail "$(sum 5) TCP active after all closed"
	expect 4000 "$(sum 6)" "TCP inactive"
	expect 16000 "$(sum 5 udp)" "UDP active"
	on "$lb" conntrack -F 2>"$tmp/answer"
	busywait 1000 is "0 0 0 0" sums ||
		fail "$(sums) left a second after the flush"
	busywait 5000 records_are 0 ||
		fail "$(objects leastconn_record) records are left"
	agree 1000
}

sums() { # active and inactive of TCP, of UDP; one process, to be quick
	on "$lb" awk '{ a[$2] += $5; i[$2] += $6 }
		END { print a["tcp"] + 0, i["tcp"] + 0, a["udp"] + 0, i["udp"] + 0 }' \
		/proc/net/leastconn
}

# ---- what goes on in the background ----

# Hundredths of a second that kernel workers have run. Exact: the scheduler's, not
# the clock's ticks.
worked() {
	cat /proc/[0-9]*/stat 2>/dev/null | awk '/^[0-9]+ \(kworker/ {
		sub(/.*\) /, "")
		sum += $12 + $13
	} END { print sum + 0 }'
}

# works_at_most PERCENT MS WHAT: kernel workers do, of one processor
works_at_most() {
	local before after begun=${EPOCHREALTIME/./} part

	before=$(worked)
	pause "$2"
	after=$(worked)
	part=$(((after - before) * 1000000 / (${EPOCHREALTIME/./} - begun)))
	say "kernel workers run $part % of the time, $3"
	[ $part -le "$1" ] || fail "$part % are more than $1 %"
}

# ports POOL FROM TO [AFTER]: lines for restore, of one address
ports() {
	seq -f "add $1 10.0.1.1:%.0f${4+ $4}" "$2" "$3"
}

test_idle_backends_in_slow_start_cost_nothing() {
	host_add "$lb"
	{
		echo "pool add web slow-start 3600"
		ports web 1 65535
	} | ctl restore
	works_at_most 3 3000 "65,535 backends in slow start"
	# None is told anything, though there is much to look at.
	ports web 1 65535 "max-conns 9" | sed 's/^add/set/' | ctl restore
	pause 1000
	works_at_most 3 3000 "and with a limit each"
}

# Count how often a kernel worker runs a function of the module.
count_works() { # sets $works, $ms
	local tracing=/sys/kernel/tracing begun=${EPOCHREALTIME/./}

	echo >$tracing/trace
	echo 1 >$tracing/events/workqueue/workqueue_execute_start/enable
	pause 7000
	echo 0 >$tracing/events/workqueue/workqueue_execute_start/enable
	ms=$(((${EPOCHREALTIME/./} - begun) / 1000))
	works=$(grep -c 'function.*\[xt_LEASTCONN\]' $tracing/trace)
}

# Each is looked at once in 0.7 s, all of them together.
test_idle_connections_wake_it_seldom() { # short
	local i works ms

	[ -d /sys/kernel/tracing/events/workqueue ] ||
		mount -t tracefs nodev /sys/kernel/tracing 2>/dev/null ||
		skip "this kernel traces no workers"
	setup 1
	serve tcp 80
	balance tcp 80 10.0.1.1:80
	# In different ticks, so that each has a rhythm of its own.
	for i in {1..10}; do
		peer "$cl" open "c$i" tcp $vip 80 count 5
		pause 130
	done
	pause 2000
	count_works
	say "$works runs in $ms ms"
	# One more at either end, and one of the scanner's.
	((works >= 5 && works <= ms / 700 + 3)) || fail "$works runs in $ms ms"
}

# list_takes HOST [POOL]: how long it takes there, in ms; the longest is kept
list_takes() { # sets $took
	local begun=${EPOCHREALTIME/./}

	on "$1" leastconnctl list "${@:2}" >"$tmp/listed" || fail "no list"
	took=$(((${EPOCHREALTIME/./} - begun) / 1000))
	[ "$took" -le "$longest" ] || longest=$took
}

# A command waits only for as long as some judgements take. A busy machine holds up
# that of a namespace without pools just as much.
test_10000_backends_fail_at_once() {
	local i took longest=0 waits=0
	local -a loads=()

	setup 1
	modprobe nf_conntrack
	sysctl -qw net.netfilter.nf_conntrack_max=262144
	on "$lb" sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_close=2
	{
		echo "pool add web max-fails 1 fail-timeout 60"
		ports web 10001 20000
		echo "pool add other"
		echo "add other 10.0.1.1:1"
	} | ctl restore
	pooled tcp 80 web
	for ((i = 0; i < 4; i++)); do
		nsenter --net="/run/netns/$cl" "$peer" load tcp $vip 80 >"$tmp/load.$i" &
		loads+=($!)
	done
	# All have failed, and fail again.
	busywait 60000 all_failed || fail "$(failed_ports) of 10000 have failed"
	for ((i = 0; i < 40; i++)); do
		list_takes "$cl" # no pools
		[ "$took" -le 200 ] || waits=$((waits - 1))
		list_takes "$lb" other
		[ "$took" -le 200 ] || waits=$((waits + 1))
	done
	say "list takes $longest ms at most"
	works_at_most 30 2000 "while backends fail"
	kill -TERM "${loads[@]}"
	wait "${loads[@]}"
	say "$(awk '{ n += $1 } END { print n }' "$tmp"/load.*) connections failed"
	[ $waits -le 8 ] || fail "$waits more of 40 than elsewhere took over 200 ms"
}

failed_ports() {
	on "$lb" awk '$9 > 0 { n++ } END { print n + 0 }' /proc/net/leastconn
}

all_failed() {
	[ "$(failed_ports)" -ge 10000 ]
}

# ---- what old connections cost a new one ----

# The last test: its namespaces take a while to end, and kernel workers do that.

# entries N: lines for conntrack -R, of N open TCP connections to 10.0.1.3:80
entries() {
	awk -v n="$1" -v vip=$vip 'BEGIN {
		for (i = 0; i < n; i++)
			printf "-A -p tcp -s 10.%d.%d.%d -d %s --sport %d --dport 80 " \
				"-r 10.0.1.3 -q 10.%d.%d.%d --reply-port-src 80 " \
				"--reply-port-dst %d -t 3600 --state ESTABLISHED -u ASSURED\n",
				1 + i / 65536 % 200, i / 256 % 256, i % 256, vip,
				1024 + i % 60000, 1 + i / 65536 % 200,
				i / 256 % 256, i % 256, 1024 + i % 60000
	}'
}

# The client's first SYN is not answered; it sends another one after a second, which
# finds a backend that answers only if the module has looked by then; the next SYN
# comes after three.
test_the_first_look_comes_in_time_beside_300000() {
	local took

	# An emulated processor is too slow for as many looks in a second.
	grep -q "User Mode Linux" /proc/cpuinfo || skip "not at native speed"
	setup 3
	sysctl -qw net.netfilter.nf_conntrack_max=400000 \
		net.netfilter.nf_conntrack_buckets=65536
	peer "$sv" listen tcp 10.0.1.2 80
	on "$sv" "$iptables" -A INPUT -d 10.0.1.1 -p tcp --dport 80 -j DROP
	keep_tracking ipt
	entries 300000 | on "$lb" conntrack -R - >"$tmp/answer" 2>&1 ||
		fail "$(tail -n 1 "$tmp/answer")"
	expect 300000 "$(on "$lb" conntrack -C)" "entries"
	balance tcp 81 10.0.1.3:80
	busywait 20000 is 300000 active 10.0.1.3 ||
		fail "$(active 10.0.1.3) connections adopted"
	# Of equals the first one is chosen first.
	balance tcp 80 10.0.1.1:80,10.0.1.2:80 --redispatch
	took=${EPOCHREALTIME/./}
	peer "$cl" open c tcp $vip 80
	took=$(((${EPOCHREALTIME/./} - took) / 1000))
	say "answered in $took ms"
	[ $took -lt $((2900 * slow)) ] || fail "answered in $took ms"
}

# The processor that has chosen for a dropped packet chooses next in another namespace.
# Nobody pays there for the pools that have the first one's backend.
test_dropped_packets_cost_other_namespaces_little() {
	local alone after

	need python3
	setup 1
	host_add "other-$id"
	ip -n "other-$id" link add d0 type dummy
	ip -n "other-$id" addr add 10.1.0.1/16 dev d0
	ip -n "other-$id" link set d0 up
	ip -n "other-$id" route add default dev d0
	on "other-$id" "$iptables" -t nat -A OUTPUT -d $vip -p udp --dport 80 \
		-j LEASTCONN --to 10.1.9.9:80
	on "other-$id" "$iptables" -A OUTPUT -p udp --dport 80 -j DROP
	awk 'BEGIN {
		for (i = 0; i < 4000; i++)
			printf "pool add p%d\nadd p%d 10.1.9.9:80 proto udp\n", i, i
	}' | split -l 4000 --filter "ip netns exec other-$id leastconnctl restore"
	expect 4001 "$(on "other-$id" leastconnctl list | grep -c 10.1.9.9:80)" \
		"pools and rules with the backend"
	ip -n "$lb" route add $vip via 10.0.1.1
	ipt -t nat -A OUTPUT -d $vip -p udp --dport 80 -j LEASTCONN --to 10.0.1.1:80
	read -r alone after < <("$here/after.py" "other-$id" "$lb" $vip 500)
	say "$alone us alone, $after us after a packet of the other namespace"
	[ "$after" -lt $((3 * alone + 100)) ] || fail "$after us"
}

# Its connections end, and it does not look at all of the host's for that.
test_a_tenant_kills_beside_300000() {
	local answer before others took i its=0 roots=0

	grep -q "User Mode Linux" /proc/cpuinfo || skip "not at native speed"
	need conntrack setpriv unshare
	setup 1
	sysctl -qw net.netfilter.nf_conntrack_max=400000 \
		net.netfilter.nf_conntrack_buckets=65536
	keep_tracking ipt
	chmod 755 "$tmp"
	cat >"$tmp/tenant" <<-'TENANT'
		trap '"$1" ask "$2/sock" quit' EXIT
		ip link set lo up
		"$1" serve "$2/sock"
		"$1" ask "$2/sock" listen tcp 127.0.0.1 80
		leastconnctl pool add p
		leastconnctl add p 127.0.0.1:80
		leastconnctl add p 127.0.0.1:81
		"$1" ask "$2/sock" listen tcp 127.0.0.1 81
		"$1" ask "$2/sock" open c tcp 127.0.0.1 80 count 3
		"$1" ask "$2/sock" open d tcp 127.0.0.1 81 count 2
		: >"$2/ready"
		while read -r _; do
			before=${EPOCHREALTIME/./}
			leastconnctl kill 127.0.0.1:80
			echo $(((${EPOCHREALTIME/./} - before) / 1000))
			leastconnctl list p | awk '/127.0.0.1:81/ { print $4 }'
		done
	TENANT
	mkdir "$tmp/its"
	chown 65534 "$tmp/its"
	cp "$peer" "$tmp/its/peer"
	coproc setpriv --reuid=65534 --regid=65534 --clear-groups \
		unshare -Urn bash "$tmp/tenant" "$tmp/its/peer" "$tmp/its" 2>&1
	busywait 10000 test -e "$tmp/its/ready" || fail "the tenant is not ready"
	# It has all of its lines in memory.
	entries 300000 | split -l 100000 \
		--filter "ip netns exec $lb conntrack -R -" >"$tmp/answer" 2>&1 ||
		fail "$(tail -n 1 "$tmp/answer")"
	ctl pool add p
	ctl add p 10.0.1.9:80
	# By turns, the least of each: other work on the machine only adds.
	for i in 1 2 3 4 5; do
		echo >&"${COPROC[1]}"
		read -r answer <&"${COPROC[0]}"
		read -r took <&"${COPROC[0]}"
		read -r others <&"${COPROC[0]}"
		expect $((i == 1 ? 3 : 0)) "${answer//[!0-9]/}" "connections that were ended"
		expect 2 "$others" "connections of its other backend"
		before=${EPOCHREALTIME/./}
		ctl kill 10.0.1.9:80 >/dev/null
		before=$(((${EPOCHREALTIME/./} - before) / 1000))
		its=$((its && its < took ? its : took))
		roots=$((roots && roots < before ? roots : before))
	done
	say "in $its ms; for the host, who looks at all, $roots ms"
	[ $((20 * its)) -lt $((9 * roots)) ] || fail "its kill took $its ms"
}

run_tests "$@"
