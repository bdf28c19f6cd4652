#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Rules that name a pool, by both front ends: its backends change while the rule
# stands; what does not fit is refused on either side; and a pool is its
# namespace's alone, with and without rules, to the end.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

s1=10.0.1.1 s2=10.0.1.2 s3=10.0.1.3 sorry=10.0.1.4

use() { # FRONT-END
	need "$1"
	case $1 in *-legacy) modprobe -n -q iptable_nat || skip "no $1" ;; esac
	iptables=$1
	ip6tables=${iptables/iptables/ip6tables}
}

open() { # NAME [OPTION...]: connections of the client
	peer "$cl" open "$1" tcp $vip 80 "${@:2}"
}

leave() { # NAME: closed, by an RST that the client has seen
	peer "$cl" tell "$1" reset
	peer "$cl" drain "$1"
}

# Live TCP connections that a server answers, by conntrack's word: also of one
# that no pool has any more.
live() { # ADDR...: "2 0 1"
	local addr sep=''

	for addr; do
		printf '%s%s' "$sep" "$(on "$lb" conntrack -L -p tcp \
			--state ESTABLISHED --reply-src "$addr" 2>/dev/null |
			wc -l)"
		sep=' '
	done
}

# sorry_server: the rule after the balancing one
sorry_server() {
	ipt -t nat -A PREROUTING -d $vip -p tcp --dport 80 \
		-j DNAT --to-destination $sorry:80
}

# ---- backends come and go ----

empty_pool_is_the_next_rule() { # FRONT-END
	use "$1"
	setup
	serve tcp 80
	ctl pool add web
	pooled tcp 80 web
	sorry_server
	open a
	expect "0 1" "$(live $s1 $sorry)" "an empty pool"
	ctl add web $s1:80
	open b
	expect "1 1" "$(live $s1 $sorry)" "a backend"
	ctl set web $s1:80 weight 0
	open c
	expect "1 2" "$(live $s1 $sorry)" "a backend of no weight"
	ctl set web $s1:80 weight 1
	open d
	ctl del web $s1:80
	open e
	expect "2 3" "$(live $s1 $sorry)" "empty again"
	expect "hello hello" "$(peer "$cl" say b hello) $(peer "$cl" say d hello)" \
		"who came before"
}

test_an_empty_pool_is_the_next_rule_of_iptables_legacy() { # short
	empty_pool_is_the_next_rule iptables-legacy
}

test_an_empty_pool_is_the_next_rule_of_iptables_nft() { # short
	empty_pool_is_the_next_rule iptables-nft
}

changes_are_for_the_next_connection() { # FRONT-END
	use "$1"
	setup
	serve tcp 80
	ctl pool add web
	ctl add web $s1:80
	ctl add web $s2:80
	pooled tcp 80 web
	open a count 4
	expect "2 2 0" "$(live $s1 $s2 $s3)" "equal ones"
	ctl set web $s1:80 weight 3
	open b
	expect "3 2 0" "$(live $s1 $s2 $s3)" "the very next one"
	open c count 3
	expect "6 2 0" "$(live $s1 $s2 $s3)" "filled up to the weights"
	ctl add web $s3:80 weight 2
	open d
	expect "6 2 1" "$(live $s1 $s2 $s3)" "the next one to the new one"
	open e count 3
	expect "6 2 4" "$(live $s1 $s2 $s3)" "the new one filled up"
	ctl del web $s1:80
	open f count 6
	expect "6 4 8" "$(live $s1 $s2 $s3)" "one less"
	peer "$cl" say '*' hello >"$tmp/answer"
	# It comes back with what it has.
	ctl add web $s1:80
	expect "4 8 6" "$(loads)" "counts, in the order of their coming"
	agree 1000
	open g count 2
	expect "6 5 9" "$(live $s1 $s2 $s3)" "the least loaded for their weight"
}

test_changes_are_for_the_next_connection_with_iptables_legacy() {
	changes_are_for_the_next_connection iptables-legacy
}

test_changes_are_for_the_next_connection_with_iptables_nft() { # short
	changes_are_for_the_next_connection iptables-nft
}

test_least_connections_in_a_pool_that_grows() {
	local i

	setup 20
	serve tcp 80
	ctl pool add web
	pooled tcp 80 web
	for ((i = 1; i <= 20; i++)); do
		ctl add web "10.0.1.$i:80"
		# Whoever is there has two: the new one gets the next two.
		open "c$i" count 2
		expect 2 "$(live "10.0.1.$i")" "connections of number $i"
	done
	agree 1000
	# From the middle, in the order of chance, and in again.
	for i in 7 13 2 20 1; do
		ctl del web "10.0.1.$i:80"
	done
	open more count 15
	expect "3 3 3 2 2" "$(live 10.0.1.3 10.0.1.8 10.0.1.19 10.0.1.7 10.0.1.20)" \
		"with five less"
	for i in 1 20 13; do
		ctl add web "10.0.1.$i:80"
	done
	open back count 3
	expect "3 3 3 2" "$(live 10.0.1.1 10.0.1.20 10.0.1.13 10.0.1.2)" \
		"with three back"
	agree 1000
}

test_a_place_that_is_left_is_taken_next() { # short
	setup
	serve tcp 80
	ctl pool add web
	ctl add web $s1:80
	ctl add web $s2:80
	ctl add web $s3:80 max-conns 2
	pooled tcp 80 web
	open a count 6
	expect "2 2 2" "$(live $s1 $s2 $s3)" "at first"
	# Ties go round from the first.
	leave a.2
	leave a.5
	open b count 2
	expect "2 2 2" "$(live $s1 $s2 $s3)" "two left, two came"
	leave a.3
	open c
	expect "2 2 2" "$(live $s1 $s2 $s3)" "one of who was full"
	agree 1000
}

test_caps_and_backups_of_a_pool() { # short
	setup
	serve tcp 80
	ctl pool add web
	ctl add web $s1:80 max-conns 1
	ctl add web $s2:80 max-conns 2
	ctl add web $s3:80 max-conns 1 backup
	pooled tcp 80 web
	sorry_server
	open a count 3
	expect "1 2 0 0" "$(live $s1 $s2 $s3 $sorry)" "the ordinary ones"
	open b count 2
	expect "1 2 1 1" "$(live $s1 $s2 $s3 $sorry)" "backup, next rule"
	ctl set web $s1:80 max-conns 2
	open c
	expect "2 2 1 1" "$(live $s1 $s2 $s3 $sorry)" "a higher cap"
	ctl set web $s2:80 max-conns 1
	ctl set web $s1:80 max-conns 0 weight 2
	open d count 2
	expect "4 2 1 1" "$(live $s1 $s2 $s3 $sorry)" "no cap, a lower one"
	ctl set web $s1:80 backup
	ctl set web $s3:80 no-backup max-conns 3
	open e count 3
	expect "5 2 3 1" "$(live $s1 $s2 $s3 $sorry)" "who is the backup changes"
	ctl set web $s2:80 max-conns 3
	open f
	expect "5 3 3 1" "$(live $s1 $s2 $s3 $sorry)" "room of an ordinary one"
	agree 1000
}

test_one_pool_of_two_rules() { # short
	setup
	serve tcp 80
	ctl pool add web
	ctl add web $s1:80
	ctl add web $s2:80
	pooled tcp 80 web
	pooled tcp 81 web
	peer "$cl" open a tcp $vip 80
	peer "$cl" open b tcp $vip 81
	peer "$cl" open c tcp $vip 81
	peer "$cl" open d tcp $vip 80
	expect "2 2" "$(live $s1 $s2)" "two of each"
	ctl del web $s1:80
	peer "$cl" open e tcp $vip 80
	peer "$cl" open f tcp $vip 81
	expect "2 4" "$(live $s1 $s2)" "with one less"
	refuses '2 rules use pool "web": delete them first' pool del web
	ipt -t nat -D PREROUTING 2
	# iptables-nft lets go of a rule a little later.
	busywait 10000 refused_for_one_rule || fail "$(cat "$tmp/said")"
	ipt -t nat -D PREROUTING 1
	busywait 10000 ctl pool del web 2>/dev/null || fail "not deleted"
	expect "" "$(loads)" "backends"
}

refused_for_one_rule() {
	! ctl pool del web 2>"$tmp/said" &&
		[ "$(cat "$tmp/said")" = \
			'leastconnctl: pool del web: 1 rule uses pool "web": delete it first' ]
}

# The same server in two pools and a rule: one load.
test_pools_and_rules_share_loads() {
	setup
	serve tcp 80
	ctl pool add a
	ctl pool add b
	ctl add a $s1:80
	ctl add a $s2:80
	ctl add b $s2:80
	ctl add b $s3:80
	pooled tcp 80 a
	pooled tcp 81 b
	balance tcp 82 $s1:80,$s3:80
	peer "$cl" open a tcp $vip 80 count 2
	peer "$cl" open b tcp $vip 81
	expect "1 1 1" "$(live $s1 $s2 $s3)" "s3 had none"
	peer "$cl" open c tcp $vip 82 count 4
	expect "3 1 3" "$(live $s1 $s2 $s3)" "the rule's"
	peer "$cl" open d tcp $vip 80 count 2
	expect "3 3 3" "$(live $s1 $s2 $s3)" "s2 is behind"
	agree 1000
}

test_ipv6() { # short
	setup
	serve tcp 80
	ctl pool add web
	ip6t -t nat -A PREROUTING -d $vip6 -p tcp --dport 80 \
		-j LEASTCONN --pool web
	ctl add web '[fd00:1::1]:80'
	ctl add web '[fd00:1::2]:80' weight 2
	peer "$cl" open c tcp $vip6 80 count 6
	expect "2 4" "$(loads)" "loads"
	has_served 2 fd00:1::1
	has_served 4 fd00:1::2
	ctl del web '[fd00:1::2]:80'
	peer "$cl" open d tcp $vip6 80
	has_served 3 fd00:1::1
	agree 1000
}

test_whole_addresses_and_udp() {
	setup
	serve udp 53
	serve tcp 80
	ctl pool add dns
	ctl add dns $s1:53 proto udp
	ctl add dns $s2:53
	pooled udp 53 dns
	ctl pool add host
	ctl add host $s3
	ipt -t nat -A PREROUTING -d $vip -j LEASTCONN --pool host
	peer "$cl" open u udp $vip 53 count 4
	expect hello "$(peer "$cl" say u.1 hello)" "echo"
	peer "$cl" tell 'u.*' hello
	expect "2 2 0" "$(loads)" "UDP"
	peer "$cl" open t tcp $vip 80 count 3
	on "$cl" ping -q -c 1 -W 5 $vip >"$tmp/ping" || fail "no echo"
	expect "2 2 4" "$(loads)" "TCP and ICMP of a whole address"
	agree 1000
}

# ---- rules of front ends ----

save_rules() { # without times and counters
	on "$lb" "$iptables-save" -t nat | sed '/^#/d; s/ \[.*//'
}

rules_round_trip() { # FRONT-END
	local rule="PREROUTING -d $vip -p tcp -m tcp --dport 80 -j LEASTCONN --pool web"
	local saved

	use "$1"
	setup 2
	serve tcp 80
	ctl pool add web
	ctl add web $s1:80
	pooled tcp 80 web
	open long
	expect "-A ${rule/$vip/$vip/32}" "$(ipt -t nat -S PREROUTING | tail -n 1)" "-S"
	# shellcheck disable=SC2086 # words on purpose
	ipt -t nat -C $rule || fail "-C does not find it"
	# shellcheck disable=SC2086
	! ipt -t nat -C ${rule/web/wob} 2>/dev/null || fail "-C finds another"
	ipt -t nat -L PREROUTING -n | grep -q 'LEASTCONN.*pool:web' ||
		fail "-L does not show it"
	saved=$(save_rules)
	on "$lb" "$iptables-restore" <<<"$saved"
	expect "$saved" "$(save_rules)" "saved, restored, saved"
	expect hello "$(peer "$cl" say long hello)" "who came before"
	open new
	expect 2 "$(live $s1)" "connections"
	# Replaced, not added: one rule uses the pool, a moment later.
	busywait 10000 refused_for_one_rule || fail "$(cat "$tmp/said")"
	# Not in a namespace where there is no such pool.
	! on "$cl" "$iptables-restore" <<<"$saved" 2>/dev/null ||
		fail "restored without the pool"
	expect "" "$(on "$cl" "$iptables-save" -t nat | grep LEASTCONN || true)" \
		"rules of who was refused"
	# shellcheck disable=SC2086
	ipt -t nat -D $rule
	busywait 10000 ctl pool del web 2>/dev/null || fail "still in use"
}

test_rules_round_trip_with_iptables_legacy() { # short
	rules_round_trip iptables-legacy
}

test_rules_round_trip_with_iptables_nft() { # short
	rules_round_trip iptables-nft
}

# ---- what does not fit ----

# rule_refused SENTENCE COMMAND...: and the kernel's log has that line
rule_refused() {
	local mark="selftest $RANDOM$RANDOM"

	echo "$mark" >/dev/kmsg
	! "${@:2}" 2>/dev/null || fail "not refused: ${*:2}"
	dmesg | sed "1,/$mark/d" | grep -qF "LEASTCONN: rule refused: $1" ||
		fail "the log has no such line: $1
$(dmesg | sed "1,/$mark/d")"
}

what_does_not_fit() { # FRONT-END
	use "$1"
	setup 2
	rule_refused 'no pool "none": create it first (leastconnctl pool add)' \
		pooled tcp 80 none
	ctl pool add web
	ctl add web $s1:80
	# The rule comes second.
	rule_refused 'pool "web": its backends have tcp ports, so the rule needs -p tcp' \
		pooled udp 80 web
	rule_refused 'pool "web": its backends have tcp ports, so the rule needs -p tcp' \
		ipt -t nat -A PREROUTING -d $vip -j LEASTCONN --pool web
	rule_refused 'pool "web": its backends are IPv4, use iptables' \
		ip6t -t nat -A PREROUTING -d $vip6 -p tcp -j LEASTCONN --pool web
	expect "" "$(ipt -t nat -S | grep LEASTCONN || true)" "rules"
	# None of them uses it: it can go.
	ctl pool del web
	# The backend comes second.
	ctl pool add web
	pooled udp 53 web
	refuses "IPv4 rules use the pool" add web '[fd00:1::1]:53'
	refuses "rules with -p udp use the pool" add web $s1:53 proto tcp
	ctl add web $s1:53
	expect "pool add web
add web $s1:53 proto udp" "$(ctl save)" "the rule's protocol, unsaid"
	ctl del web $s1:53
	ctl add web $s1
	# A rule of all protocols, then, and no port any more.
	ipt -t nat -A PREROUTING -d $vip -j LEASTCONN --pool web
	refuses "rules without -p use the pool: its backends cannot have a port" add web $s1:53
	refuses "rules without -p use the pool: its backends cannot have a port" add web $s1:53 proto udp
	ctl add web $s2
	expect "$s1 $s2" "$(ctl save | awk '/^add/ { printf "%s%s", sep, $3; sep = " " }')" \
		"backends"
	refuses '2 rules use pool "web": delete them first' pool del web
}

test_what_does_not_fit_with_iptables_legacy() { # short
	what_does_not_fit iptables-legacy
}

test_what_does_not_fit_with_iptables_nft() { # short
	what_does_not_fit iptables-nft
}

# ---- pools without rules ----

test_pools_count_without_a_rule() {
	setup 2
	serve tcp 80
	ctl pool add web
	peer "$cl" open a tcp $s1 80
	expect 0 "$(on "$lb" conntrack -C)" "entries with an empty pool"
	ctl add web $s1:80
	ctl add web $s2:80 weight 0
	peer "$cl" open b tcp $s1 80 count 3
	peer "$cl" open c tcp $s2 80
	expect "3 1" "$(loads)" "who came directly"
	agrees_for 1500
	peer "$cl" tell b.1 reset
	peer "$cl" drain b.1
	expect "2 1 3" "$(table $s1)" "one has ended"
	# The rule finds them counted.
	pooled tcp 80 web
	expect "2 1" "$(loads)" "with a rule"
	ipt -t nat -F
	busywait 10000 ctl pool del web 2>/dev/null || fail "still in use"
	# And whatever the pool wanted is let go of.
	on "$lb" conntrack -F 2>/dev/null
	busywait 10000 tracks_nothing || fail "connections are still tracked"
}

tracks_nothing() {
	peer "$cl" open t tcp $s1 80
	peer "$cl" reset t
	is 0 on "$lb" conntrack -C || {
		on "$lb" conntrack -F 2>/dev/null
		return 1
	}
}

# Those who were there before the pool was.
test_a_backend_that_appears_has_its_connections() {
	setup 2
	serve tcp 80
	keep_tracking ipt
	peer "$cl" open a tcp $s1 80 count 5
	expect 5 "$(live $s1)" "connections"
	ctl pool add web
	ctl add web $s1:80
	expect "5 0 5" "$(table $s1)" "at once"
	ctl add web $s2:80
	pooled tcp 80 web
	open b count 5
	expect "5 5" "$(live $s1 $s2)" "all new ones to the other"
	agree 1000
}

# ---- whose pools they are ----

test_a_pool_is_its_namespace_s() { # short
	local before

	setup 2
	serve tcp 80
	ctl pool add web
	ctl add web $s1:80
	expect "No pools, and no rules with --to" \
		"$(on "$cl" leastconnctl list)" "list of the client"
	says_no 1 'pool del web: no pool "web": see leastconnctl list' on "$cl" leastconnctl pool del web
	says_no 1 "drain $s1: no such backend" on "$cl" leastconnctl drain $s1
	on "$cl" leastconnctl pool add web
	on "$cl" leastconnctl add web $s1:80 weight 5 state down
	on "$cl" leastconnctl kill $s1 >"$tmp/answer"
	expect "pool add web
add web $s1:80" "$(ctl save)" "the balancer's"
	expect "" "$(leastconnctl save)" "the host's"
	pooled tcp 80 web
	on "$cl" iptables -w -A INPUT -m conntrack --ctstate ESTABLISHED
	open a
	expect "1 0 1" "$(table $s1)" "a connection"
	# The client has the same backend in its pool; the entry to it is the balancer's.
	[ "$(on "$cl" conntrack -C)" -gt 0 ] || fail "the client has no entry"
	before=$(on "$lb" conntrack -L -d $vip -o id 2>/dev/null | grep -o 'id=.*')
	on "$cl" leastconnctl kill $s1 >"$tmp/answer"
	expect "$before" "$(on "$lb" conntrack -L -d $vip -o id 2>/dev/null | grep -o 'id=.*')" \
		"the entry after a kill in another namespace"
	on "$cl" leastconnctl pool del web
	on "$cl" leastconnctl ready $s1
	expect hello "$(peer "$cl" say a hello)" "echo"
}

as_nobody=(setpriv --reuid=nobody --regid=nogroup --clear-groups)

# Each command, also those that only look.
test_without_a_capability_nobody_controls() { # short
	local no="this needs root (CAP_NET_ADMIN over the network namespace)"
	local command before

	need setpriv
	host_add "$lb"
	ctl pool add web
	ctl add web $s1:80 state drain
	before=$(ctl list --json)
	for command in "pool add dns" "pool del web" "add web $s2:80" \
		"set web $s1:80 weight 2" "del web $s1:80" \
		"del web $s1:80 --kill" "drain $s1" "down $s1" "ready $s1" \
		"kill $s1"; do
		# shellcheck disable=SC2086 # words on purpose
		says_no 1 "$command: $no" \
			on "$lb" "${as_nobody[@]}" leastconnctl $command
	done
	for command in list "list --json" save metrics "wait $s1"; do
		# shellcheck disable=SC2086
		says_no 1 "$no" \
			on "$lb" "${as_nobody[@]}" leastconnctl $command
	done
	says_no 1 "pool web: $no" \
		on "$lb" "${as_nobody[@]}" leastconnctl list web
	says_no 1 "stdin: $no" no_restore
	expect "$before" "$(ctl list --json)" "list"
	# Nor with all but that one.
	says_no 1 "$no" on "$lb" setpriv --bounding-set -net_admin \
		--inh-caps -net_admin leastconnctl list
}

no_restore() {
	on "$lb" "${as_nobody[@]}" leastconnctl restore <<<"pool add dns"
}

# Kernels before 6.6, and what carries it back, can close a group to nobody.
test_without_a_capability_nobody_hears_events() {
	local major minor

	IFS=. read -r major minor _ < <(uname -r)
	[ $((major * 100 + minor)) -ge 606 ] ||
		skip "this kernel cannot close a multicast group"
	need setpriv
	host_add "$lb"
	ctl list >"$tmp/answer"
	says_no 1 "this needs root (CAP_NET_ADMIN over the network namespace)" \
		on "$lb" "${as_nobody[@]}" timeout 10 leastconnctl monitor
}

# What an ordinary user runs, root in a user namespace of its own.
user_script() {
	cat <<-SCRIPT
	set -e
	ip link set lo up
	ip addr add 10.9.0.1/32 dev lo
	ip addr add 10.9.0.2/32 dev lo
	leastconnctl pool add web
	leastconnctl add web 10.9.0.1:80
	leastconnctl add web 10.9.0.2:80 weight 3
	export XTABLES_LOCKFILE=$1/lock
	$iptables -w -t nat -A OUTPUT -d $vip -p tcp --dport 80 \
		-j LEASTCONN --pool web
	ip route add $vip/32 dev lo src 10.9.0.1
	$peer serve $1/sock $1/log
	$peer ask $1/sock listen tcp 0.0.0.0 80
	$peer ask $1/sock open c tcp $vip 80 count 8
	leastconnctl drain 10.9.0.2
	leastconnctl list
	leastconnctl kill 10.9.0.2
	# The balancer's, which root here may not enter: its name shows nothing.
	! leastconnctl list balancer
	! nsenter --net=/run/netns/$lb leastconnctl list
	# Cut connections would keep the namespace until they time out.
	$peer ask $1/sock reset 'c.*' and hangup reset
	SCRIPT
}

test_a_user_controls_its_own_namespace() {
	local home=$tmp/user

	need setpriv unshare
	[ "$(sysctl -n kernel.unprivileged_userns_clone 2>/dev/null)" != 0 ] ||
		skip "user namespaces are for root alone here"
	"${as_nobody[@]}" unshare -Ur true 2>/dev/null ||
		skip "nobody can make a user namespace here"
	setup 2
	ctl pool add balancer
	ctl add balancer 10.9.0.1:80
	modprobe -a iptable_nat nft_compat nft_chain_nat xt_tcpudp \
		nf_conntrack_netlink || true
	mkdir -p "$home"
	chmod 711 "$tmp"
	chown nobody "$home"
	user_script "$home" >"$home/script"
	timeout 60 "${as_nobody[@]}" unshare -Ur \
		unshare -n --kill-child --pid --fork bash "$home/script" \
		>"$home/said" 2>&1 || fail "status $?: $(cat "$home/said")"
	cat "$home/said"
	expect "10.9.0.1:80 ready 1 2
10.9.0.2:80 drain 3 6
6 conntrack entries deleted" "$(awk '/^  10/ { print $1, $2, $3, $4 }
		/entr/' "$home/said")" "the user's backends"
	expect "pool add balancer
add balancer 10.9.0.1:80" "$(ctl save)" "the balancer's"
	rm -rf "$home"
}

# Whoever may do anything in a user namespace may do nothing outside of it.
test_a_user_s_root_is_nobody_elsewhere() {
	need setpriv unshare
	"${as_nobody[@]}" unshare -Ur true 2>/dev/null ||
		skip "nobody can make a user namespace here"
	host_add "$lb"
	ctl pool add web
	says_no 1 "this needs root (CAP_NET_ADMIN over the network namespace)" \
		on "$lb" "${as_nobody[@]}" unshare -Ur leastconnctl list
	says_no 1 "pool del web: this needs root (CAP_NET_ADMIN over the network namespace)" \
		on "$lb" "${as_nobody[@]}" unshare -Ur leastconnctl pool del web
	expect "pool add web" "$(ctl save)" "pools"
}

# ---- the end ----

test_a_pool_holds_the_module() { # short
	host_add "$lb"
	host_add "$cl"
	ctl pool add web
	on "$cl" leastconnctl pool add web
	! unloaded || fail "unloaded under two pools"
	! rmmod $module 2>/dev/null || fail "removed under two pools"
	ctl pool del web
	! rmmod $module 2>/dev/null || fail "removed under a pool"
	on "$cl" leastconnctl pool del web
	unload
	expect "No pools, and no rules with --to" "$(ctl list)" "list, loaded anew"
	# A refused pool holds nothing, nor does a state.
	ctl pool add web
	! ctl pool add web 2>/dev/null || fail "two of a name"
	! printf '%s\n' "pool add dns" "pool del none" |
		ctl restore 2>/dev/null || fail "not refused"
	ctl pool del web
	echo "drain $s1" | ctl restore
	expect drain "$(state $s1 0 any)" "state"
	unload
	expect "" "$(ctl save)" "what is left after unloading"
}

# Live connections of all kinds, pools with rules and without, states.
namespace_in_use() { # FRONT-END
	use "$1"
	setup
	serve tcp 80
	serve udp 53
	ctl pool add web
	ctl add web $s1:80
	ctl add web $s2:80 max-conns 500 backup
	ctl pool add dns
	ctl add dns $s1:53 proto udp
	ctl add dns $s2:53 state drain
	ctl pool add idle
	ctl add idle '[fd00:1::1]:80' weight 3
	echo "down 10.0.1.77" | ctl restore
	pooled tcp 80 web
	pooled tcp 81 web
	pooled udp 53 dns
	balance tcp 82 $s3:80
	peer "$cl" open t tcp $vip 80 count 20
	peer "$cl" open r tcp $vip 82 count 5
	peer "$cl" open u udp $vip 53 count 20
	peer "$cl" tell 'u.*' hello
	expect_loads 2000 "20 0 20 0 0 0 5" "loads"
}

everything_is_gone() {
	ip netns del "$lb"
	unload
	! grep -q leastconn /proc/slabinfo || fail "its slab cache is still there"
	busywait 10000 no_entries || fail "conntrack keeps $entries entries"
}

no_entries() {
	local slab=/sys/kernel/slab/nf_conntrack

	entries=0
	[ -e $slab/shrink ] || return 0
	echo 1 >$slab/shrink
	read -r entries _ <$slab/objects
	[ "$entries" = 0 ]
}

test_a_deleted_namespace_frees_its_pools_with_iptables_legacy() { # short
	namespace_in_use iptables-legacy
	everything_is_gone
}

test_a_deleted_namespace_frees_its_pools_with_iptables_nft() { # short
	namespace_in_use iptables-nft
	everything_is_gone
}

test_a_deleted_namespace_frees_pools_without_rules() {
	namespace_in_use "$iptables"
	ipt -t nat -F
	everything_is_gone
}

# A reader lets go of the lock in between: it goes on after the backend where it was,
# gone or not.
churn() {
	while [ ! -e "$tmp/enough" ]; do
		ctl restore "$tmp/gone"
		ctl restore "$tmp/back"
	done
}

test_the_table_is_read_while_backends_go() { # short
	local reads=0 end seeker

	setup 1
	ctl pool add stay
	ctl pool add go
	printf 'add stay 10.2.0.1:%s\n' {1..300} | ctl restore
	printf 'add go 10.3.0.1:%s\n' {1..300} >"$tmp/back"
	printf 'del go 10.3.0.1:%s\n' {1..300} >"$tmp/gone"
	ctl restore "$tmp/back"
	rm -f "$tmp/enough"
	# Reads all of it, a thousand times a second.
	on "$lb" "$here/../hostile/deaf" seek 1 &
	seeker=$!
	churn &
	end=$((SECONDS + 4))
	while [ $SECONDS -lt $end ]; do
		on "$lb" cat /proc/net/leastconn >"$tmp/read"
		expect "1 300" "$(awk '/^Family/ { h++ } $3 == "10.2.0.1" { n++ }
			END { print h + 0, n + 0 }' "$tmp/read")" "headers and backends that stay"
		[ -z "$(sort "$tmp/read" | uniq -d)" ] || fail "a line is there twice"
		reads=$((reads + 1))
	done
	: >"$tmp/enough"
	wait $!
	kill $seeker
	say "read $reads times"
}

run_tests "$@"
