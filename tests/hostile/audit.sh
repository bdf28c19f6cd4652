#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A long random workload: connections of all protocols that begin and end in
# every way that conntrack knows. At quiet points counts are compared with
# conntrack's own list: not one may be off.
#
#	audit.sh [--seed N] [--connections N]
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

seed=$((RANDOM << 15 | RANDOM))
wanted=200000
[ -z "${LC_SHORT-}" ] || wanted=5000
opened=0
quiet_points=0
compared=0

# ---- beginnings: each adds what it opened ----

begin_tcp() {
	local n=$((RANDOM % 400 + 100))

	peer "$cl" open "t$round" tcp $vip 80 count $n
	opened=$((opened + n))
}

# Nobody answers: SYN_SENT, until it times out.
begin_tcp_unanswered() {
	peer "$cl" open "n$round" tcp $vip 82 count 50 nowait
	opened=$((opened + 50))
}

# Refused: a RST to the SYN.
begin_tcp_refused() {
	peer "$cl" open "r$round" tcp $vip 83 count 50 nowait
	opened=$((opened + 50))
}

begin_tcp6() {
	local n=$((RANDOM % 200 + 50))

	peer "$cl" open "6$round" tcp $vip6 80 count $n
	opened=$((opened + n))
}

begin_udp() {
	local n=$((RANDOM % 800 + 200))

	peer "$cl" open "u$round" udp $vip 53 count $n
	peer "$cl" tell "u$round*" hello
	opened=$((opened + n))
}

# To the whole host: any protocol.
begin_wide() {
	peer "$cl" open "w$round" tcp $vip 81 count 50
	opened=$((opened + 50))
}

begin_sctp() {
	[ -n "$has_sctp" ] || return 0
	peer "$cl" open "s$round" sctp $vip 90 count 20
	opened=$((opened + 20))
}

# ---- endings ----

# Of half of those names, more or less. Not in a subshell: it has dice of its own.
to_some() { # LETTERS VERB [TEXT]
	peer "$cl" "$2" "[$1]*[$((RANDOM % 5))-$((RANDOM % 5 + 5))]" "${@:3}"
}

client_closes() {
	to_some tw6 close
}

client_resets() {
	to_some tw6 reset
}

client_shuts() {
	to_some t shut
}

servers_close() {
	to_some t6 tell close
}

servers_reset() {
	to_some t6 tell reset
}

servers_shut() {
	to_some t tell shut
}

all_servers_hang_up() {
	local how=('' reset)

	# shellcheck disable=SC2086 # a word or none
	peer "$sv" hangup ${how[RANDOM % 2]}
}

entries_are_deleted() {
	on "$lb" conntrack -D --reply-src "10.0.1.$((RANDOM % 4 + 1))"
}

entries_of_a_state_are_deleted() {
	local states=(ESTABLISHED TIME_WAIT CLOSE SYN_SENT CLOSE_WAIT)

	on "$lb" conntrack -D -p tcp --state "${states[RANDOM % 5]}"
}

entries_are_flushed() {
	on "$lb" conntrack -F
}

# They are given a second to live.
entries_expire() {
	local protos=(tcp udp)

	on "$lb" conntrack -U -p "${protos[RANDOM % 2]}" -t 1
	sleep 1.1
}

# What goes out of an address that goes is dropped by masquerading.
address_goes() {
	ip -n "$lb" addr del 10.0.1.250/24 dev server
	ip -n "$lb" addr add 10.0.1.250/24 dev server
}

# Conntrack drops entries that saw no answer when its table is full.
table_overflows() {
	local n

	n=$(sysctl -n net.netfilter.nf_conntrack_count)
	sysctl -qw net.netfilter.nf_conntrack_max=$((n + 10))
	peer "$cl" open "o$round" udp $vip 84 count 200
	peer "$cl" tell "o$round*" hello
	sysctl -qw net.netfilter.nf_conntrack_max=200000
}

rules_are_replaced() {
	replace_rules "$tmp/rules"
}

rules_go_and_come() {
	ipt -t nat -F PREROUTING
	replace_rules "$tmp/rules"
}

# ---- the workload ----

audit_rules() {
	cat <<-RULES
	*nat
	-A PREROUTING -d $vip/32 -p tcp --dport 80 -j LEASTCONN --to 10.0.1.1-10.0.1.4:80
	-A PREROUTING -d $vip/32 -p udp --dport 53 -j LEASTCONN --to 10.0.1.1-10.0.1.4:53
	-A PREROUTING -d $vip/32 -p tcp --dport 82 -j LEASTCONN --to 10.0.1.99-10.0.1.100:82
	-A PREROUTING -d $vip/32 -p tcp --dport 83 -j LEASTCONN --to 10.0.1.1-10.0.1.4:83
	-A PREROUTING -d $vip/32 -p udp --dport 84 -j LEASTCONN --to 10.0.1.99-10.0.1.100:84
	${has_sctp:+-A PREROUTING -d $vip/32 -p sctp --dport 90 -j LEASTCONN --to 10.0.1.1-10.0.1.4:90}
	-A PREROUTING -d $vip/32 -p tcp --dport 81 -j LEASTCONN --to 10.0.1.1-10.0.1.4
	-A POSTROUTING -p udp -o server -j MASQUERADE
	COMMIT
	RULES
}

# Their own ends take the turns of a quiet point.
set_up() {
	modprobe nf_conntrack
	sysctl -qw net.netfilter.nf_conntrack_max=200000 \
		net.netfilter.nf_conntrack_buckets=32768 \
		net.core.netdev_max_backlog=50000
	setup 4
	for host in "$cl" "$sv"; do
		on "$host" sysctl -qw "net.ipv4.ip_local_port_range=1024 65535" \
			net.ipv4.tcp_tw_reuse=1 net.ipv4.tcp_fin_timeout=1 \
			net.ipv4.tcp_max_tw_buckets=1000 net.ipv4.tcp_syn_retries=1
	done
	on "$lb" sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_time_wait=5 \
		net.netfilter.nf_conntrack_tcp_timeout_close=3 \
		net.netfilter.nf_conntrack_tcp_timeout_syn_sent=10
	ip -n "$lb" addr add 10.0.1.250/24 dev server
	serve_all
	serve tcp 81
	has_sctp=
	! peer "$sv" listen sctp 0.0.0.0 90 2>/dev/null || has_sctp=1
	audit_rules >"$tmp/rules"
	replace_rules "$tmp/rules"
	balance6 tcp 80 "[fd00:1::1]:80,[fd00:1::2]:80,[fd00:1::3]:80"
}

beginnings=(begin_tcp begin_tcp begin_udp begin_udp begin_udp begin_tcp6
	begin_wide begin_sctp begin_tcp_unanswered begin_tcp_refused)
endings=(client_closes client_resets client_shuts servers_close servers_reset
	servers_shut all_servers_hang_up entries_are_deleted
	entries_of_a_state_are_deleted entries_are_flushed entries_expire
	address_goes table_overflows rules_are_replaced rules_go_and_come)

declare -A worked missed

# Whether a socket of that name is left to end is chance.
random_of() { # NAME...
	local name at=$((RANDOM % $# + 1))

	name=${!at}
	if "$name" >/dev/null 2>&1; then
		worked[$name]=$((${worked[$name]-0} + 1))
	else
		missed[$name]=$((${missed[$name]-0} + 1))
	fi
}

# In a long run each way must have worked.
all_ways_worked() {
	local name

	for name in "${beginnings[@]}" "${endings[@]}"; do
		echo "$name: ${worked[$name]-0} times, nothing to do ${missed[$name]-0} times"
	done | sort -u | sed 's/^/# /'
	[ -z "${LC_SHORT-}" ] || return 0
	for name in "${beginnings[@]}" "${endings[@]}"; do
		[ -n "${worked[$name]-}" ] || fail "$name never worked"
	done
}

closed_entries() {
	on "$lb" conntrack -L -p tcp 2>/dev/null | grep -cE "LAST_ACK|TIME_WAIT|CLOSE " || true
}

none_runs_out() {
	local before=$closed

	closed=$(closed_entries)
	[ "$closed" = "$before" ]
}

# Closed entries run out, in 5 s at most (see set_up). As long as they do, our table,
# which is read first, and conntrack's list are of different moments.
quiet_point() {
	local closed=

	busywait 30000 none_runs_out || fail "$closed closed entries, and fewer each time"
	agree 6000
	quiet_points=$((quiet_points + 1))
	compared=$((compared + $(awk '{ n += $5 + $6 } END { print n }' <<<"$books")))
}

# Of an SCTP association that has gone packets still come, each with an entry of its own.
is_idle_without_entries() {
	on "$lb" conntrack -F 2>/dev/null
	pause 1000
	all_idle
}

test_no_count_is_ever_off() { # short
	local i round=0

	need conntrack
	RANDOM=$seed
	say "seed $seed"
	set_up
	while [ $opened -lt "$wanted" ]; do
		round=$((round + 1))
		for i in 1 2 3; do
			random_of "${beginnings[@]}"
		done
		for i in 1 2 3; do
			random_of "${endings[@]}"
		done
		quiet_point
		if [ $((round % 8)) = 0 ]; then
			peer "$cl" close '*' 2>/dev/null || true
			quiet_point
		fi
	done
	say "$opened connections, $compared compared in $quiet_points quiet points, none off"
	[ $compared -gt $((opened / 10)) ] || fail "too few were there to be compared"
	all_ways_worked
	peer "$cl" quit
	quiet_point
	busywait 3000 is_idle_without_entries || fail "left: $(on "$lb" cat /proc/net/leastconn)"
	ip6t -t nat -F
	nothing_is_left
}

all_idle() {
	on "$lb" awk 'FNR > 1 { n += $5 + $6 } END { exit n != 0 }' \
		/proc/net/leastconn
}

while [ $# -ge 2 ]; do
	case $1 in
	--seed) seed=$2 ;;
	--connections) wanted=$2 ;;
	*) break ;;
	esac
	shift 2
done
run_tests "$@"
