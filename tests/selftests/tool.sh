#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# leastconnctl and the kernel: every command, what is refused and how, and that
# what is listed is so.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

tool=${LC_CTL:-$here/../../ctl/leastconnctl}

ctl() { # on the balancer
	on "$lb" "$tool" "$@"
}

# refused STATUS SENTENCE WORD...: the whole of what it says, and its status
refused() {
	local status=0 said

	said=$(ctl "${@:3}" 2>&1) || status=$?
	expect "$1" "$status" "status of ${*:3}"
	expect "leastconnctl: $2" "$said" "${*:3}"
}

saved() {
	ctl save
}

listed() { # ADDR:PORT: state and numbers
	ctl list | awk -v b="$1" '$1 == b { print $2, $3, $4, $5, $6; exit }'
}

# start_monitor FILE: $monitor is the process itself
start_monitor() {
	hash nsenter
	nsenter --net="/run/netns/$lb" "$tool" monitor >"$1" &
	monitor=$!
	busywait 5000 monitors
}

# Its socket is in a group: the last one it joins is among the first 32, which
# are all that is shown.
monitors() {
	on "$lb" awk -v id="$monitor" '$3 == id && $4 !~ /^0*$/ { found = 1 }
		END { exit !found }' /proc/net/netlink
}

events() { # FILE: without their time
	cut -d' ' -f2- "$1"
}

events_are() { # FILE WANTED
	[ "$(events "$1")" = "$2" ]
}

test_pools_and_backends() { # short
	setup 2
	ctl pool add web
	ctl add web 10.0.1.1:80 weight 3
	ctl add web 10.0.1.2:80 max-conns 9 backup state drain
	ctl add web 10.0.1.3
	ctl pool add dns
	ctl add dns '[fd00:1::1]:53' proto udp
	ctl add dns '[fd00:1::2]:53'
	expect 'pool add web
add web 10.0.1.1:80 weight 3
add web 10.0.1.2:80 max-conns 9 backup state drain
add web 10.0.1.3
pool add dns
add dns [fd00:1::1]:53 proto udp
add dns [fd00:1::2]:53 proto udp' "$(saved)" "pools"
	ctl set web 10.0.1.1:80 weight 1
	ctl set web 10.0.1.2:80 no-backup state ready
	ctl del web 10.0.1.3
	ctl del dns '[fd00:1::1]:53'
	expect 'pool add web
add web 10.0.1.1:80
add web 10.0.1.2:80 max-conns 9
pool add dns
add dns [fd00:1::2]:53 proto udp' "$(saved)" "pools that were changed"
	ctl pool del web
	ctl pool del dns
	expect "" "$(saved)" "what is left"
	expect "No pools, and no rules with --to" "$(ctl list)" "the list"
}

test_settings() { # short
	setup 2
	ctl pool add web max-fails 3 redispatch
	ctl pool add dns
	ctl pool set dns
	ctl pool set web fail-timeout 604800 slow-start 604800 persistent 604800
	ctl pool set web persistent-mask 24 no-redispatch
	expect 'pool add web max-fails 3 fail-timeout 604800 slow-start 604800 persistent 604800 persistent-mask 24
pool add dns' "$(saved)" "settings"
	expect 'Pool web, 0 backends, 0 rules, max-fails 3, fail-timeout 604800, slow-start 604800, persistent 604800, persistent-mask 24' \
		"$(ctl list web)" "the list"
	saved >"$tmp/saved"
	ctl pool del web
	refused 1 'pool set web max-fails 3: no pool "web"' \
		pool set web max-fails 3
	printf 'pool set dns max-fails 4\npool del web\n' >"$tmp/pools"
	refused 1 "$tmp/pools:2: pool del web: no pool \"web\"" \
		restore "$tmp/pools"
	expect 'pool add dns' "$(saved)" "what is left"
	ctl pool del dns
	ctl restore "$tmp/saved"
	expect "$(cat "$tmp/saved")" "$(saved)" "what was restored"
	ctl pool set web max-fails 0 fail-timeout 10 slow-start 0 persistent 0 \
		persistent-mask 128
	expect 'pool add web
pool add dns' "$(saved)" "as pools are that are given none"
	on "$lb" iptables -t nat -A OUTPUT -j LEASTCONN --to 10.0.1.1 \
		--max-fails 1 --redispatch
	on "$lb" ip6tables -t nat -A OUTPUT -j LEASTCONN --to fd00:1::1 \
		--persistent 60
	expect 'Rule with --to, 1 backend, max-fails 1, redispatch
Rule with --to, 1 backend, persistent 60' "$(ctl list | grep ^Rule)" "the rules"
}

# A backend that refuses: nothing listens.
test_ejected_and_back() {
	setup 2
	serve tcp 80
	start_monitor "$tmp/events"
	ctl pool add web max-fails 1 fail-timeout $rest
	ctl add web 10.0.1.1:81
	ctl add web 10.0.1.2:80
	on "$lb" iptables -t nat -A PREROUTING -d $vip -p tcp -j LEASTCONN --pool web
	peer "$cl" open a tcp $vip 80 2>/dev/null || true
	peer "$cl" open b tcp $vip 80 2>/dev/null || true
	busywait 5000 state_is 10.0.1.1:81 ejected || fail "$(ctl list)"
	busywait 5000 state_is 10.0.1.1:81 trial || fail "$(ctl list)"
	ctl metrics >"$tmp/metrics"
	grep -qx 'leastconn_pool_backend_ejected{pool="web",backend="10.0.1.1:81",proto="tcp"} 1' \
		"$tmp/metrics" || fail "$(cat "$tmp/metrics")"
	grep -qx 'leastconn_backend_fails_total{backend="10.0.1.1:81",proto="tcp"} 1' \
		"$tmp/metrics" || fail "$(cat "$tmp/metrics")"
	ctl pool set web max-fails 0
	busywait 5000 state_is 10.0.1.1:81 ready || fail "$(ctl list)"
	expect 1 "$(ctl list | awk '$1 == "10.0.1.1:81" { print $7 }')" "Fails"
	busywait 5000 grep -q ' back web 10.0.1.1:81 .* fails 1$' "$tmp/events" ||
		fail "$(cat "$tmp/events")"
	grep -q ' ejected web 10.0.1.1:81 .* fails 1 reason refused$' "$tmp/events" ||
		fail "$(cat "$tmp/events")"
	kill $monitor
}

state_is() { # BACKEND STATE
	[ "$(ctl list | awk -v b="$1" '$1 == b { print $2 }')" = "$2" ]
}

test_refusals() { # short
	setup 2
	ctl pool add web
	ctl add web 10.0.1.1:80
	refused 1 'pool add web: there is a pool "web"' pool add web
	refused 1 'pool del dns: no pool "dns"' pool del dns
	refused 1 'add dns 10.0.1.1:80: no pool "dns"' add dns 10.0.1.1:80
	refused 1 'add web 10.0.1.1:80: pool "web" has this backend' \
		add web 10.0.1.1:80
	refused 1 'add web 224.0.0.1:80: this is no unicast address' \
		add web 224.0.0.1:80
	refused 1 'set web 10.0.1.2:80 weight 2: pool "web" has no such backend' \
		set web 10.0.1.2:80 weight 2
	refused 1 'del web 10.0.1.2:80: pool "web" has no such backend' \
		del web 10.0.1.2:80
	refused 1 'drain 10.0.1.2:80: no such backend' drain 10.0.1.2:80
	refused 1 'kill 10.0.1.2: no such backend' kill 10.0.1.2
	refused 1 'pool dns: no such pool' list dns
	refused 1 '10.0.1.2:80: there is no such backend' wait 10.0.1.2:80
	refused 2 'weight "x" is not a decimal number from 0 to 65535' \
		add web 10.0.1.2:80 weight x
	expect 'pool add web
add web 10.0.1.1:80' "$(saved)" "what is left"
}

test_restore_is_all_or_none() { # short
	setup 2
	cat >"$tmp/pools" <<-POOLS
	# two pools
	pool add web

	add web 10.0.1.1:80 weight 3
	pool add dns	# the other one
	drain 10.0.1.9:80 proto tcp
	drain 10.0.1.9 proto any
	POOLS
	ctl restore "$tmp/pools"
	saved >"$tmp/saved"
	expect 'pool add web
add web 10.0.1.1:80 weight 3
pool add dns
drain 10.0.1.9:80 proto tcp
drain 10.0.1.9 proto any' "$(cat "$tmp/saved")" "what was restored"
	refused 1 "$tmp/pools:2: pool add web: there is a pool \"web\"" \
		restore "$tmp/pools"
	printf 'add web 10.0.1.2:80\nset web 10.0.1.1:80 weight 9\ndel web 10.0.1.3:80\n' \
		>"$tmp/pools"
	refused 1 "$tmp/pools:3: del web 10.0.1.3:80: pool \"web\" has no such backend" \
		restore "$tmp/pools"
	expect "$(cat "$tmp/saved")" "$(saved)" "what is left"
	ctl pool del web
	ctl pool del dns
	ctl ready 10.0.1.9
	expect "" "$(saved)" "all is gone"
	ctl restore <"$tmp/saved"
	expect "$(cat "$tmp/saved")" "$(saved)" "what was saved and restored"
}

test_thousands_of_backends() {
	local i

	setup 2
	echo "pool add big" >"$tmp/pools"
	for ((i = 0; i < 4096; i++)); do
		echo "add big 10.7.$((i / 256)).$((i % 256)):80"
	done >>"$tmp/pools"
	ctl restore "$tmp/pools"
	ctl save | diff "$tmp/pools" -
	expect 4096 "$(ctl list big | grep -c '^  10\.7\..*:80 ')" "listed"
	expect 4096 "$(ctl list --json |
		python3 -c 'import json, sys; print(len(json.load(sys.stdin)["pools"][0]["backends"]))')" \
		"in JSON"
	{ sed 1d "$tmp/pools" | sed 's/^add/del/'; echo "del big 10.7.0.0:80"; } >"$tmp/dels"
	refused 1 "$tmp/dels:4097: del big 10.7.0.0:80: pool \"big\" has no such backend" \
		restore "$tmp/dels"
	ctl save | diff "$tmp/pools" -
	ctl pool del big
}

test_list_counts_connections() {
	setup 2
	serve tcp 80
	balance tcp 80 10.0.1.1:80,10.0.1.2:80,weight=2
	balance tcp 80 10.0.1.1:80,10.0.1.2:80,weight=2
	ctl pool add web
	ctl add web 10.0.1.1:80 max-conns 2
	peer "$cl" open c tcp $vip 80 count 6
	agree 1000
	expect "ready 1 2 0 2" "$(listed 10.0.1.1:80)" "one backend"
	expect "ready 2 4 0 4" "$(listed 10.0.1.2:80)" "the other"
	ctl list web | grep -q ' max-conns 2 (full)$' || fail "it is not full"
	ctl list | grep -q '^2 equal rules with --to, tcp, 2 backends$' ||
		fail "equal rules are not one"
	ctl metrics >"$tmp/metrics"
	grep -qx 'leastconn_backend_active_connections{backend="10.0.1.2:80",proto="tcp"} 4' \
		"$tmp/metrics" || fail "no such metric"
	grep -qx 'leastconn_backend_connections_total{backend="10.0.1.2:80",proto="tcp"} 4' \
		"$tmp/metrics" || fail "no such counter"
	ctl list --json | python3 -c '
import json, sys
it = json.load(sys.stdin)
assert it["rules"][0]["rules"] == 2, it
assert [b["active"] for b in it["rules"][0]["backends"]] == [2, 4], it
assert it["pools"][0]["backends"][0]["max_conns"] == 2, it'
}

test_drain_and_wait() {
	setup 2
	serve tcp 80
	balance tcp 80 10.0.1.1:80,10.0.1.2:80
	peer "$cl" open c tcp $vip 80 count 4
	agree 1000
	refused 1 '10.0.1.1:80 proto tcp is ready and may get new connections all the time; drain it first: leastconnctl drain 10.0.1.1:80' \
		wait 10.0.1.1:80
	ctl drain 10.0.1.1:80
	peer "$cl" open d tcp $vip 80 count 4
	expect_loads 1000 "2 6" "loads with one drained"
	expect "drain 1 2 0 2" "$(listed 10.0.1.1:80)" "the drained one"
	refused 1 '10.0.1.1:80 has 2 live connections still, after 0.300 seconds' \
		wait 10.0.1.1:80 --timeout 0.3
	ctl wait 10.0.1.1:80 --timeout $((30 * slow)) &
	peer "$cl" close 'c.*'
	wait $! || fail "it waits when there is nothing to wait for"
	ctl ready 10.0.1.1
	peer "$cl" open e tcp $vip 80 count 2
	expect "ready 1 2 2 4" "$(listed 10.0.1.1:80)" "ready again"
}

test_kill() {
	setup 2
	serve udp 53
	balance udp 53 10.0.1.1:53,10.0.1.2:53
	ctl pool add dns
	ctl add dns 10.0.1.1:53 proto udp
	peer "$cl" open c udp $vip 53 count 4
	peer "$cl" say 'c.*' hello
	agree 1000
	expect_loads 1000 "2 2" "loads"
	ctl drain 10.0.1.1:53
	expect "2 conntrack entries deleted" "$(ctl kill 10.0.1.1:53)" "kill"
	peer "$cl" say 'c.*' again
	expect_loads 2000 "0 4" "loads after all have moved"
	ctl ready 10.0.1.1:53
	peer "$cl" open d udp $vip 53
	peer "$cl" say d hello
	expect_loads 2000 "1 4" "loads"
	expect "1 conntrack entry deleted" "$(ctl del dns 10.0.1.1:53 --kill)" \
		"del --kill"
	refused 1 'kill 10.0.9.9: no such backend' kill 10.0.9.9
}

test_monitor() {
	setup 2
	start_monitor "$tmp/events"
	ctl pool add web max-fails 3
	ctl pool set web persistent-mask 24 max-fails 0 redispatch
	ctl add web 10.0.1.1:80 weight 3
	ctl set web 10.0.1.1:80 weight 2
	ctl drain 10.0.1.1
	ctl del web 10.0.1.1:80
	ctl pool del web
	local terms='max-conns 0 no-backup state'
	busywait 5000 events_are "$tmp/events" "pool-added web max-fails 3 fail-timeout 10 slow-start 0 persistent 0 persistent-mask 128 no-redispatch
pool-changed web max-fails 0 fail-timeout 10 slow-start 0 persistent 0 persistent-mask 24 redispatch
added web 10.0.1.1:80 proto tcp weight 3 $terms ready active 0
changed web 10.0.1.1:80 proto tcp weight 2 $terms ready active 0
state 10.0.1.1:80 proto tcp state drain active 0
drained 10.0.1.1:80 proto tcp state drain active 0
deleted web 10.0.1.1:80 proto tcp weight 2 $terms drain active 0
pool-deleted web" || fail "$(cat "$tmp/events")"
	kill $monitor
}

# Until it has read what there was, events are lost still.
monitor_sees_changes() {
	ctl set big 10.7.0.0:80 weight 7
	grep -q ' changed big 10.7.0.0:80 ' "$tmp/events"
}

test_a_slow_monitor_is_told() {
	local i

	setup 2
	start_monitor "$tmp/events"
	kill -STOP $monitor
	echo "pool add big" >"$tmp/pools"
	for ((i = 0; i < 30000; i++)); do
		echo "add big 10.7.$((i / 256)).$((i % 256)):80"
	done >>"$tmp/pools"
	ctl restore "$tmp/pools"
	# Its buffer of 8 MiB has room for some 60,000 events.
	for i in 2 3; do
		sed -n "s/^add \(.*\)/set \1 weight $i/p" "$tmp/pools" |
			ctl restore
	done
	kill -CONT $monitor
	busywait 5000 grep -q ' events-lost: ' "$tmp/events" ||
		fail "it is not told"
	busywait 10000 monitor_sees_changes || fail "it does not go on"
	ctl pool del big
	kill $monitor
}

test_a_monitor_ends_with_the_module() {
	local status=0

	setup 2
	start_monitor "$tmp/events" 2>"$tmp/said"
	unload
	wait $monitor || status=$?
	expect 1 $status "the monitor's status"
	expect "leastconnctl: the kernel module has been unloaded" \
		"$(cat "$tmp/said")" "its word"
}

test_without_privilege() {
	local word

	setup 2
	need setpriv
	ctl list
	for word in list save metrics monitor restore; do
		on "$lb" setpriv --reuid=65534 --regid=65534 --clear-groups \
			"$tool" "$word" <<<"pool add web" >"$tmp/told" 2>&1 &&
			fail "$word is allowed"
		grep -q 'this needs root (CAP_NET_ADMIN' "$tmp/told" ||
			fail "$word: $(cat "$tmp/told")"
	done
}

test_without_the_module() {
	local modprobe

	setup 2
	unload
	modprobe=$(cat /proc/sys/kernel/modprobe)
	echo /bin/false >/proc/sys/kernel/modprobe
	! ctl list >"$tmp/told" 2>&1 || fail "it is there"
	echo "$modprobe" >/proc/sys/kernel/modprobe
	expect "leastconnctl: the kernel module is not loaded, or is older than this tool: modprobe xt_LEASTCONN" \
		"$(cat "$tmp/told")" "its word"
	# The family's name loads it.
	ctl list
	loaded || fail "list does not load it"
}

run_tests "$@"
