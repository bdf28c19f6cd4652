#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What comes goes: the module, its hooks, the namespaces it works in.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

front_ends="iptables-legacy iptables-nft"

# ---- others' word on us ----

# The whole of it.
unloads() {
	unload
	! grep -q leastconn /proc/slabinfo || fail "its slab cache is still there"
	[ ! -e /proc/net/leastconn ] || fail "/proc/net/leastconn is still there"
}

# Our hooks of a family, by nft; or, where the kernel does not list hooks, the calls
# from netfilter into our module while a ping is forwarded, by ftrace: the request's and
# the answer's. Either is 2 with a rule. The hook jumps to handle_new(), which is seen as
# called from there, too.
our_hooks() { # HOST ip|ip6
	local address=10.0.1.1 tracing=/sys/kernel/tracing

	if nft list hooks >/dev/null 2>&1; then
		on "$1" nft list hooks "$2" | grep -cF "[$module]" || true
		return
	fi
	[ "$2" = ip ] || address=fd00:1::1
	[ "$1" = "$lb" ] || address=127.0.0.1
	echo ":mod:$module" >$tracing/set_ftrace_filter
	echo function >$tracing/current_tracer
	on "$cl" ping -q -c 1 -W 5 $address >/dev/null
	awk '/<-nf_hook_slow/ && !/ handle_new </ { n++ } END { print n + 0 }' \
		$tracing/trace
	echo nop >$tracing/current_tracer
	echo >$tracing/set_ftrace_filter
}

hooks_are_seen() {
	nft list hooks >/dev/null 2>&1 ||
		grep -qw function /sys/kernel/tracing/available_tracers 2>/dev/null ||
		skip "this kernel neither lists hooks nor traces functions"
}

hooks4() {
	our_hooks "$lb" ip
}

hooks6() {
	our_hooks "$lb" ip6
}

# rule add|delete FRONT-END: the same one
rule() {
	local action=$1 to=10.0.1.1:80,10.0.1.2:80 dst=$vip

	[ "$1" = add ] && action=-A || action=-D
	case $2 in
	ip6*) dst=$vip6 to="[fd00:1::1]:80,[fd00:1::2]:80" ;;
	esac
	on "$lb" "$2" -w -t nat "$action" PREROUTING -d "$dst" -p tcp \
		--dport 80 -j LEASTCONN --to "$to"
}

# ---- the module ----

stays_while_a_rule_stands() { # FRONT-END
	setup 2
	rule add "$1"
	loaded || fail "the rule did not load the module"
	! unloaded || fail "unloaded under a rule"
	! rmmod xt_LEASTCONN 2>/dev/null || fail "removed under a rule"
	rule delete "$1"
	unloads
}

test_a_rule_of_iptables_legacy_holds_the_module() {
	stays_while_a_rule_stands iptables-legacy
}

test_a_rule_of_iptables_nft_holds_the_module() {
	stays_while_a_rule_stands iptables-nft
}

test_a_rule_of_ip6tables_legacy_holds_the_module() {
	stays_while_a_rule_stands ip6tables-legacy
}

test_a_rule_of_ip6tables_nft_holds_the_module() {
	stays_while_a_rule_stands ip6tables-nft
}

test_connections_go_on_without_the_module() {
	setup 2
	serve tcp 80
	rule add "$iptables"
	peer "$cl" open a tcp $vip 80
	peer "$cl" open b tcp $vip 80
	# conntrack's hooks and nat's stay while another rule wants them
	ipt -t nat -A POSTROUTING -s 192.0.2.1 -j MASQUERADE
	rule delete "$iptables"
	unloads
	expect hello "$(peer "$cl" say a hello)" "the echo"
	expect hello "$(peer "$cl" say b hello)" "the echo"
}

test_reference_counts_return() { # short
	local before=() front i

	setup 2
	modprobe xt_LEASTCONN
	# Tables that stay, and conntrack by a rule of others.
	for front in $front_ends; do
		on "$lb" "$front" -w -t nat -A PREROUTING -s 192.0.2.1 -j ACCEPT
		on "$lb" "ip6${front#ip}" -w -t nat -A PREROUTING -s 2001:db8::1 -j ACCEPT
	done
	before=("$(uses xt_LEASTCONN)" "$(uses nf_conntrack)" "$(uses nf_nat)")
	expect 0 "${before[0]}" "uses of the module without a rule"
	for i in 1 2 3; do
		for front in $front_ends "ip6tables-legacy" "ip6tables-nft"; do
			rule add "$front"
		done
		[ "$(uses xt_LEASTCONN)" -ge 4 ] || fail "four rules do not hold the module"
		for front in $front_ends "ip6tables-legacy" "ip6tables-nft"; do
			rule delete "$front"
		done
	done
	busywait 10000 is "${before[0]}" uses xt_LEASTCONN ||
		fail "the module is in use $(uses xt_LEASTCONN) times"
	expect "${before[1]} ${before[2]}" "$(uses nf_conntrack) $(uses nf_nat)" \
		"uses of nf_conntrack, nf_nat"
}

# Without rules nobody wants connection tracking in the namespace.
test_conntrack_is_let_go_of() {
	local front

	setup 2
	serve tcp 80
	for front in iptables-nft ip6tables-nft; do
		rule add "$front"
	done
	peer "$cl" open a tcp 10.0.1.1 80
	expect 1 "$(on "$lb" conntrack -C)" "entries with the rule"
	on "$lb" nft flush ruleset
	on "$lb" conntrack -F
	busywait 10000 tracks_nothing || fail "connections are still tracked"
}

tracks_nothing() {
	peer "$cl" open b tcp 10.0.1.1 80
	peer "$cl" reset b
	is 0 on "$lb" conntrack -C || {
		on "$lb" conntrack -F
		return 1
	}
}

# ---- hooks ----

test_hooks_are_there_while_a_rule_is() { # short
	hooks_are_seen
	setup 2
	modprobe xt_LEASTCONN
	expect "0 0" "$(hooks4) $(hooks6)" "hooks without a rule"
	rule add iptables-nft
	expect "2 0" "$(hooks4) $(hooks6)" "hooks with an IPv4 rule"
	rule add iptables-nft
	expect "2" "$(hooks4)" "hooks with two IPv4 rules"
	rule delete iptables-nft
	expect "2" "$(hooks4)" "hooks with one IPv4 rule left"
	rule add ip6tables-nft
	# IPv6 neighbours may ask each other meanwhile: their packets are calls, too.
	[ "$(hooks6)" -ge 2 ] || fail "no hooks with an IPv6 rule"
	rule delete ip6tables-nft
	rule delete iptables-nft
	busywait 10000 is 0 hooks4 || fail "hooks after the last rule"
	expect 0 "$(hooks6)" "hooks after the last rule"
}

# Neither ours nor conntrack's.
test_a_refused_rule_leaves_no_hooks() { # short
	local front

	nft list hooks >/dev/null 2>&1 || skip "this kernel lists no hooks"
	setup 2
	modprobe xt_LEASTCONN
	for front in iptables-nft ip6tables-nft; do
		# Chains that stay.
		on "$lb" $front -t nat -A PREROUTING -s "$([ $front = iptables-nft ] &&
			echo 192.0.2.1 || echo 2001:db8::1)" -j ACCEPT
	done
	on "$lb" nft list hooks >"$tmp/before"
	for front in iptables-nft ip6tables-nft; do
		! on "$lb" $front -t nat -A PREROUTING -p tcp --dport 80 \
			-j LEASTCONN --pool missing 2>/dev/null ||
			fail "a rule with a pool that is missing"
	done
	on "$lb" nft list hooks >"$tmp/after"
	diff "$tmp/before" "$tmp/after" || fail "hooks are left"
}

test_no_other_namespace_has_hooks() {
	hooks_are_seen
	setup 2
	rule add iptables-nft
	expect 2 "$(hooks4)" "hooks on the balancer"
	expect 0 "$(our_hooks "$cl" ip)" "hooks on the client"
	expect 0 "$(our_hooks "$sv" ip)" "hooks on the servers"
}

# ---- namespaces ----

# Live connections of the kinds that end in different ways.
namespace_under_load() { # FRONT-END
	setup 2
	serve tcp 80
	serve udp 53
	iptables=$1
	balance tcp 80 10.0.1.1:80,10.0.1.2:80
	balance udp 53 10.0.1.1:53,10.0.1.2:53
	peer "$cl" open t tcp $vip 80 count 40
	peer "$cl" open u udp $vip 53 count 40
	peer "$cl" tell 'u.*' hello
	expect_loads 2000 "20 20 20 20" "loads"
	flood
}

# Packets in the hooks, from now on and all the time.
flood() {
	need ping
	on "$cl" ping -q -f 10.0.1.1 >/dev/null &
	busywait 10000 floods || fail "no flood"
}

floods() {
	on "$cl" awk '/eth0:/ { received = $3 } END { exit received < 600 }' \
		/proc/net/dev
}

# Only the end of the namespace lets go of the rules, and conntrack's part of
# that end does not return before the last entry is gone.
deleted_namespace_is_gone() { # FRONT-END
	namespace_under_load "$1"
	ip netns del "$lb"
	unloads
	busywait 10000 no_entries || fail "conntrack keeps $entries entries"
}

# All namespaces', once the processors' reserves are given back.
no_entries() {
	local slab=/sys/kernel/slab/nf_conntrack

	entries=0
	[ -e $slab/shrink ] || return 0
	echo 1 >$slab/shrink
	read -r entries _ <$slab/objects
	[ "$entries" = 0 ]
}

test_a_deleted_namespace_of_iptables_legacy_is_gone() { # short
	deleted_namespace_is_gone iptables-legacy
}

test_a_deleted_namespace_of_iptables_nft_is_gone() { # short
	deleted_namespace_is_gone iptables-nft
}

# The order that frees our part of the namespace after the rules.
test_a_namespace_deleted_after_its_rules_is_gone() {
	namespace_under_load "$iptables"
	ipt -t nat -F
	ip netns del "$lb"
	unloads
}

# ---- load and unload under traffic ----

test_five_loads_under_traffic() {
	local i

	setup 2
	serve tcp 80
	flood
	for i in 1 2 3 4 5; do
		rule add "$iptables"
		peer "$cl" open "c$i" tcp $vip 80 count 20
		agree 1000
		peer "$cl" tell "c$i.*" hello
		rule delete "$iptables"
		unloads
		peer "$cl" reset "c$i.*"
	done
}

# Counts are back when the module is.
test_a_loaded_module_adopts() {
	setup 2
	serve tcp 80
	rule add "$iptables"
	ipt -t nat -A POSTROUTING -s 192.0.2.1 -j MASQUERADE
	peer "$cl" open c tcp $vip 80 count 6
	rule delete "$iptables"
	unloads
	rule add "$iptables"
	expect "3 3" "$(loads)" "loads with the first rule"
	agree 1000
}

# ---- an ordinary user's own namespace ----

# What that user runs, root in a user namespace of its own: both backends are
# on its loopback. Prints its table.
user_script() {
	cat <<-SCRIPT
	set -e
	export XTABLES_LOCKFILE=$1/lock
	ip link set lo up
	ip addr add 10.9.0.1/32 dev lo
	ip addr add 10.9.0.2/32 dev lo
	$2 -w -t nat -A OUTPUT -d $vip -p tcp --dport 80 \
		-j LEASTCONN --to 10.9.0.1:80,10.9.0.2:80
	ip route add $vip/32 dev lo src 10.9.0.1
	$peer serve $1/sock $1/log
	$peer ask $1/sock listen tcp 0.0.0.0 80
	$peer ask $1/sock open c tcp $vip 80 count 4
	cat /proc/net/leastconn
	conntrack -L -p tcp 2>/dev/null | grep -c dst=$vip
	SCRIPT
}

as_nobody=(setpriv --reuid=nobody --regid=nogroup --clear-groups)

user_balances() { # FRONT-END
	local home=$tmp/$1 table

	need setpriv unshare
	[ "$(sysctl -n kernel.unprivileged_userns_clone 2>/dev/null)" != 0 ] ||
		skip "user namespaces are for root alone here"
	# Not in a chroot, for one.
	"${as_nobody[@]}" unshare -Ur true 2>/dev/null ||
		skip "nobody can make a user namespace here"
	setup 2
	serve tcp 80
	balance tcp 80 10.0.1.1:80,10.0.1.2:80
	peer "$cl" open c tcp $vip 80
	! on "$lb" "${as_nobody[@]}" cat /proc/net/leastconn ||
		fail "an ordinary user reads the balancer's table"
	# Root's module is there; the user's rule need not load any.
	modprobe -a iptable_nat nft_compat nft_chain_nat xt_tcpudp nf_conntrack_netlink
	mkdir -p "$home"
	chmod 711 "$tmp"
	chown nobody "$home"
	user_script "$home" "$1" >"$home/script"
	# In two steps: the files of /proc/net belong to who is root when the
	# namespace is made, and in one step nobody is yet.
	table=$(timeout 60 "${as_nobody[@]}" unshare -Ur \
		unshare -n --kill-child --pid --fork bash "$home/script")
	echo "$table"
	expect "10.9.0.1 2
10.9.0.2 2
4" "$(echo "$table" | awk 'FNR == 1 { next } NF > 1 { print $3, $5; next } 1')" \
		"the user's table, and its entries of conntrack"
	expect "1 0" "$(loads)" "loads of the balancer"
	expect 0 "$(awk 'FNR > 1' /proc/net/leastconn | wc -l)" \
		"backends that the host knows"
	rm -rf "$home"
}

test_a_user_balances_in_its_namespace_by_iptables_legacy() {
	user_balances iptables-legacy
}

test_a_user_balances_in_its_namespace_by_iptables_nft() {
	user_balances iptables-nft
}

run_tests "$@"
