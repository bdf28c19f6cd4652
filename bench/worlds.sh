# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The worlds that are compared: a balancer each, in a namespace of its own, with one way to choose a backend. Sourced in
# the guest.
#
#	hosts                     lb-NAME                        hosts
#	c-NAME ------------------ client   server -------------- s-NAME
#	10.0.0.0/12, clients                 10.64.0.0/16, backends 10.64.0.1 and so on
#
# Who gets what the balancer forwards: nobody. It goes to a hardware address that is not the host's, which drops it first
# thing. 203.0.113.10 is what is balanced; 10.64.255.255 is a server that no rule knows.

vip=203.0.113.10
iptables=${LC_IPTABLES:-iptables}

# Processes are dear where the processor is emulated.
on() { # NAMESPACE COMMAND...
	nsenter --net="/run/netns/$1" "${@:2}"
}

# Before the first world: what all of them share.
hosts_up() { # LIVE: so many connections will be in each of two worlds
	local entries=$((2 * $1 + 65536))
	modprobe -a nf_conntrack nf_conntrack_netlink
	# IPVS' table is as large as conntrack's.
	modprobe ip_vs conn_tab_bits=$(($1 < 100000 ? 17 : 20))
	sysctl -qw net.netfilter.nf_conntrack_max=$((2 * entries)) net.netfilter.nf_conntrack_buckets=$entries \
		kernel.sched_rt_runtime_us=-1 net.core.netdev_max_backlog=10000
	[ ! -w /sys/kernel/rcu_expedited ] || echo 1 >/sys/kernel/rcu_expedited
	# Packets that a tick leaves to it must not wait for the batch's end.
	chrt -f -p 2 "$(pgrep -x ksoftirqd/0)"
	ip netns add hosts
	on hosts sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
}

# world_up NAME WAY PROTO BACKENDS. The clock may jump by hours while an emulated machine waits for its host: nothing
# times out.
world_up() {
	local lb=lb-$1
	ip netns add "$lb"
	on "$lb" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 net.ipv4.ip_forward=1 \
		net.netfilter.nf_conntrack_udp_timeout=4000000 net.netfilter.nf_conntrack_tcp_timeout_syn_sent=4000000 \
		net.netfilter.nf_conntrack_tcp_timeout_time_wait=4000000
	ip -n "$lb" -batch - <<-DEVICES
	link set lo up
	link add client address 02:00:00:00:00:01 type veth peer name c-$1 netns hosts
	link add server address 02:00:00:00:00:02 type veth peer name s-$1 netns hosts
	addr add 10.255.0.1/30 dev client
	addr add 10.255.1.1/30 dev server
	link set client up
	link set server up
	neigh add 10.255.0.2 lladdr 02:00:00:00:00:ff dev client
	neigh add 10.255.1.2 lladdr 02:00:00:00:00:ff dev server
	route add 10.0.0.0/12 via 10.255.0.2
	route add 10.64.0.0/16 via 10.255.1.2
	DEVICES
	ip -n hosts -batch - <<-DEVICES
	link set c-$1 up
	link set s-$1 up
	DEVICES
	"way_$2" "$lb" "$3" "$4"
}

world_down() { # NAME
	ip netns del "lb-$1"
}

# Rules of the nat table, in the front end that is asked for.
restore() { # NAMESPACE
	(echo "*nat"; cat; echo "COMMIT") | on "$1" "$iptables-restore"
}

rule() { # PROTO REST...
	echo "-A PREROUTING -d $vip -p $1 --dport 80 ${*:2}"
}

backend() { # NUMBER, from 1
	echo "10.64.$(($1 / 256)).$(($1 % 256))"
}

# --- the ways: way_NAME NAMESPACE PROTO BACKENDS

way_dnat() {
	rule "$2" -j DNAT --to-destination "$(backend 1):80" | restore "$1"
}

# More than a rule can list are a pool's.
way_leastconn() {
	local i
	if [ "$3" -le 64 ]; then
		rule "$2" -j LEASTCONN --to "$(backend 1)-$(backend "$3"):80" | restore "$1"
		return
	fi
	{
		echo "pool add all"
		for ((i = 1; i <= $3; i++)); do echo "add all $(backend "$i"):80 proto $2"; done
	} | on "$1" leastconnctl restore
	rule "$2" -j LEASTCONN --pool all | restore "$1"
}

# Connections are tracked, none is translated: what is balanced is a host behind the balancer.
way_none() {
	track "$1"
	ip -n "$1" route add "$vip" via 10.255.1.2
}

# By a hash of the client's address.
way_range() {
	rule "$2" -j DNAT --to-destination "$(backend 1)-$(backend "$3"):80" | restore "$1"
}

# A rule for each backend; the last takes what is left.
chain() { # PROTO BACKENDS OPTIONS: of statistic, of a rule with $left backends
	local i left
	for ((i = 1; i < $2; i++)); do
		left=$(($2 - i + 1))
		rule "$1" -m statistic "$($3 $left)" -j DNAT --to-destination "$(backend $i):80"
	done
	rule "$1" -j DNAT --to-destination "$(backend "$2"):80"
}

random_options() { awk -v n="$1" 'BEGIN { printf "--mode random --probability %.9f\n", 1 / n }'; }
nth_options() { echo "--mode nth --every $1 --packet 0"; }

way_random() { chain "$2" "$3" random_options | restore "$1"; }
way_nth() { chain "$2" "$3" nth_options | restore "$1"; }

# nft_map NAMESPACE PROTO BACKENDS CHOICE
nft_map() {
	local i map=
	for ((i = 0; i < $3; i++)); do map+="$i : $(backend $((i + 1))) . 80, "; done
	on "$1" nft -f - <<-RULES
	table ip balance {
		chain prerouting {
			type nat hook prerouting priority dstnat
			ip daddr $vip $2 dport 80 dnat ip to $4 mod $3 map { $map }
		}
	}
	RULES
}

way_nft-random() { nft_map "$@" "numgen random"; }
way_nft-hash() { nft_map "$@" "jhash ip saddr . $2 sport"; }

# ipvs SCHEDULER NAMESPACE PROTO BACKENDS. Nothing is tracked: IPVS can do without, and is the faster for it.
ipvs() {
	local i type=-t
	[ "$3" = tcp ] || type=-u
	ip -n "$2" addr add "$vip/32" dev lo
	{
		echo "-A $type $vip:80 -s $1"
		for ((i = 1; i <= $4; i++)); do echo "-a $type $vip:80 -r $(backend "$i"):80 -m"; done
	} | on "$2" ipvsadm -R
}

way_ipvs-rr() { ipvs rr "$@"; }
way_ipvs-lc() { ipvs lc "$@"; }
way_ipvs-wlc() { ipvs wlc "$@"; }
way_ipvs-sed() { ipvs sed "$@"; }

# How many backends there can be: no end, but these have one.
way_most() { # WAY
	case $1 in
	dnat | none) echo 1 ;;
	*) echo 65535 ;;
	esac
}

# Who keeps a way's connections, as bench/load has it.
way_keeper() { # WAY
	case $1 in
	leastconn | ipvs-sed) echo "$1" ;;
	ipvs-*) echo ipvs ;;
	*) echo conntrack ;;
	esac
}

# Connection tracking, without a rule that packets pass.
track() { # NAMESPACE
	on "$1" nft 'add table ip track; add chain ip track nobody; add rule ip track nobody ct state new'
}
