#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Every way a connection can come: translated right, and counted right.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# The balancer's own connections to $vip need a route to start with.
route_vip() {
	ip -n "$lb" route add $vip/32 dev client
}

# Packets that rule 1 of the nat table's CHAIN has taken.
rule_packets() { # [CHAIN]
	ipt -t nat -L "${1:-PREROUTING}" -v -n -x |
		awk '/LEASTCONN/ { print $1; exit }'
}

# Two connections are opened, are answered, and are on two backends.
two_are_spread() { # HOST
	peer "$1" open a tcp $vip 80
	peer "$1" open b tcp $vip 80
	expect hello "$(peer "$1" say a hello)" "the echo"
	expect "1 1" "$(loads)" "loads"
	agree 1000
}

# ---- nobody translates, or to where it goes anyway ----

test_a_direct_connection_is_load_too() {
	setup 2
	serve tcp 80
	balance tcp 80 10.0.1.1:80,10.0.1.2:80
	peer "$cl" open direct tcp 10.0.1.1 80
	expect "1 0" "$(loads)" "loads with the direct connection"
	peer "$cl" open c tcp $vip 80
	has_served 1 10.0.1.2
	expect "1 1" "$(loads)" "loads with both"
	agree 1000
}

test_a_backend_that_is_the_original_destination() {
	setup 2
	serve tcp 80
	ipt -t nat -A PREROUTING -d 10.0.1.1 -p tcp --dport 80 \
		-j LEASTCONN --to 10.0.1.1:80,10.0.1.2:80
	peer "$cl" open a tcp 10.0.1.1 80
	peer "$cl" open b tcp 10.0.1.1 80
	expect "1 1" "$(loads)" "loads"
	has_served 1 10.0.1.1
	agree 1000
}

# ---- where a connection begins and ends ----

test_output_tcp() {
	setup 2
	serve tcp 80
	route_vip
	ipt -t nat -A OUTPUT -d $vip -p tcp --dport 80 \
		-j LEASTCONN --to 10.0.1.1:80,10.0.1.2:80
	two_are_spread "$lb"
	peer "$lb" reset a
	expect_loads 1000 "0 1" "loads in the end"
	agree 1000
}

test_output_udp() {
	setup 2
	serve udp 53
	route_vip
	ipt -t nat -A OUTPUT -d $vip -p udp --dport 53 \
		-j LEASTCONN --to 10.0.1.1:53,10.0.1.2:53
	peer "$lb" open a udp $vip 53
	peer "$lb" open b udp $vip 53
	expect one "$(peer "$lb" say a one)" "the echo"
	expect two "$(peer "$lb" say b two)" "the echo"
	expect more "$(peer "$lb" say a more)" "the echo to a second datagram"
	expect "1 1" "$(loads)" "loads"
	agree 1000
}

test_hairpin() {
	local i

	setup 2
	serve tcp 80
	# A redirect would have the servers forget the way to the balancer.
	on "$lb" sysctl -qw net.ipv4.conf.all.send_redirects=0 \
		net.ipv4.conf.server.send_redirects=0
	balance tcp 80 10.0.1.1:80,10.0.1.2:80
	ipt -t nat -A POSTROUTING -s 10.0.1.0/24 -d 10.0.1.0/24 -j MASQUERADE
	# A client of its own on the servers' host: one that waits for an answer
	# gives none. One of its connections comes back to where it began.
	on "$sv" "$peer" serve "$tmp/in.sock"
	for i in 1 2; do
		"$peer" ask "$tmp/in.sock" open "c.$i" tcp $vip 80 from 10.0.1.1
		expect hello "$("$peer" ask "$tmp/in.sock" say "c.$i" hello)" "the echo"
	done
	expect "1 1" "$(loads)" "loads"
	expect 2 "$(grep -c ' 10.0.1.254 ' "$tmp/$sv.log")" \
		"connections from the balancer's address"
	agree 1000
}

test_a_backend_on_the_balancer() {
	setup 1
	serve tcp 80
	peer "$lb" listen tcp 10.0.1.254 80
	balance tcp 80 10.0.1.254:80,10.0.1.1:80
	two_are_spread "$cl"
	expect 1 "$(grep -c '^10.0.1.254 80 ' "$tmp/$lb.log")" \
		"connections that the balancer accepted"
	has_served 1 10.0.1.1
	peer "$cl" close '*'
	expect_loads 1000 "0 0" "loads in the end"
	agree 1000
}

test_masquerade_behind() {
	setup 2
	serve tcp 80
	balance tcp 80 10.0.1.1:80,10.0.1.2:80
	ipt -t nat -A POSTROUTING -o server -j MASQUERADE
	two_are_spread "$cl"
	expect 2 "$(grep -c ' 10.0.1.254 ' "$tmp/$sv.log")" \
		"connections from the balancer's address"
}

test_ipv6_output() {
	setup 2
	serve tcp 80
	ip -n "$lb" -6 route add $vip6/128 dev client
	ip6t -t nat -A OUTPUT -d $vip6 -p tcp --dport 80 \
		-j LEASTCONN --to "[fd00:1::1]:80,[fd00:1::2]:80"
	peer "$lb" open a tcp $vip6 80
	peer "$lb" open b tcp $vip6 80
	expect "1 1" "$(loads)" "loads"
	agree 1000
}

# ---- protocols ----

test_ipv6_through_prerouting() { # short
	setup 2
	serve tcp 80
	balance6 tcp 80 "[fd00:1::1]:80,[fd00:1::2]:80"
	peer "$cl" open a tcp $vip6 80
	peer "$cl" open b tcp $vip6 80
	expect hello "$(peer "$cl" say a hello)" "the echo"
	expect "1 1" "$(loads)" "loads"
	peer "$cl" reset '*'
	expect_loads 1000 "0 0" "loads in the end"
	agree 1000
}

test_sctp() {
	modprobe -q sctp || skip "this kernel has no SCTP"
	setup 2
	# Not on all addresses: SCTP would offer the client every one of them.
	peer "$sv" listen sctp 10.0.1.1 80
	peer "$sv" listen sctp 10.0.1.2 80
	balance sctp 80 10.0.1.1:80,10.0.1.2:80
	peer "$cl" open a sctp $vip 80
	peer "$cl" open b sctp $vip 80
	expect hello "$(peer "$cl" say a hello)" "the echo"
	expect "1 1" "$(loads)" "loads"
	agree 1000
}

test_udplite() { # short
	local i

	setup 2
	peer "$sv" listen udplite 0.0.0.0 80 || skip "this kernel has no UDP-Lite"
	# Conntrack checks UDP-Lite's checksum as if it were UDP's: all invalid.
	modprobe nf_conntrack
	on "$lb" sysctl -qw net.netfilter.nf_conntrack_checksum=0
	ipt -t nat -A PREROUTING -d $vip -p udplite -m multiport --dports 80 \
		-j LEASTCONN --to 10.0.1.1:80,10.0.1.2:80
	for i in 1 2; do
		peer "$cl" open "c.$i" udplite $vip 80
		expect hello "$(peer "$cl" say "c.$i" hello)" "the echo"
	done
	expect "1 1" "$(loads)" "loads"
	agree 1000
}

test_icmp_keeps_its_id() {
	need ping
	setup 2
	ipt -t nat -A PREROUTING -d $vip -p icmp \
		-j LEASTCONN --to 10.0.1.1,10.0.1.2
	on "$cl" ping -q -c 1 -W 5 -e 4321 $vip
	on "$cl" ping -q -c 1 -W 5 -e 4322 $vip
	expect "4321 4321
4322 4322" "$(on "$lb" conntrack -L -p icmp 2>/dev/null | tr ' ' '\n' |
		sed -n 's/^id=//p' | paste -d ' ' - - | sort)" \
		"ids of request and reply"
	expect "1 1" "$(loads)" "loads"
	agree 1000
}

test_a_portless_backend_keeps_the_port() {
	setup 2
	serve tcp 8080
	balance tcp 8080 10.0.1.1,10.0.1.2
	peer "$cl" open a tcp $vip 8080
	peer "$cl" open b tcp $vip 8080
	has_served 1 10.0.1.1 8080
	has_served 1 10.0.1.2 8080
	expect "1 1" "$(loads)" "loads"
	agree 1000
}

# ---- who is balanced ----

test_a_mark_chooses_who_is_balanced() {
	setup 3
	serve tcp 80
	ip -n "$cl" addr add 10.0.0.3/24 dev eth0
	ipt -t mangle -A PREROUTING -s 10.0.0.3 -j MARK --set-mark 7
	balance tcp 80 10.0.1.1:80,10.0.1.2:80 -m mark --mark 7
	ipt -t nat -A PREROUTING -d $vip -p tcp -j DNAT --to 10.0.1.3:80
	peer "$cl" open unmarked tcp $vip 80 from 10.0.0.2
	has_served 1 10.0.1.3
	expect "0 0" "$(loads)" "loads"
	peer "$cl" open marked tcp $vip 80 from 10.0.0.3
	has_served 1 10.0.1.3
	expect "1 0" "$(loads)" "loads"
	agree 1000
}

test_user_chains() {
	setup 2
	serve tcp 80
	route_vip
	ipt -t nat -N web
	ipt -t nat -A web -p tcp --dport 80 \
		-j LEASTCONN --to 10.0.1.1:80,10.0.1.2:80
	ipt -t nat -A PREROUTING -d $vip -j web
	ipt -t nat -A OUTPUT -d $vip -j web
	peer "$cl" open a tcp $vip 80
	peer "$lb" open b tcp $vip 80
	expect "1 1" "$(loads)" "loads"
	expect 2 "$(rule_packets web)" "packets of the rule"
	agree 1000
}

test_rule_counters_count_connections() {
	local i

	setup 2
	serve tcp 80
	balance tcp 80 10.0.1.1:80,10.0.1.2:80
	for i in 1 2 3; do
		peer "$cl" open "c.$i" tcp $vip 80
		peer "$cl" say "c.$i" hello
	done
	expect 3 "$(rule_packets)" "packets of the rule"
	# By its number: iptables-nft 1.8.7 leaves all rules of a chain as they are.
	ipt -t nat -Z PREROUTING 1
	expect 0 "$(rule_packets)" "packets of the rule after -Z"
	expect "2 1" "$(loads)" "loads after -Z"
	peer "$cl" open c.4 tcp $vip 80
	expect 1 "$(rule_packets)" "packets of the rule"
}

test_the_next_rule_applies_when_no_backend_can() {
	setup 3
	serve tcp 80
	balance tcp 80 10.0.1.1:80,weight=0,10.0.1.2:80,weight=0
	ipt -t nat -A PREROUTING -d $vip -p tcp -j DNAT --to 10.0.1.3:80
	peer "$cl" open c tcp $vip 80
	has_served 1 10.0.1.3
	expect "0 0" "$(loads)" "loads"
	agree 1000
}

# ---- conntrack in other moods ----

zone_counts() { # MARK CT-OPTIONS: entries show the mark
	setup 2
	serve tcp 80
	ipt -t raw -A PREROUTING "${@:2}"
	balance tcp 80 10.0.1.1:80,10.0.1.2:80
	two_are_spread "$cl"
	expect 2 "$(on "$lb" conntrack -L 2>/dev/null | grep -c " $1 ")" \
		"entries with $1"
	# Re-checked, not forgotten.
	agrees_for 1500
	expect "1 1" "$(loads)" "loads later on"
	peer "$cl" reset '*'
	expect_loads 1000 "0 0" "loads in the end"
	agree 1000
}

test_zone() {
	zone_counts zone=5 -j CT --zone 5
}

test_zone_of_the_original_direction() {
	zone_counts zone-orig=5 -i client -j CT --zone-orig 5
}

# The same addresses and ports on two wires are two connections.
test_one_tuple_in_two_zones() {
	local twin=twin-$id

	setup 2
	serve udp 53
	host_add "$twin"
	link "$twin" eth0 10.0.0.2/24 "$lb" client2 ""
	ip -n "$twin" route add default via 10.0.0.1
	ipt -t raw -A PREROUTING -i client -j CT --zone-orig 5
	ipt -t raw -A PREROUTING -i client2 -j CT --zone-orig 6
	balance udp 53 10.0.1.1:53,10.0.1.2:53
	peer "$cl" open c udp $vip 53 from 10.0.0.2,4000
	peer "$twin" open c udp $vip 53 from 10.0.0.2,4000
	peer "$cl" tell c one
	peer "$twin" tell c two
	expect_loads 1000 "1 1" "loads in the end"
	expect 2 "$(on "$lb" conntrack -L -p udp --orig-port-src 4000 \
		2>/dev/null | grep -c zone-orig)" "entries"
	agrees_for 1500
	expect "1 1" "$(loads)" "loads"
}

test_notrack_is_left_alone() {
	setup 2
	serve tcp 80
	ip -n "$lb" addr add $vip/32 dev lo
	peer "$lb" listen tcp $vip 80
	ipt -t raw -A PREROUTING -d $vip -p tcp -j CT --notrack
	balance tcp 80 10.0.1.1:80,10.0.1.2:80
	peer "$cl" open c tcp $vip 80
	expect 1 "$(grep -c "^$vip 80 " "$tmp/$lb.log")" \
		"connections that the balancer itself accepted"
	expect "0 0" "$(loads)" "loads"
	agree 1000
}

# ---- ftp: a server that echoes says whatever the client has it say ----

# ftp_control ADDR: the control connection. The rules match whatever is TCP:
# nothing but RELATED keeps the data connections from them.
ftp_control() {
	modprobe nf_conntrack_ftp
	setup 2
	serve tcp 21
	serve tcp 51201
	ipt -t raw -A PREROUTING -p tcp --dport 21 -j CT --helper ftp
	ipt -t nat -A PREROUTING -p tcp --dport 21 -j LEASTCONN --to 10.0.1.1:21
	ipt -t nat -A PREROUTING -p tcp -j LEASTCONN --to 10.0.1.1,10.0.1.2
	peer "$cl" open control tcp "$1" 21
	peer "$cl" say control '220 ready\r\n'
	expect "1 1 0" "$(loads)" "loads with the control connection"
}

# ftp_passive ADDR: the client is told ADDR, and connects to it for its data
ftp_passive() {
	local told

	told=$(peer "$cl" say control \
		'227 Entering Passive Mode (10,0,1,1,200,1)\r\n')
	case $told in
	*"(${1//./,},200,1)"*) ;;
	*) fail "the client was told $told" ;;
	esac
	peer "$cl" open data tcp "$1" 51201
	has_served 1 10.0.1.1 51201
	expect "1 2 0" "$(loads)" "loads"
	agree 1000
}

last_accepted() {
	awk 'END { print $1, $2, $3 }' "$tmp/$cl.log"
}

# ftp_active: the server's data connection, nobody's load, comes to the client
ftp_active() {
	peer "$cl" listen tcp 10.0.0.2 51202
	peer "$cl" tell control 'PORT 10,0,0,2,200,2\r\n'
	peer "$sv" open data tcp 10.0.0.2 51202 from 10.0.1.1,20
	busywait 1000 is "10.0.0.2 51202 $1" last_accepted ||
		expect "10.0.0.2 51202 $1" "$(last_accepted)" \
			"the data connection, as the client sees it"
	expect "1 1 0" "$(loads)" "loads"
	agree 1000
}

# What is built into the kernel is always there.
without_nat_helper() {
	! grep -q '/nf_nat_ftp\.ko' "/lib/modules/$(uname -r)/modules.builtin" ||
		skip "FTP's NAT helper is built into this kernel"
	modprobe -qr nf_nat_ftp || true
}

# Without its NAT helper, ftp works where the client sees the server's address.
test_ftp_passive_without_its_nat_helper() {
	without_nat_helper
	ftp_control 10.0.1.1
	ftp_passive 10.0.1.1
}

test_ftp_active_without_its_nat_helper() {
	without_nat_helper
	ftp_control $vip
	ftp_active 10.0.1.1
}

test_ftp_passive_with_its_nat_helper() { # short
	modprobe nf_nat_ftp
	ftp_control $vip
	ftp_passive $vip
}

test_ftp_active_with_its_nat_helper() {
	modprobe nf_nat_ftp
	ftp_control $vip
	ftp_active $vip
}

# ---- flowtables: packets that pass by the hooks ----

flowtable() {
	need nft
	modprobe -q nft_flow_offload || skip "this kernel has no flowtables"
	setup 2
	serve tcp 80
	balance tcp 80 10.0.1.1:80,10.0.1.2:80
	on "$lb" nft -f - <<-RULES
	table ip shortcut {
		flowtable fast {
			hook ingress priority 0; devices = { client, server };
		}
		chain forward {
			type filter hook forward priority 0;
			meta l4proto tcp flow add @fast
		}
	}
	RULES
	peer "$cl" open a tcp $vip 80
	peer "$cl" open b tcp $vip 80
	peer "$cl" say a one
	peer "$cl" say b one
	expect 2 "$(shortcuts)" "offloaded entries"
}

shortcuts() {
	on "$lb" conntrack -L 2>/dev/null | grep -c OFFLOAD || true
}

# Conntrack tells no state of an entry on a flowtable. 5.10 lets go of a closed
# one with the flowtable's next sweep, a second later.
expect_shortcuts() { # WANTED
	busywait 5000 is "$1" shortcuts ||
		expect "$1" "$(shortcuts)" "offloaded entries"
}

test_flowtable_counts_while_it_forwards() {
	flowtable
	expect two "$(peer "$cl" say a two)" "the echo"
	expect "1 1" "$(loads)" "loads"
	agrees_for 1500
	expect "1 1" "$(loads)" "loads later on"
}

test_flowtable_fin_and_rst_are_seen() { # short
	case $(uname -r) in
	[0-6].*) ;;
	*) skip "from 7.x on no hook sees the FIN of an offloaded connection" ;;
	esac
	flowtable
	peer "$cl" close a
	expect_loads 1000 "0 1" "loads in the end"
	expect_shortcuts 1
	agree 1000
	# Conntrack has not seen the answers that came by the shortcut, so it
	# may refuse the RST, and leave the entry ESTABLISHED: load is what it says.
	peer "$cl" reset b
	expect_shortcuts 0
	agrees_for 1500
	on "$lb" conntrack -F 2>/dev/null
	expect_loads 1000 "0 0" "loads without entries"
	agree 1000
}

run_tests "$@"
