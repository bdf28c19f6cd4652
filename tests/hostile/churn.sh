#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Everything comes and goes at once, under load: namespaces with rules and
# connections, rule sets, entries, the hash's size, processors, and attempts to
# unload the module. Then counts are right, and nothing is left.
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
	local tools=(iptables-nft-restore iptables-legacy-restore)

	ip netns add "$1"
	ip -n "$1" -batch "$tmp/devices"
	on "$1" "${tools[RANDOM % ${#front_ends[@]}]}" -w <"$tmp/tenant-rules"
	peer "$1" listen tcp 0.0.0.0 80 and listen udp 0.0.0.0 53 \
		and open t tcp $vip 80 count 3 and open u udp $vip 53 count 3 \
		and tell 'u.*' hello
	busywait 10000 tenant_is_balanced "$1" ||
		fail "$1: $(on "$1" cat /proc/net/leastconn)"
}

# Who holds it goes before, or after.
death() { # NAME
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

switch_processor() {
	local online=/sys/devices/system/cpu/cpu1/online

	echo $((1 - $(cat $online))) >$online
}

start_all() {
	rules_to 10.0.1.1-10.0.1.3 >"$tmp/rules-0"
	rules_to 10.0.1.2-10.0.1.4 >"$tmp/rules-1"
	other_rules
	meanwhile 1000 other_rules
	meanwhile 500 try_to_unload
	meanwhile 5000 flush_entries
	meanwhile 2000 delete_entries
	meanwhile 2000 resize_hash
	meanwhile 5000 switch_processor
	meanwhile 1000 read_table
	meanwhile 1000 clients c 20 20
	meanwhile 3000 load 2
}

two_landlords() {
	local first

	tenant_rules >"$tmp/tenant-rules"
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
	[ -w /sys/devices/system/cpu/cpu1/online ] ||
		skip "no processor can be switched off"
	say "$namespaces namespaces"
	setup 4
	serve_all
	before=$(objects net_namespace)
	start_all
	two_landlords
	enough
	echo 1 >/sys/devices/system/cpu/cpu1/online
	agree 1000
	busywait 30000 objects_at_most net_namespace "$before" ||
		fail "$(objects net_namespace) namespaces, $before before"
	nothing_is_left
}

run_tests "$@"
