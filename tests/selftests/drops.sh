#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# First packets that are dropped, sent again, held up, or race each other:
# what has no conntrack entry never counts, what has one counts once.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# Packets that the rules of CHAIN of the mangle table have seen.
seen() { # CHAIN
	ipt -t mangle -L "$1" -v -n -x | awk 'FNR > 2 { n += $1 } END { print n }'
}

saw_at_least() { # CHAIN N
	[ "$(seen "$1")" -ge "$2" ]
}

# ---- dropped ----

# The rule in front of the drop saw the packet, nobody counted it.
dropped_and_forgotten() { # CHAIN
	peer "$cl" open c tcp $vip 80 nowait
	busywait 5000 saw_at_least "$1" 1 || fail "no packet came to $1"
	ledger
	expect "0 0 0" "$(table "$server")" "active, inactive, total of $server"
	expect 0 "$(vip_entries)" "entries in conntrack"
}

# Later in POSTROUTING than any iptables table: nat's own hook is at 100.
test_dropped_behind_source_nat() {
	need nft
	setup 1
	serve tcp 80
	balance tcp 80 10.0.1.1:80
	ipt -t mangle -A POSTROUTING -p tcp --syn
	on "$lb" nft -f - <<-RULES
	table ip late {
		chain out {
			type filter hook postrouting priority 1000;
			tcp dport 80 drop
		}
	}
	RULES
	server=10.0.1.1
	dropped_and_forgotten POSTROUTING
}

# ---- stopped at the balancer ----
#
# In each row clients at $stopped send three first packets, which end at the
# balancer: conntrack confirms no entry. The backend has room for two
# connections, and all of it is left for the client at $allowed. A REJECT, and an
# ICMP error that the balancer makes, carry the entry of the packet they answer.

# place forward|input|output 4|6: where a row's connections begin and lead to
place() {
	host=$cl chain=PREROUTING hook=${1^^} listener=$sv answers=3 text=hello
	if [ "$2" = 4 ]; then
		to=$vip stopped=10.0.0.2 allowed=10.0.0.3 gateway=10.0.0.1
		server=10.0.1.1 self=10.0.1.254 rules=ipt saddr="ip saddr"
	else
		to=$vip6 stopped=fd00::2 allowed=fd00::3 gateway=fd00::1
		server=fd00:1::1 self=fd00:1::fe rules=ip6t saddr="ip6 saddr"
	fi
	case $1 in
	input) server=$self listener=$lb ;;
	output) host=$lb chain=OUTPUT stopped=$gateway allowed=$self ;;
	esac
}

# Refusals that a host is sent. It does not learn a path's MTU, and goes on.
hear() { # HOST
	on "$1" "$iptables" -w -t mangle -N told
	on "$1" "$ip6tables" -w -t mangle -N told
	{
		echo "*mangle"
		echo "-A INPUT -j told"
		echo "-A told -p tcp --tcp-flags RST RST"
		echo "-A told -p icmp --icmp-type fragmentation-needed -j DROP"
		echo "-A told -p icmp --icmp-type destination-unreachable"
		echo "-A told -p icmp --icmp-type time-exceeded"
		echo COMMIT
	} | on "$1" "$iptables-restore" -w -n
	{
		echo "*mangle"
		echo "-A INPUT -j told"
		echo "-A told -p tcp --tcp-flags RST RST"
		echo "-A told -p icmpv6 --icmpv6-type packet-too-big -j DROP"
		echo "-A told -p icmpv6 --icmpv6-type destination-unreachable"
		echo "-A told -p icmpv6 --icmpv6-type time-exceeded"
		echo COMMIT
	} | on "$1" "$ip6tables-restore" -w -n
}

heard() { # how many, by both families
	local tool

	for tool in "$iptables" "$ip6tables"; do
		on "$host" "$tool" -w -t mangle -nvxL told
	done | awk '$1 ~ /^[0-9]+$/ { n += $1 } END { print n + 0 }'
}

# First packets of the row that LEASTCONN chose a backend for.
chosen() {
	"$rules" -t nat -nvxL "$chain" |
		awk -v p="dpt:$port" '$0 ~ p { n += $1 } END { print n + 0 }'
}

reaches() { # N COMMAND...: prints at least N
	[ "$("${@:2}")" -ge "$1" ]
}

confirmed() { # the row's entries
	on "$lb" conntrack -L -f "ipv$family" -p "$proto" --orig-port-dst "$port" \
		2>/dev/null | wc -l
}

begin() { # NAME ADDR [nowait]: a connection from there
	peer "$host" open "$1" "$proto" "$to" "$port" from "${@:2}"
	[ "$proto" = tcp ] || peer "$host" tell "$1" "$text"
}

# The stopped clients' turn.
knock() {
	local before i

	before=$(heard)
	for i in 1 2 3; do
		# The sender is on the balancer: it is told at once.
		begin "stopped.$i" "$stopped" nowait >/dev/null 2>&1 || true
	done
	busywait 5000 reaches 3 chosen || fail "$row: $(chosen) of 3 packets came"
	busywait 5000 reaches $((before + answers)) heard ||
		fail "$row: told $(($(heard) - before)) times, not $answers"
	peer "$host" close "stopped.*" >/dev/null
}

# One row, by the words of place().
stopped_and_forgotten() {
	knock
	expect "0 0 0 in conntrack: 0" \
		"$(table "$server" "$port" "$proto") in conntrack: $(confirmed)" \
		"$row: active, inactive, total of stopped clients"
	text=hello
	begin "allowed.$port" "$allowed" || fail "$row: the other client is not served"
	[ "$proto" = tcp ] || peer "$host" say "allowed.$port" hello >/dev/null ||
		fail "$row: the other client has no answer"
	expect "1 0 1 in conntrack: 1" \
		"$(table "$server" "$port" "$proto") in conntrack: $(confirmed)" \
		"$row: active, inactive, total with the other client"
}

# A row's rule, with a port of its own. row_rule MAX-CONNS [OPTION...]
row_rule() {
	port=$((port + 1))
	"$rules" -t nat -A "$chain" -d "$to" -p "$proto" --dport "$port" \
		-j LEASTCONN --to "$(socket "$server" "$port"),max-conns=$1" "${@:2}"
}

# stops PLACE HOW ROW...: HOW, a function, stops what a row says; a row is a
# family, a protocol, and words for HOW
stops() {
	local row family proto words

	stops_setup
	for row in "${@:3}"; do
		read -r family proto words <<<"$row"
		place "$1" "$family"
		row_rule 2
		peer "$listener" listen "$proto" "$server" "$port"
		# shellcheck disable=SC2086 # words
		"$2" $words
		stopped_and_forgotten
	done
	agrees_for 1500
}

socket() { # ADDR PORT: as rules have it
	case $1 in
	*:*) echo "[$1]:$2" ;;
	*) echo "$1:$2" ;;
	esac
}

stops_setup() {
	port=1000
	setup 1
	addr_lines eth0 10.0.0.3/24 fd00:0::3/64 | ip -n "$cl" -batch -
	ip -n "$lb" route add $vip via 10.0.1.1
	ip -n "$lb" route add $vip6 via fd00:1::1
	on "$lb" sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
	hear "$cl"
	hear "$lb"
}

ways=("4 tcp" "4 udp" "6 tcp" "6 udp")
rejects=(
	"4 tcp tcp-reset"
	"4 tcp icmp-port-unreachable"
	"4 tcp icmp-host-prohibited"
	"4 udp icmp-port-unreachable"
	"4 udp icmp-host-prohibited"
	"6 tcp tcp-reset"
	"6 tcp icmp6-port-unreachable"
	"6 tcp icmp6-adm-prohibited"
	"6 udp icmp6-port-unreachable"
	"6 udp icmp6-adm-prohibited"
)

# In the chain of the filter table that the way leads through.
rejected() { # MESSAGE
	"$rules" -A "$hook" -p "$proto" -s "$stopped" --dport "$port" \
		-j REJECT --reject-with "$1"
}

test_rejected_in_forward() { # short
	stops forward rejected "${rejects[@]}"
}

test_rejected_in_input() {
	stops input rejected "${rejects[@]}"
}

test_rejected_in_output() {
	stops output rejected "${rejects[@]}"
}

# Behind the rule, in front of the route. iptables has no such place.
rejected_before_the_route() { # MESSAGE
	on "$lb" nft -f - <<-RULES
	table inet early {
		chain in {
			type filter hook prerouting priority -90;
		}
	}
	add rule inet early in $saddr $stopped $proto dport $port reject with $*
	RULES
}

test_rejected_in_prerouting() {
	need nft
	stops forward rejected_before_the_route \
		{"4 ","6 "}{"tcp tcp reset","tcp icmpx port-unreachable"} \
		{"4 ","6 "}"udp icmpx "{port-unreachable,admin-prohibited}
}

dropped() { # CHAIN
	answers=0
	"$rules" -t mangle -A "$1" -p "$proto" -s "$stopped" --dport "$port" -j DROP
}

test_dropped_in_forward() {
	stops forward dropped "${ways[@]/%/ FORWARD}"
}

test_dropped_in_input() {
	stops input dropped "${ways[@]/%/ INPUT}"
}

test_dropped_in_postrouting() {
	stops forward dropped "${ways[@]/%/ POSTROUTING}"
}

test_dropped_in_postrouting_of_our_own() {
	stops output dropped "${ways[@]/%/ POSTROUTING}"
}

# At conntrack's own priority, in a chain that is newer than the first rule.
dropped_last() { # HOOK PRIORITY
	answers=0
	on "$lb" nft -f - <<-RULES
	table ${saddr% *} late {
		chain $1 {
			type filter hook $1 priority $2;
		}
	}
	add rule ${saddr% *} late $1 $saddr $stopped $proto dport $port drop
	RULES
}

test_dropped_last_in_postrouting() {
	need nft
	stops forward dropped_last "${ways[@]/%/ postrouting 2147483647}"
}

test_dropped_last_in_input() {
	need nft
	stops input dropped_last "4 "{tcp,udp}" input 2147483647" \
		"6 "{tcp,udp}" input 2147483646"
}

# route HOST TYPE [WORD...]: the stopped clients' packets' there
route() {
	ip -n "$1" "-$family" route replace "${@:2}" table 7
	ip -n "$1" "-$family" rule show | grep -q "lookup 7" ||
		ip -n "$1" "-$family" rule add from "$stopped" lookup 7
}

short_lived() {
	route "$cl" default via "$gateway" dev eth0 hoplimit 1
}

test_hop_limit_ends_here() { # short
	stops forward short_lived "${ways[@]}"
}

unroutable() { # TYPE
	[ "$1" != blackhole ] || answers=0
	route "$lb" "$1" default
}

test_no_route_leads_on() {
	# These errors have a limit of their own, for all namespaces.
	sysctl -qw net.ipv4.route.error_cost=0
	stops forward unroutable "${ways[@]/%/ unreachable}" \
		"${ways[@]/%/ prohibit}" "${ways[@]/%/ blackhole}"
}

# The route is looked up again when the address has been translated.
unroutable_once_translated() {
	answers=0
	ip -n "$lb" "-$family" route replace unreachable "$server" table 7
	route "$lb" unreachable "$server"
}

test_no_route_leads_from_here() {
	stops output unroutable_once_translated "${ways[@]}"
}

too_large() {
	ip -n "$lb" link set server mtu 1280
	text=$(printf '%01300d' 0)
}

test_too_large_to_go_on() {
	stops forward too_large "4 udp" "6 udp"
}

# Packets to a VRF pass POST_ROUTING twice; conntrack confirms the second time.
leak_into_vrf() {
	ip -n "$lb" link add blue type vrf table 10 || skip "no VRF"
	ip -n "$lb" -batch - <<-LEAK
	link set blue up
	link set server master blue
	addr replace fd00:1::fe/64 dev server nodad
	route replace 10.0.1.0/24 dev blue
	route replace fd00:1::/64 dev blue
	route replace 10.0.0.0/24 dev client table 10
	route replace fd00:0::/64 dev client table 10
	LEAK
}

dropped_in_vrf() {
	answers=0
	[ -n "$(ip -n "$lb" link show type vrf)" ] || leak_into_vrf
	"$rules" -A OUTPUT -p "$proto" -s "$stopped" --dport "$port" -j DROP
}

test_dropped_in_vrf() {
	stops forward dropped_in_vrf "${ways[@]}"
}

# ---- stopped by the balancer when there is an entry ----

# A neighbour is looked for when conntrack has confirmed the entry.
test_what_finds_no_neighbour_has_an_entry() {
	local row family proto

	stops_setup
	on "$lb" sysctl -qw \
		net.ipv{4,6}.neigh.server.{mcast_solicit=1,retrans_time_ms=100}
	for row in "${ways[@]}"; do
		read -r family proto <<<"$row"
		place forward "$family"
		server+=77
		row_rule 2
		answers=$(($(heard) + 1))
		begin "none.$port" "$stopped" nowait
		busywait 10000 reaches $answers heard || fail "$row: not told"
		expect "1 0 1 in conntrack: 1" \
			"$(table "$server" "$port" "$proto") in conntrack: $(confirmed)" \
			"$row: active, inactive, total"
	done
	agrees_for 1500
}

# Two SYNs from one port, one right after the other. The first one has an entry
# and no answer; the second one is refused here, by a reset whose source port, 771,
# would be type and code of "port unreachable". It is no failure of the backend.
# Kernels that have nf_ct_set_closing() close the entry, and then nobody looks.
test_a_reset_made_here_is_no_icmp_error() { # short
	local syn="tcp $vip 771 from 10.0.0.2,4000 nowait"

	setup 2
	ipt -t mangle -A POSTROUTING -p tcp --tcp-flags RST RST
	on "$sv" "$iptables" -w -A INPUT -p tcp -j DROP
	balance tcp 771 10.0.1.1-10.0.1.2:771 --max-fails 1 --fail-timeout 60
	ipt -A FORWARD -p tcp -m conntrack --ctstatus CONFIRMED \
		-j REJECT --reject-with tcp-reset
	# shellcheck disable=SC2086 # words
	peer "$cl" open a $syn and close a and open b $syn
	busywait 5000 saw_at_least POSTROUTING 1 || fail "no reset was sent"
	pause 300
	[[ $(reasons) != *refused* ]] || fail "ejected: $(reasons)"
}

reasons() { # of all backends that are ejected
	on "$lb" awk 'FNR > 1 { print $11 }' /proc/net/leastconn
}

# ---- sent again ----

test_retransmitted_syns_count_once() {
	setup 2
	on "$sv" "$iptables" -w -A INPUT -p tcp --dport 80 -j DROP
	balance tcp 80 10.0.1.1:80,10.0.1.2:80
	ipt -t mangle -A POSTROUTING -p tcp --syn
	peer "$cl" open c tcp $vip 80 nowait
	busywait 15000 saw_at_least POSTROUTING 3 || fail "no retransmissions"
	expect "1 0" "$(loads)" "loads"
	expect "1 0 1" "$(table 10.0.1.1)" "active, inactive, total of 10.0.1.1"
	expect 1 "$(vip_entries)" "entries in conntrack"
	agree 1000
}

# What was dropped on the way is translated anew when it is sent again.
test_a_syn_counts_when_it_passes_in_the_end() {
	setup 1
	serve tcp 80
	balance tcp 80 10.0.1.1:80
	ipt -t mangle -A FORWARD -p tcp --syn
	ipt -A FORWARD -p tcp --syn -j DROP
	server=10.0.1.1
	dropped_and_forgotten FORWARD
	ipt -F FORWARD
	busywait 10000 loads_are 1 || fail "the SYN was not sent again"
	expect "1 0 1" "$(table 10.0.1.1)" "active, inactive, total"
	has_served 1 10.0.1.1
	agree 1000
}

# ---- held up ----

queue_new() { # CHAIN PROTO: first packets wait there in queue 5
	modprobe nfnetlink_queue
	on "$lb" "$here/hold" 5 "$tmp/hold.pid"
	ipt -A "$1" -p "$2" -m conntrack --ctstate NEW \
		-j NFQUEUE --queue-num 5 --queue-bypass
}

holds() { # N packets are in the queue
	on "$lb" awk -v n="$1" '$1 == 5 { held = $3 } END { exit held != n }' \
		/proc/net/netfilter/nfnetlink_queue
}

let_go() {
	kill -TERM "$(cat "$tmp/hold.pid")"
}

test_a_held_packet_counts_when_it_passes() {
	local until

	setup 2
	serve udp 53
	balance udp 53 10.0.1.1:53,10.0.1.2:53
	queue_new FORWARD udp
	peer "$cl" open c udp $vip 53
	peer "$cl" tell c hello
	busywait 5000 holds 1 || fail "the packet was not queued"
	until=$((${EPOCHREALTIME/./} + 3000000))
	while [ "${EPOCHREALTIME/./}" -lt $until ]; do
		expect "0 0" "$(loads)" "loads while the packet is held"
		expect 0 "$(vip_entries)" "entries in conntrack"
	done
	let_go
	expect_loads 1000 "1 0" "loads when it has passed"
	agrees_for 1500
	expect "1 0" "$(loads)" "loads later on"
	expect "1 0 1" "$(table 10.0.1.1 53 udp)" "active, inactive, total"
}

# Each held packet has an entry of its own, with a backend of its own. When the
# first has made its entry the kernel gives it to the others, translation and
# all, as they leave the queue.
test_first_packets_held_side_by_side_count_once() {
	local i

	setup 3
	serve udp 53
	balance udp 53 10.0.1.1:53,10.0.1.2:53,10.0.1.3:53
	queue_new FORWARD udp
	peer "$cl" open c udp $vip 53
	for i in 1 2 3 4 5 6 7; do
		peer "$cl" tell c "packet $i"
	done
	busywait 5000 holds 7 || fail "the packets were not queued"
	expect "0 0 0" "$(loads)" "loads while all are held"
	let_go
	busywait 5000 is 1 vip_entries || fail "$(vip_entries) entries"
	expect_loads 1000 "1 0 0" "loads after the race"
	agrees_for 1500
	expect "1 0 0" "$(loads)" "loads later on"
	expect 1 "$(totals)" "connections ever counted"
}

# Conntrack puts a new entry in the place of the closed one that has the same
# addresses and ports. Its record is there still, and takes the new one over.
test_a_port_used_again_counts_at_once() {
	local i

	setup 1
	serve tcp 80
	balance tcp 80 10.0.1.1:80
	for i in 1 2 3 4 5 6 7 8; do
		peer "$cl" open c tcp $vip 80 from 10.0.0.2,4000
		expect 1 "$(loads)" "loads with connection $i"
		peer "$cl" reset c
	done
	expect 1 "$(vip_entries)" "entries in conntrack"
	expect 8 "$(totals)" "connections ever counted"
}

run_tests "$@"
