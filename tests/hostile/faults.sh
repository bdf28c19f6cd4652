#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Memory runs out inside the module: whatever it asks for is refused, in turn
# or all of it. Packets are translated all the same, nothing is lost or leaked,
# and a second after the end counts are right. For a kernel with failslab.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

failslab=/sys/kernel/debug/failslab
failnth=$(dirname "$(readlink -f "$0")")/failnth.so
to12=10.0.1.1:80,10.0.1.2:80
to34=10.0.1.3:80,10.0.1.4:80

# ---- failing ----

# Only what is called from between these addresses fails.
only_from() { # START END
	echo "$1" >$failslab/require-start
	echo "$2" >$failslab/require-end
}

only_from_the_module() {
	local size start

	modprobe $module
	read -r start </sys/module/$module/sections/.text
	size=$(readelf -SW "$(modinfo -n $module)" |
		sed -n 's/.* \.text *PROGBITS *\w* *\w* *\(\w*\).*/\1/p')
	only_from "$start" "$(printf %#x $((start + 0x$size)))"
}

range_of() { # FUNCTION: "START END"
	awk -v f="$1" '$3 == f { start = $1; next }
		start { print "0x" start, "0x" $1; exit }' /proc/kallsyms
}

# Module code runs below do_one_initcall() when it is loaded. A slab cache whose
# folder in sysfs cannot be made is the kernel's own leak (6.12).
only_from_initcalls() {
	local start end

	read -r start end < <(range_of sysfs_slab_add)
	echo "$start" >$failslab/reject-start
	echo "$end" >$failslab/reject-end
	read -r start end < <(range_of do_one_initcall)
	only_from "$start" "$end"
}

plenty=1000000

# Every INTERVALth allocation fails, in every context.
faults_on() { # INTERVAL
	echo "$1" >$failslab/interval
	echo $plenty >$failslab/times
	echo 100 >$failslab/probability
}

# And says how many did.
faults_off() {
	echo 0 >$failslab/probability
	echo $((plenty - $(cat $failslab/times)))
}

# Never called in a condition: see lib.sh.
prepare() {
	[ -e $failslab ] || skip "no failslab in this kernel"
	echo 0 >$failslab/probability
	echo N >$failslab/ignore-gfp-wait
	echo 0 >$failslab/reject-start
	echo 0 >$failslab/reject-end
	echo 0 >$failslab/verbose
	only_from_the_module
}

# walk CHECK COMMAND...: with its first allocation failing, its second, and so
# on until it needs no more. After each CHECK is called with its exit status.
#
# User-Mode Linux takes what calls have left on the stack for calls, so that some turns count
# an allocation that the module has not asked for, and one of the module is passed over.
walk() {
	local met=0

	for _ in 1 2 3; do
		walk_once "$@"
		[ $met = 0 ] || return 0
	done
	fail "no failure was met, three times"
}

# Adds to the caller's met how many failures were met.
walk_once() {
	local n status

	for ((n = 1; ; n++)); do
		rm -f "$tmp/nth"
		status=0
		FAIL_NTH=$n FAIL_NTH_OUT=$tmp/nth LD_PRELOAD=$failnth \
			"${@:2}" >"$tmp/answer" 2>&1 || status=$?
		[ -s "$tmp/nth" ] || fail "nothing was armed: $(cat "$tmp/answer")"
		grep -q failed "$tmp/nth" || break
		[ $n -lt 1000 ] || fail "it needs more than 1000 allocations"
		met=$((met + (status != 0)))
		"$1" $status
	done
	expect 0 $status "status when nothing failed: $(cat "$tmp/answer")"
	say "$((n - 1)) allocations, without $met of them it fails"
}

# walk_on HOST CHECK COMMAND...
walk_on() {
	walk "$2" nsenter --net="/run/netns/$1" "${@:3}"
}

saved_rules() {
	{
		on "$lb" "$iptables-save" -t nat
		on "$lb" "$ip6tables-save" -t nat
	} | grep '^-A'
}

# ---- rules ----

rule_was_refused() { # STATUS
	if [ "$1" = 0 ]; then
		expect_loads 1000 "$adopted" "loads"
		"$front" -t nat -F PREROUTING
	else
		expect "" "$(saved_rules)" "rules"
	fi
	busywait 2000 loads_are "" || fail "backends are left: $(loads)"
}

# Connections of its backends are there already: adoption needs memory too.
a_rule() { # FRONT-END
	local front=ipt dst=$vip to=$to12 adopted="3 0"

	case $1 in
	ip6*)
		front=ip6t dst=$vip6 to="[fd00:1::1]:80,[fd00:1::2]:80"
		adopted="0 3"
		;;
	esac
	iptables=${1/ip6/ip}
	ip6tables=${iptables/ip/ip6}
	prepare
	setup
	serve tcp 80
	keep_tracking "$front"
	peer "$cl" open a tcp 10.0.1.1 80 count 3
	peer "$cl" open b tcp fd00:1::2 80 count 3
	# tables and chains are there
	"$front" -t nat -A PREROUTING -s 192.0.2.1 -j ACCEPT 2>/dev/null ||
		"$front" -t nat -A PREROUTING -s 2001:db8::1 -j ACCEPT
	"$front" -t nat -F PREROUTING
	walk_on "$lb" rule_was_refused "$1" -w -t nat -A PREROUTING -d "$dst" \
		-p tcp --dport 80 -j LEASTCONN --to "$to"
	expect_loads 1000 "$adopted" "loads"
	agree 1000
	"$front" -t nat -F
	unload
}

test_a_rule_of_iptables_nft() { # short
	a_rule iptables-nft
}

test_a_rule_of_iptables_legacy() { # short
	a_rule iptables-legacy
}

test_a_rule_of_ip6tables_nft() {
	a_rule ip6tables-nft
}

test_a_rule_of_ip6tables_legacy() {
	a_rule ip6tables-legacy
}

rule_set() { # BACKENDS
	cat <<-RULES
	*nat
	-A PREROUTING -d $vip/32 -p tcp -m tcp --dport 80 -j LEASTCONN --to $1
	-A PREROUTING -d $vip/32 -p udp -m udp --dport 53 -j LEASTCONN --to 10.0.1.1-10.0.1.4:53
	-A PREROUTING -d $vip/32 -j LEASTCONN --to 10.0.1.1-10.0.1.4
	COMMIT
	RULES
}

replacement_was_refused() { # STATUS
	if [ "$1" = 0 ]; then
		replace_rules "$tmp/old"
	else
		expect "$before" "$(saved_rules)" "rules"
	fi
	agree 1000
}

a_replacement() { # FRONT-END
	local before

	iptables=$1
	prepare
	setup
	serve tcp 80
	rule_set $to12 >"$tmp/old"
	rule_set $to34 >"$tmp/new"
	replace_rules "$tmp/old"
	peer "$cl" open a tcp $vip 80 count 8
	before=$(saved_rules)
	walk_on "$lb" replacement_was_refused "$iptables-restore" "$tmp/new"
	agree 1000
	peer "$cl" tell 'a.*' hello
	peer "$cl" open b tcp $vip 80 count 4
	has_served 2 10.0.1.3
	has_served 2 10.0.1.4
	agree 1000
}

test_a_replacement_by_iptables_nft() {
	a_replacement iptables-nft
}

test_a_replacement_by_iptables_legacy() { # short
	a_replacement iptables-legacy
}

# Whatever is refused, one of the two rule sets stands.
test_replacements_while_every_nth_allocation_fails() {
	local i n refused=0 took=0

	prepare
	setup
	serve tcp 80
	rule_set $to12 >"$tmp/0"
	rule_set $to34 >"$tmp/1"
	replace_rules "$tmp/0"
	for n in 2 3 5 7 11 17 29; do
		peer "$cl" open "c$n" tcp $vip 80 count 4
		faults_on $n
		for i in 0 1 0 1; do
			if replace_rules "$tmp/$i" 2>/dev/null; then
				took=$((took + 1))
			else
				refused=$((refused + 1))
			fi
		done
		faults_off >/dev/null
		agree 1000
		expect 3 "$(saved_rules | wc -l)" "rules"
	done
	say "$took replacements, $refused refused"
	[ $took -gt 0 ] || fail "none was taken"
	[ $refused -gt 0 ] || fail "none was refused"
}

# ---- pools and states ----

# Two pools, a backend without a pool, connections to be adopted or killed.
pooled_hosts() {
	setup
	serve tcp 80
	keep_tracking ipt
	peer "$cl" open a tcp 10.0.1.1 80 count 3
	peer "$cl" open b tcp 10.0.1.2 80 count 2
	cat >"$tmp/pools" <<-POOLS
	pool add web
	add web 10.0.1.1:80 weight 3
	add web 10.0.1.2:80 state drain
	pool add spare
	down 10.0.1.9:80 proto tcp
	POOLS
}

make_pools() { # FILE
	ctl restore "$1"
	before=$(all_of_pools)
}

# Without counts: what a kill has taken stays away.
all_of_pools() {
	ctl save
	uses $module
	on "$lb" awk '{ print $1, $2, $3, $4, $8 }' /proc/net/leastconn
}

change_was_refused() { # STATUS
	if [ "$1" = 0 ]; then
		without_pools_and_states
		make_pools "$tmp/pools"
	else
		expect "$before" "$(all_of_pools)" "pools and states"
	fi
}

# walk_change ARG...: of leastconnctl, with the pools of $tmp/pools there
walk_change() {
	local before

	say "$*"
	make_pools "$tmp/pools"
	walk_on "$lb" change_was_refused "$leastconnctl" "$@"
	agree 1000
	without_pools_and_states
}

test_changes_of_pools_and_states() { # short
	prepare
	pooled_hosts
	walk_change pool add new
	walk_change pool del web
	walk_change add web 10.0.1.3:80 weight 2 state drain
	walk_change set web 10.0.1.1:80 weight 2 state down
	walk_change del web 10.0.1.1:80 --kill
	walk_change drain 10.0.1.1
	walk_change ready 10.0.1.2:80
	walk_change kill 10.0.1.2
	nothing_is_left
}

# What sees connections begins with it, of both families.
test_the_first_backends() { # short
	prepare
	pooled_hosts
	: >"$tmp/pools"
	cat >"$tmp/first" <<-POOLS
	pool add web
	add web 10.0.1.1:80
	pool add six
	add six [fd00:1::1]:80
	POOLS
	walk_change restore "$tmp/first"
	echo "drain 10.0.1.1:80 proto tcp" >"$tmp/first"
	walk_change restore "$tmp/first"
	nothing_is_left
}

# Without another rule that needs it, a refused rule leaves nothing of conntrack's.
conntrack_was_let_go_of() { # STATUS
	[ "$1" != 0 ] || ipt -t nat -F PREROUTING
	busywait 2000 is "" conntrack_hooks || fail "hooks are left: $(conntrack_hooks)"
}

# Ours among them. What puts fragments together stays where conntrack's own hooks cannot
# be registered: that is the kernel's.
conntrack_hooks() {
	on "$lb" nft list hooks | grep -E 'nf_confirm|conntrack_(in|local)|LEASTCONN' || true
}

test_a_refused_rule_lets_go_of_conntrack() { # short
	nft list hooks >/dev/null 2>&1 || skip "this kernel lists no hooks"
	prepare
	iptables="iptables-nft"
	setup 1
	ipt -t nat -A PREROUTING -s 192.0.2.1 -j ACCEPT
	ipt -t nat -F PREROUTING
	walk_on "$lb" conntrack_was_let_go_of iptables-nft -t nat -A PREROUTING \
		-p tcp --dport 80 -j LEASTCONN --to 10.0.1.1:80
}

# A change that is made though its event cannot be sent: listeners are told.
event_or_notice() { # STATUS
	[ "$1" = 0 ] || return 0
	busywait 2000 grep -qE ' added| events-lost' "$tmp/monitor" ||
		fail "neither an event nor a notice"
	! grep -q events-lost "$tmp/monitor" || : >"$tmp/lost"
	ctl del web 10.0.1.3:80
	busywait 2000 grep -q ' deleted' "$tmp/monitor" || fail "no event"
	: >"$tmp/monitor"
}

test_events_that_cannot_be_sent() { # short
	prepare
	setup 1
	ctl pool add web
	: >"$tmp/monitor"
	on "$lb" "$leastconnctl" monitor >>"$tmp/monitor" 2>&1 &
	until ctl add web 10.0.1.3:80 && grep -q added "$tmp/monitor"; do
		ctl del web 10.0.1.3:80
	done
	ctl del web 10.0.1.3:80
	busywait 2000 grep -q ' deleted' "$tmp/monitor" || fail "no event"
	: >"$tmp/monitor"
	rm -f "$tmp/lost"
	walk_on "$lb" event_or_notice "$leastconnctl" add web 10.0.1.3:80
	kill $!
	[ -e "$tmp/lost" ] || fail "no event was lost"
}

# All of them or none, whichever of their allocations fails.
test_many_changes_at_once() { # short
	local i

	prepare
	pooled_hosts
	{
		echo "del web 10.0.1.1:80"
		echo "pool del spare"
		echo "pool add many"
		for ((i = 1; i <= 20; i++)); do
			echo "add many 10.0.1.$i:80 weight $i"
		done
		echo "set many 10.0.1.2:80 max-conns 7 state ready"
		echo "drain 10.0.1.77:80 proto tcp"
		echo "down [fd00:1::77]:80 proto tcp"
		echo "pool del web"
		echo "pool add web"
		echo "add web 10.0.1.1:80"
	} >"$tmp/many"
	walk_change restore "$tmp/many"
	nothing_is_left
}

# Nothing of them is changed by a listing, nor by one that fails.
test_listing_pools() { # short
	prepare
	pooled_hosts
	walk_change list
	walk_change list web
	walk_change save
	nothing_is_left
}

# One of the two stands, whatever is refused, and packets find it.
test_changes_while_every_nth_allocation_fails() {
	local i n refused=0 took=0

	prepare
	pooled_hosts
	ctl pool add web
	for i in 0 1; do
		{
			[ $i = 0 ] || echo "del web 10.0.1.1:80"
			[ $i = 1 ] || echo "del web 10.0.1.2:80"
			echo "add web 10.0.1.$((i + 1)):80"
		} >"$tmp/$i"
	done
	ctl add web 10.0.1.2:80
	ipt -t nat -A PREROUTING -d $vip -p tcp --dport 80 \
		-j LEASTCONN --pool web
	for n in 2 3 5 7 11 17; do
		peer "$cl" open "c$n" tcp $vip 80 count 4
		faults_on $n
		for i in 0 1 0 1; do
			if ctl restore "$tmp/$i" 2>/dev/null; then
				took=$((took + 1))
			else
				refused=$((refused + 1))
			fi
		done
		faults_off >/dev/null
		agree 1000
		expect 1 "$(ctl save | grep -c '^add web')" "backends of the pool"
	done
	say "$took changes, $refused refused"
	[ $took -gt 0 ] || fail "none was taken"
	[ $refused -gt 0 ] || fail "none was refused"
	nothing_is_left
}

# ---- packets ----

balanced_hosts() {
	setup
	serve_all
	balance tcp 80 10.0.1.1-10.0.1.4:80
	balance udp 53 10.0.1.1-10.0.1.4:53
}

# TCP connections, by each server in turn.
accepted() {
	local i

	for i in 1 2 3 4; do
		echo -n "$(served "10.0.1.$i" 80) "
	done
}

sum_active() {
	on "$lb" awk 'FNR > 1 && $2 != "any" { n += $5 } END { print n + 0 }' \
		/proc/net/leastconn
}

read_table() {
	on "$lb" bash -c 'for i in {1..50}; do echo "$(</proc/net/leastconn)"; done' >/dev/null
}

# No connection can be recorded: all are translated, in turn, and counted at
# once; a second after memory is there again they have records.
test_no_connection_can_be_recorded() { # short
	local failed i lines

	prepare
	balanced_hosts
	# Its whole address counts, too.
	balance tcp 81 10.0.1.1
	dmesg -C
	faults_on 1
	peer "$cl" open t tcp $vip 80 count 40
	peer "$cl" open u udp $vip 53 count 40
	peer "$cl" say 'u.*' hello >/dev/null
	# Scans find them, and cannot record them either. A lock that a scan does not wait for is
	# taken most of the time.
	for i in 1 2 3; do meanwhile 0 read_table; done
	for ((i = 0; i < 30; i++)); do
		expect 80 "$(sum_active)" "connections counted"
		expect 20 "$(active 10.0.1.1 0 any)" "those of a whole address"
		exactly 0.05
	done
	enough
	failed=$(faults_off)
	agree 1000
	expect 80 "$(sum_active)" "connections counted in the end"
	expect "10 10 10 10 " "$(accepted)" "TCP that each server accepted"
	say "$failed allocations failed"
	# There may have been spare records.
	[ "$failed" -ge $((80 - 15 * $(nproc))) ] ||
		fail "only $failed allocations failed"
	lines=$(dmesg | grep -c 'connection not recorded') || true
	[ "$lines" -gt 0 ] || fail "nothing is in the log"
	[ "$lines" -lt $((failed / 4)) ] || fail "$lines lines are in the log"
}

# The scanner looks for them all the time.
test_a_namespace_goes_with_connections_that_are_not_recorded() { # short
	prepare
	balanced_hosts
	faults_on 1
	peer "$cl" open t tcp $vip 80 count 20
	peer "$cl" open u udp $vip 53 count 20
	ip netns del "$lb"
	faults_off >/dev/null
	unload
}

test_some_connections_can_be_recorded() { # short
	local i n opened=0

	prepare
	balanced_hosts
	for n in 1 2 3 5 8 13; do
		faults_on $n
		for i in 1 2 3; do
			peer "$cl" open "t$n$i" tcp $vip 80 count 10
			peer "$cl" open "u$n$i" udp $vip 53 count 10
			peer "$cl" say "u$n$i.*" hello >/dev/null
			opened=$((opened + 20))
		done
		say "of every $n: $(faults_off) allocations failed"
		agree 1000
		expect $opened "$(sum_active)" "connections counted"
		peer "$cl" tell 't*' hello
	done
	peer "$cl" close 't*'
	agree 1000
}

# Clients are not remembered: each connection goes where the least are. With
# memory the next one is remembered, and the others follow it.
test_no_client_can_be_remembered() { # short
	local failed

	prepare
	setup
	serve tcp 80
	balance tcp 80 10.0.1.1-10.0.1.4:80 --persistent 60
	faults_on 1
	peer "$cl" open t tcp $vip 80 count 8
	failed=$(faults_off)
	expect "2 2 2 2 " "$(accepted)" "TCP that each server accepted"
	# A client each, and a record unless there are spare ones.
	[ "$failed" -ge 8 ] || fail "only $failed allocations failed"
	peer "$cl" open u tcp $vip 80 count 4
	expect "2 2 2 6" "$(accepted | xargs -n 1 | sort -n | xargs)" \
		"with four more of a client that is remembered"
	agree 1000
}

# Tables are larger than slabs are: the page allocator refuses them from 64 KB on,
# and vmalloc() is refused what it describes an area with: vmap_area, of which it
# keeps some, and vm_struct.
page_alloc=/sys/kernel/debug/fail_page_alloc

large_faults_on() { # INTERVAL
	local file

	for file in require-start require-end verbose times; do
		cat $failslab/$file >$page_alloc/$file
	done
	echo 4 >$page_alloc/min-order
	echo N >$page_alloc/ignore-gfp-wait
	echo N >$page_alloc/ignore-gfp-highmem
	echo Y >$failslab/cache-filter
	echo 1 | tee /sys/kernel/slab/{vmap_area,kmalloc-96}/failslab >/dev/null
	faults_on 1
	echo $plenty >$page_alloc/times
	echo "$1" >$page_alloc/interval
	echo 100 >$page_alloc/probability
}

large_faults_off() {
	echo 0 >$page_alloc/probability
	faults_off >/dev/null
	echo 0 | tee /sys/kernel/slab/{vmap_area,kmalloc-96}/failslab >/dev/null
	echo N >$failslab/cache-filter
	echo $((plenty - $(cat $page_alloc/times)))
}

# large_fails COMMAND...: for want of memory
large_fails() {
	! "$@" 2>"$tmp/refusal" || fail "not refused: $*"
	grep -qi 'memory' "$tmp/refusal" || fail "$(cat "$tmp/refusal")"
	busywait 2000 loads_are "$loads_before" || fail "loads: $(loads)"
}

test_no_large_table() { # short
	local loads_before="" i n

	prepare
	[ -e $page_alloc ] || skip "no fail_page_alloc in this kernel"
	setup
	serve tcp 80
	# Of two tables of records neither can be had, or one.
	for n in 1 2; do
		large_faults_on $n
		large_fails balance tcp 80 10.0.1.1-10.0.1.4:80
		[ "$(large_faults_off)" -gt 0 ] || fail "nothing failed"
	done
	balance tcp 80 10.0.1.1-10.0.1.4:80
	# Nor that of clients.
	loads_before="0 0 0 0"
	large_faults_on 1
	large_fails balance tcp 80 10.0.1.1:81 --persistent 60
	large_fails ctl pool add web persistent 60
	[ "$(large_faults_off)" -gt 0 ] || fail "nothing failed"
	balance tcp 81 10.0.1.1-10.0.1.4:81 --persistent 60
	peer "$cl" open c tcp $vip 80 count 8
	agree 1000
	ipt -t nat -F
	unload
}

test_adoption_while_every_nth_allocation_fails() { # short
	local n failed refused=0

	prepare
	setup
	serve tcp 80
	keep_tracking ipt
	for ((n = 1; n <= 4; n++)); do
		peer "$cl" open "c$n" tcp "10.0.1.$n" 80 count 20
	done
	for n in 2 3 4 7 12 40; do
		faults_on $n
		balance tcp 80 10.0.1.1-10.0.1.4:80 2>/dev/null ||
			refused=$((refused + 1))
		failed=$(faults_off)
		say "of every $n: $failed allocations failed"
		[ -n "$(saved_rules)" ] || balance tcp 80 10.0.1.1-10.0.1.4:80
		expect_loads 1000 "20 20 20 20" "loads"
		agree 1000
		ipt -t nat -F
		busywait 10000 loads_are "" || fail "backends are left"
	done
	[ $refused -lt 6 ] || fail "no rule was taken"
}

# ---- namespaces, and the module ----

namespace_was_refused() { # STATUS
	if [ "$1" = 0 ]; then
		ip netns del "x-$id"
	else
		[ ! -e "/run/netns/x-$id" ] || fail "the namespace is there"
	fi
}

test_a_new_namespace() { # short
	prepare
	walk namespace_was_refused ip netns add "x-$id"
	on "x-$id" cat /proc/net/leastconn
	ip netns del "x-$id"
	unload
}

module_was_refused() { # STATUS
	if [ "$1" = 0 ]; then
		unload
		return
	fi
	! loaded || fail "the module is there"
	! grep -q leastconn /proc/slabinfo || fail "its slab cache is there"
	[ ! -e /proc/net/leastconn ] || fail "its table is there"
}

# All of init: each namespace that stands has its own part in it.
test_loading_the_module() { # short
	prepare
	unload
	setup 1
	only_from_initcalls
	walk module_was_refused modprobe $module
	loaded || fail "it did not load"
	unload
}

# Namespaces with rules and connections go while memory is refused.
test_a_namespace_goes_while_every_nth_allocation_fails() { # short
	local n

	prepare
	for n in 1 2 5; do
		setup
		serve tcp 80
		balance tcp 80 10.0.1.1-10.0.1.4:80
		peer "$cl" open c tcp $vip 80 count 10
		faults_on $n
		peer "$cl" open d tcp $vip 80 count 10
		teardown_hosts
		faults_off >/dev/null
	done
	unload
}

run_tests "$@"
