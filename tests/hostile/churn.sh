#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Everything comes and goes at once, under load: namespaces with rules, pools and
# connections, rule sets, backends and states, entries, the hash's size,
# processors, and attempts to unload the module. Then counts are right, and
# nothing is left.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

namespaces=500
[ -z "${LC_SHORT-}" ] || namespaces=60
alive_at_once=15

# ---- tenants: namespaces of one host, clients and servers on its loopback ----

tenant_rules() {
	local to=10.9.0.1,10.9.0.2,10.9.0.3

	cat <<-RULES
	*nat
	-A OUTPUT -d $vip -p tcp --dport 80 -j LEASTCONN --to ${to//,/:80,}:80
	-A OUTPUT -d $vip -p udp --dport 53 -j LEASTCONN --to ${to//,/:53,}:53
	-A OUTPUT -d $vip -p icmp -j LEASTCONN --to $to
	COMMIT
	RULES
}

# The same backends, in pools; and states of some that nobody has.
tenant_pools() {
	local i

	echo "pool add web"
	echo "pool add dns"
	for i in 1 2 3; do
		echo "add web 10.9.0.$i:80"
		echo "add dns 10.9.0.$i:53 proto udp"
	done
	echo "drain 10.9.0.8:80 proto tcp"
	echo "down [fd00:9::8]:80 proto tcp"
	echo "pool add unused"
	echo "add unused 10.9.0.8"
}

tenant_pool_rules() {
	cat <<-RULES
	*nat
	-A OUTPUT -d $vip -p tcp --dport 80 -j LEASTCONN --pool web
	-A OUTPUT -d $vip -p udp --dport 53 -j LEASTCONN --pool dns
	-A OUTPUT -d $vip -p icmp -j LEASTCONN --to 10.9.0.1,10.9.0.2,10.9.0.3
	COMMIT
	RULES
}

tenant_devices() {
	echo "link set lo up"
	echo "addr add 10.9.0.1/32 dev lo"
	echo "addr add 10.9.0.2/32 dev lo"
	echo "addr add 10.9.0.3/32 dev lo"
	echo "route add $vip/32 dev lo src 10.9.0.1"
}

# Three connections of each kind, on three backends.
tenant_is_balanced() { # NAME
	on "$1" awk 'FNR > 1 && $2 != "any" && $5 == 1 { n++ }
		END { exit n != 6 }' /proc/net/leastconn
}

birth() { # NAME
	local tools=(iptables-nft-restore iptables-legacy-restore) rules=rules

	ip netns add "$1"
	ip -n "$1" -batch "$tmp/devices"
	if [ $((RANDOM % 2)) = 0 ]; then
		on "$1" "$leastconnctl" restore "$tmp/tenant-pools"
		rules=pool-rules
	fi
	on "$1" "${tools[RANDOM % ${#front_ends[@]}]}" -w <"$tmp/tenant-$rules"
	peer "$1" listen tcp 0.0.0.0 80 and listen udp 0.0.0.0 53 \
		and open t tcp $vip 80 count 3 and open u udp $vip 53 count 3 \
		and tell 'u.*' hello
	busywait 10000 tenant_is_balanced "$1" ||
		fail "$1: $(on "$1" cat /proc/net/leastconn)"
}

# Who holds it goes before, or after; some change until then.
death() { # NAME
	[ $((RANDOM % 3)) != 0 ] ||
		on "$1" "$leastconnctl" down 10.9.0.1
	case $((RANDOM % 3)) in
	0) peer "$1" quit ;;
	1) peer "$1" reset '*' ;;
	esac
	ip netns del "$1"
	[ ! -S "$tmp/$1.sock" ] || peer "$1" quit 2>/dev/null || true
	rm -f "$tmp/$1.sock" "$tmp/$1.log"
}

# So many in random order, a few of them alive at once.
tenants() { # PREFIX NUMBER
	local alive=() at born=0 name

	while [ $born -lt "$2" ] || [ ${#alive[@]} -gt 0 ]; do
		if [ $born -lt "$2" ] &&
			[ $((RANDOM % alive_at_once)) -ge ${#alive[@]} ]; then
			name=$1$((born++))-$id
			birth "$name"
			alive+=("$name")
		else
			at=$((RANDOM % ${#alive[@]}))
			death "${alive[at]}"
			unset "alive[at]"
			alive=("${alive[@]}")
		fi
	done
}

# ---- what goes on meanwhile ----

turn=0

other_rules() {
	turn=$((1 - turn))
	replace_rules "$tmp/rules-$turn"
}

# Backends of the pool that rules use, any of them, all in a message or none of
# them: some are there already, or are not.
change_pool() {
	local i words=("add churn" "del churn" "set churn" drain down ready kill)

	for i in 1 2 3 4; do
		echo "${words[RANDOM % 7]} 10.0.1.$((RANDOM % 4 + 1)):80"
	done | ctl restore 2>/dev/null || true
}

add_and_delete_pools() {
	ctl pool add one 2>/dev/null || ctl pool del one
	ctl list >/dev/null
}

pool_clients() {
	{
		peer "$cl" open p tcp $vip 82 count 10 nowait
		peer "$cl" reset 'p*'
	} 2>/dev/null || true
}

# A rule always stands.
try_to_unload() {
	! unloaded || fail "unloaded under a rule"
}

flush_entries() {
	on "$lb" conntrack -F 2>/dev/null
}

delete_entries() {
	on "$lb" conntrack -D -p tcp --reply-src "10.0.1.$((RANDOM % 4 + 1))" \
		>/dev/null 2>&1 || true
}

resize_hash() {
	sysctl -qw net.netfilter.nf_conntrack_buckets=$((4096 << RANDOM % 4))
}

online=/sys/devices/system/cpu/cpu1/online

switch_processor() {
	echo $((1 - $(cat $online))) >$online
}

with_pool() {
	sed "s/^COMMIT/-A PREROUTING -d $vip -p tcp --dport 82 -j LEASTCONN --pool churn\n&/"
}

# As often for each namespace, however slow the machine is.
beside() { # MS COMMAND...
	meanwhile $(($1 * slow)) "${@:2}"
}

start_all() {
	rules_to 10.0.1.1-10.0.1.3 | with_pool >"$tmp/rules-0"
	rules_to 10.0.1.2-10.0.1.4 | with_pool >"$tmp/rules-1"
	ctl pool add churn
	other_rules
	beside 300 change_pool
	beside 1000 add_and_delete_pools
	beside 1000 pool_clients
	beside 1000 other_rules
	beside 500 try_to_unload
	beside 5000 flush_entries
	beside 2000 delete_entries
	beside 2000 resize_hash
	[ ! -e $online ] || beside 5000 switch_processor
	beside 1000 read_table
	beside 1000 clients c 20 20
	beside 3000 load 2
}

two_landlords() {
	local first

	tenant_rules >"$tmp/tenant-rules"
	tenant_pools >"$tmp/tenant-pools"
	tenant_pool_rules >"$tmp/tenant-pool-rules"
	tenant_devices >"$tmp/devices"
	(tenants a $((namespaces / 2))) &
	first=$!
	(tenants b $((namespaces / 2))) &
	wait $! || fail "a tenant of the second failed"
	wait $first || fail "a tenant of the first failed"
}

test_everything_at_once() { # short
	local before front_ends=(nft)

	need conntrack
	! modprobe -n -q iptable_nat || front_ends+=(legacy)
	[ -e $online ] || say "one processor, which stays on"
	say "$namespaces namespaces"
	setup 4
	serve_all
	one_goes
	busywait 3000 objects_at_most net_namespace 3 || true
	before=$(objects net_namespace)
	start_all
	two_landlords
	enough
	[ ! -e $online ] || echo 1 >$online
	agree 1000
	one_goes
	busywait 30000 objects_at_most net_namespace "$before" ||
		fail "$(objects net_namespace) namespaces, $before before"
	nothing_is_left
}

run_tests "$@"
