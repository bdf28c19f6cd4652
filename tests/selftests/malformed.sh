#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Rules that no honest front end sends: the kernel refuses them itself, says
# why, and nothing is left of them. See ../rawrule/main.c for what a case does.
#
#	malformed.sh [--seed N] [TEST...]
# shellcheck source=../rawrule/lib.sh
. "$(dirname "$0")/../rawrule/lib.sh"

seed=$((RANDOM << 15 | RANDOM))
rounds=2000

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
	byte=56 EINVAL nonzero bytes after the last of 2 backends
	byte=1791 EINVAL nonzero bytes after the last of 2 backends
	count=1,byte=55 EINVAL nonzero bytes after the last of 1 backends
	duplicate=1 EINVAL backend 2: same address and port as backend 1
	duplicate=63 EINVAL backend 64: same address and port as backend 1
	backends=0 EINVAL 0 backends, allowed are 1 to 64
	CASES
	name_cases
	for ((i = 1; i < 32; i++)); do
		printf 'backend-flags=%#x EINVAL backend 2: unknown flags %#x\n' \
			$((1 << i)) $((1 << i))
	done
	for ((i = 1; i < 32; i++)); do
		printf 'flags=%#x EINVAL unknown flags %#x\n' \
			$((1 << i)) $((1 << i))
	done
	setting_cases
	address_cases
}

setting_cases() {
	local setting bits=32

	[ "$family" = 4 ] || bits=128
	cat <<-CASES
	fail-timeout=0 EINVAL fail timeout of 0 s, allowed are 1 to 604800
	fail-timeout=604801 EINVAL fail timeout of 604801 s, allowed are 1 to 604800
	fail-timeout=0xffffffff EINVAL fail timeout of 4294967295 s, allowed are
	slow-start=604801 EINVAL slow start of 604801 s, allowed are 0 to 604800
	slow-start=0xffffffff EINVAL slow start of 4294967295 s, allowed are
	persistent=604801 EINVAL persistence of 604801 s, allowed are 0 to 604800
	persistent=0xffffffff EINVAL persistence of 4294967295 s, allowed are
	persistent-mask=0 EINVAL persistent mask of 0 bits, allowed are 1 to $bits
	persistent-mask=$((bits + 1)) EINVAL persistent mask of $((bits + 1)) bits, allowed are 1 to $bits
	persistent-mask=0xffffffff EINVAL persistent mask of 4294967295 bits, allowed are 1 to $bits
	padding=1 EINVAL nonzero bytes after the last of 2 backends
	backends=64,padding=1 EINVAL nonzero bytes after the last of 64 backends
	backends=0,name=web,padding=1 EINVAL nonzero bytes after the last of 0 backends
	CASES
	for setting in flags max-fails fail-timeout slow-start persistent \
		persistent-mask; do
		echo "backends=0,name=web,$setting=1 EINVAL settings: not allowed together with a pool name"
	done
	echo "backends=0,name=we,fail-timeout=10 EINVAL settings: not allowed together with a pool name"
}

# A pool's, or what is in its place.
name_cases() {
	local name full why='EINVAL pool name:'

	printf -v full 'a%.0s' {1..32}
	for name in "$full" a/b :80 'a;b' é '~'; do
		echo "backends=0,name=$name $why"
	done
	# Behind the end, in the midst of it, and where there is none.
	for name in web,name-byte={1,4,31}; do
		echo "backends=0,name=$name $why"
	done
	echo "backends=0,name-byte=0 $why"
	echo "backends=0,name-byte=31 $why"
	# Backends have it, or what remains of them.
	echo "name=web $why"
	echo "backends=1,name=web $why"
	echo "backends=0,name=web,byte=0 EINVAL nonzero bytes after the last of 0 backends"
	echo "backends=0,name=web,byte=1791 EINVAL nonzero bytes after the last of 0 backends"
	for name in we web2 WEB - "${full%a}"; do
		echo "backends=0,name=$name EINVAL no pool \"$name\": create it first"
	done
}

address_cases() {
	local address why="EINVAL backend 1: not a unicast address of the rule's family"

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
	size=1848 EINVAL ?invalid size
	size=1856 EINVAL ?invalid size
	size=1871 EINVAL ?invalid size
	size=1880 EINVAL ?invalid size
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
	local bits=32

	[ "$family" = 4 ] || bits=128
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
	flags=1 0 3 clean
	max-fails=1 0 3 clean
	max-fails=0xffffffff 0 3 clean
	fail-timeout=1 0 3 clean
	fail-timeout=604800 0 3 clean
	slow-start=604800 0 3 clean
	persistent=604800 0 3 clean
	persistent-mask=1 0 3 clean
	persistent=1,persistent-mask=$((bits - 1)) 0 3 clean
	flags=1,max-fails=1,fail-timeout=1,slow-start=1,persistent=1 0 3 clean
	pool=0x4141414141414141 0 3 clean
	pool=0xffffffffffffffff 0 3 clean
	backends=0,name=web 0 1 clean
	backends=0,name=web,proto=0 0 1 clean
	backends=0,name=web,chain=unused 0 1 clean
	backends=0,name=web,pool=0x4141414141414141 0 1 clean
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

# ---- honest, or as good: it balances ----

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

all_answers() {
	answers our_cases framework_cases good_cases
	late_jump
	fuzz $rounds "$seed"
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

if [ "${1-}" = --seed ]; then
	seed=${2:?--seed needs a number}
	shift 2
fi
run_tests "$@"
