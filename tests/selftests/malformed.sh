#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Rules that no honest front end sends: the kernel refuses them itself, says
# why, and nothing is left of them. See rawrule.c for what a case does.
#
#	malformed.sh [--seed N] [TEST...]
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

rawrule=${LC_RAWRULE:-$here/rawrule}
seed=$((RANDOM << 15 | RANDOM))
rounds=2000

raw() { # ARG...: rawrule, through the door and in the family of the test
	on "$lb" "$rawrule" "$door" "$family" "$@"
}

front() { # [-restore|-save] ARG...: the honest front end of the same door
	local name=iptables tool=''

	[ "$family" = 4 ] || name=ip6tables
	case $1 in -restore | -save) tool=$1; shift ;; esac
	on "$lb" "$name-$door$tool" "$@"
}

# ---- what is expected ----
# Lines "CASE ERRNO REASON", as rawrule prints them. REASON is how our line in
# the log begins; behind a "?" it is a part of the framework's, which may be
# missing: it does not always say one, and others use up its rate limit too.

# Whoever sends it: our own checks.
our_cases() {
	local i

	cat <<-CASES
	count=0 EINVAL 0 backends, allowed are 1 to 64
	count=65 EINVAL 65 backends, allowed are 1 to 64
	backends=64,count=65 EINVAL 65 backends, allowed are 1 to 64
	count=0xffffffff EINVAL 4294967295 backends, allowed are 1 to 64
	proto=0 EINVAL backend 1: a port needs -p tcp,
	proto=1 EINVAL backend 1: a port needs -p tcp,
	proto=58 EINVAL backend 1: a port needs -p tcp,
	proto=255 EINVAL backend 1: a port needs -p tcp,
	not-proto=6 EINVAL backend 1: a port needs -p tcp,
	byte=56 EINVAL bytes after the last of 2 backends
	byte=1791 EINVAL bytes after the last of 2 backends
	count=1,byte=55 EINVAL bytes after the last of 1 backends
	duplicate=1 EINVAL backend 2: same address and port as backend 1
	duplicate=63 EINVAL backend 64: same address and port as backend 1
	CASES
	for ((i = 1; i < 32; i++)); do
		printf 'backend-flags=%#x EINVAL backend 2: unknown flags %#x\n' \
			$((1 << i)) $((1 << i))
	done
	for ((i = 0; i < 32; i++)); do
		printf 'flags=%#x EINVAL unknown flags %#x\n' \
			$((1 << i)) $((1 << i))
	done
	address_cases
}

address_cases() {
	local address why='EINVAL backend 1: no unicast address of this family'

	if [ "$family" = 6 ]; then
		for address in :: ff00:: ff02::1 ffff::; do
			echo "address=$address $why"
		done
		return
	fi
	for address in 0.0.0.0 224.0.0.1 239.255.255.255 255.255.255.255; do
		echo "address=$address $why"
	done
	for address in 4 7 8 11 12 15; do
		echo "address-byte=$address $why"
	done
}

# The framework's checks, that our declaration asks for. An unknown revision
# is ENOENT, not EINVAL: front ends look for one that the kernel has.
framework_cases() {
	cat <<-CASES
	revision=1 ENOENT ?
	revision=255 ENOENT ?
	size=0 EINVAL ?invalid size
	size=1800 EINVAL ?invalid size
	size=1807 EINVAL ?invalid size
	size=1816 EINVAL ?invalid size
	size=60000 EINVAL ?invalid size
	table=filter,chain=OUTPUT EINVAL ?only valid in nat table, not filter
	table=filter,chain=FORWARD EINVAL ?only valid in nat table, not filter
	table=mangle,chain=OUTPUT EINVAL ?only valid in nat table, not mangle
	table=mangle,chain=PREROUTING EINVAL ?only valid in nat table, not mangle
	chain=INPUT EINVAL ?used from hooks INPUT,
	chain=POSTROUTING EINVAL ?used from hooks POSTROUTING,
	chain=from-post EINVAL ?used from hooks POSTROUTING,
	CASES
	# A transaction can name a chain's type; a table has it built in.
	[ "$door" = legacy ] || echo "type=filter EINVAL ?"
}

# Right or harmless, and shown as they were sent but for the kernel's bytes.
# Counted are the backends with that of the rule that stands.
good_cases() {
	cat <<-CASES
	valid 0 3 clean
	chain=OUTPUT 0 3 clean
	chain=from-pre 0 3 clean
	chain=unused 0 3 clean
	backends=1 0 2 clean
	backends=64 0 65 clean
	weight=0 0 3 clean
	weight=65535 0 3 clean
	backend-flags=1 0 3 clean
	pool=0x4141414141414141 0 3 clean
	pool=0xffffffffffffffff 0 3 clean
	proto=17 0 3 clean
	proto=33 0 3 clean
	proto=132 0 3 clean
	proto=136 0 3 clean
	CASES
}

# compare WANTED GOT: each of ours that is refused has its line in the log. A
# place in the code has ten in five seconds, and it is a fresh module's.
compare() {
	awk '
	function rest() {
		sub(/^[^ ]+ [^ ]+ /, "")
		return $0
	}
	function answered(line) {
		if (line == "-")
			return optional || said_at[place] >= 10
		if (optional)
			return index(line, why)
		return index(line, "LEASTCONN: rule refused: " why) == 1
	}
	function bad(what) {
		print what ": " got[FNR]
		failed = 1
	}
	FNR == NR { got[FNR] = $0; name[FNR] = $1; err[FNR] = $2
		    said[FNR] = rest(); next }
	{
		case_name = $1; want = $2; why = rest()
		optional = sub(/^\?/, "", why)
		place = why
		gsub(/0x[0-9a-f]+|[0-9]+/, "", place)
		if (case_name != name[FNR] || want != err[FNR])
			bad("expected " case_name " " want " " why)
		else if (want == 0 && said[FNR] != why)
			bad("expected " why)
		else if (want != 0 && !answered(said[FNR]))
			bad("expected the reason " why)
		if (said[FNR] != "-")
			said_at[place]++
	}
	END { exit failed || !FNR }' "$2" "$1"
}

# answers CASES-FUNCTION...: they are as those functions say
answers() {
	local -a names=()
	local cases name

	for cases; do
		"$cases"
	done >"$tmp/wanted"
	while read -r name _; do
		names+=("$name")
	done <"$tmp/wanted"
	raw "${names[@]}" >"$tmp/got" || fail "rawrule: status $?"
	compare "$tmp/wanted" "$tmp/got" || fail "wrong answers"
	say "${#names[@]} cases"
}

# ---- what is left behind ----

tracing=/sys/kernel/tracing
trace=$tracing/instances/leastconn

# See what registers and unregisters netfilter hooks, and for which namespace:
# one where tracking is still on looks like any other.
count_hooks() {
	[ -e $tracing/kprobe_events ] || mount -t tracefs trace $tracing || true
	uncount_hooks
	if {
		echo 'p:leastconn/hook_get __nf_register_net_hook net=%di:x64' &&
			echo 'p:leastconn/hook_put __nf_unregister_net_hook net=%di:x64'
	} 2>/dev/null >>$tracing/kprobe_events; then
		mkdir $trace
		echo 1 >$trace/events/leastconn/enable
	else
		say "no kprobes: hooks are not counted"
	fi
}

uncount_hooks() {
	[ ! -e $trace ] || rmdir $trace
	[ -e $tracing/events/leastconn ] || return 0
	echo '-:leastconn/hook_get' >>$tracing/kprobe_events
	echo '-:leastconn/hook_put' >>$tracing/kprobe_events
}

# Hooks registered since count_hooks(), and references to modules. A namespace
# that only gives back is a dead one.
held() {
	local files=(/proc/modules)

	[ ! -e $trace ] || files+=("$trace/trace")
	awk '/^(xt_LEASTCONN|nf_conntrack|nf_nat) / { print $1, $3 }
		/ hook_get: / { got[$NF]++ }
		/ hook_put: / { put[$NF]++ }
		END {
			for (net in got)
				n += got[net] - put[net]
			print "hooks", n + 0
		}' "${files[@]}"
}

held_is() { # WANTED
	[ "$(held)" = "$1" ]
}

# All tables of the door are there, chains to send rules to, and no LEASTCONN.
make_tables() {
	front -restore <<-RULES
	*filter
	COMMIT
	*mangle
	COMMIT
	*nat
	:PREROUTING ACCEPT
	:INPUT ACCEPT
	:OUTPUT ACCEPT
	:POSTROUTING ACCEPT
	:from-pre - [0:0]
	:from-post - [0:0]
	:unused - [0:0]
	-A PREROUTING -i none -j ACCEPT
	-A PREROUTING -j from-pre
	-A from-pre -i none -j RETURN
	-A POSTROUTING -j from-post
	COMMIT
	RULES
}

standing_rule() { # -A|-D
	local backend=192.0.2.1:80

	[ "$family" = 4 ] || backend='[2001:db8::1]:80'
	front -t nat "$1" OUTPUT -o none -p tcp -j LEASTCONN --to "$backend"
}

rules() {
	front -save | grep -v '^#'
}

# Namespaces that were deleted before take their hooks with them in their own
# time, batch after batch: when a device of the second has gone, the first, with
# all that was deleted until now, is done.
await_dead_namespaces() {
	local i

	for i in 1 2; do
		ip netns add "last-$id"
		ip link add "last-$id" type veth peer name eth0 netns "last-$id"
		ip netns del "last-$id"
		busywait 10000 [ ! -e "/sys/class/net/last-$id" ] ||
			fail "a namespace does not end"
	done
}

# leaves_nothing COMMAND...: beside a rule that stands, COMMAND changes
# nothing; and when that goes, nothing is held, and the module can go.
leaves_nothing() {
	local before held

	host_add "$lb"
	unload
	modprobe xt_LEASTCONN
	make_tables
	await_dead_namespaces
	honest_rule_leaves_nothing || fail "an honest rule leaves $(held)"
	held=$(held)
	standing_rule -A
	before=$(rules)

	"$@"

	expect "$before" "$(rules)" "rules"
	busywait 2000 loads_are 0 || fail "backends left: $(on "$lb" cat /proc/net/leastconn)"
	standing_rule -D
	busywait 2000 held_is "$held" || fail "held before:
$held
and now:
$(held)"
	expect "" "$(loads)" "backends in the end"
	uncount_hooks
	unload
}

# The first rule may load modules of the front end's.
honest_rule_leaves_nothing() {
	count_hooks
	standing_rule -A
	[ ! -e $tracing/events/leastconn ] || [[ $(held) != *"hooks 0" ]] ||
		fail "no hook is counted"
	standing_rule -D
	busywait 2000 hooks_are 0 || { keeps_defrag && hooks_are 2; }
}

# Older kernels (5.10) never take back what puts fragments together: 2 hooks.
keeps_defrag() {
	! grep -q ' nf_defrag_ipv4_disable' /proc/kallsyms
}

hooks_are() { # NUMBER
	[[ $(held) == *"xt_LEASTCONN 0"*"hooks $1" ]]
}

# ---- honest, or as good: it balances ----

two_balanced() {
	local vip=$vip

	[ "$family" = 4 ] || vip=$vip6
	peer "$cl" open a tcp "$vip" 80
	peer "$cl" open b tcp "$vip" 80
	expect "1 1" "$(loads)" "loads, $door, IPv$family"
	peer "$cl" reset '*'
}

test_the_valid_rule_balances() { # short
	local door family

	setup 2
	serve tcp 80
	for door in legacy nft; do
		for family in 4 6; do
			front -t nat -F
			expect "valid 0 2 clean" "$(raw keep valid)" "answer"
			two_balanced
			front -t nat -F
			busywait 2000 loads_are "" || fail "backends stay"
		done
	done
}

# A rule with ports that says it is for TCP, and meets UDP.
told_lie() { # DOOR FAMILY
	local addr=$vip door=$1 family=$2

	[ "$family" = 4 ] || addr=$vip6
	on "$lb" conntrack -F 2>/dev/null
	front -t nat -F
	expect "told-proto=6 0 2 clean" "$(raw keep told-proto=6)" "answer"
	two_balanced
	peer "$cl" open u udp "$addr" 80
	peer "$cl" tell u hello
	busywait 1000 untranslated "$addr" || fail "$door, IPv$family:
$(on "$lb" conntrack -L -f "ipv$family" -p udp)"
	front -t nat -F
	busywait 2000 loads_are "" || fail "backends stay"
}

untranslated() { # ADDR: replies to UDP come from there
	[ "$(on "$lb" conntrack -L -p udp -f "ipv$family" --reply-src "$1" \
		2>/dev/null | grep -c .)" = 1 ]
}

test_a_false_word_about_the_protocol_is_harmless() {
	setup 2
	serve tcp 80
	# What is not translated arrives here.
	ip -n "$lb" addr add $vip/32 dev lo
	ip -n "$lb" addr add $vip6/128 dev lo
	told_lie nft 4
	told_lie nft 6
	# ip6_tables looks at the protocol only if a flag says so.
	told_lie legacy 6
}

# ---- malformed ----

# Right as long as nothing leads to it from elsewhere.
late_jump() {
	expect "chain=unused 0 3 clean" "$(raw keep chain=unused)" "answer"
	! front -t nat -A POSTROUTING -j unused || fail "a jump was accepted"
	front -t nat -F unused
}

flip() {
	local now start=${EPOCHREALTIME/./} status=0

	raw flip $rounds "$seed" || status=$?
	now=${EPOCHREALTIME/./}
	say "seed $seed: $(((now - start) / 1000)) ms"
	[ $status = 0 ] || fail "status $status; again: $0 --seed $seed"
}

all_answers() {
	answers our_cases framework_cases good_cases
	late_jump
	flip
}

malformed() { # DOOR FAMILY
	local door=$1 family=$2

	leaves_nothing all_answers
}

test_malformed_legacy_ipv4() {
	malformed legacy 4
}

test_malformed_legacy_ipv6() {
	malformed legacy 6
}

test_malformed_nft_ipv4() {
	malformed nft 4
}

test_malformed_nft_ipv6() {
	malformed nft 6
}

# Aborted transactions, hooks and modules wait for RCU grace periods, and no
# test here is about a race.
[ ! -w /sys/kernel/rcu_expedited ] || echo 1 >/sys/kernel/rcu_expedited

if [ "${1-}" = --seed ]; then
	seed=${2:?--seed needs a number}
	shift 2
fi
run_tests "$@"
