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
	sysctl -qw net.netfilter.nf_conntrack_max=$((2 * entries)) net.netfilter.nf_conntrack_buckets=$entries \
		kernel.sched_rt_runtime_us=-1 net.core.netdev_max_backlog=10000
	[ ! -w /sys/kernel/rcu_expedited ] || echo 1 >/sys/kernel/rcu_expedited
	# Packets that a tick leaves to it must not wait for the batch's end.
	chrt -f -p 2 "$(pgrep -x ksoftirqd/0)"
	ip netns add hosts
	on hosts sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
}

# world_up NAME WAY PROTO BACKENDS
world_up() {
	local lb=lb-$1
	ip netns add "$lb"
	on "$lb" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 net.ipv4.ip_forward=1 \
		net.netfilter.nf_conntrack_udp_timeout=36000 net.netfilter.nf_conntrack_tcp_timeout_syn_sent=36000 \
		net.netfilter.nf_conntrack_tcp_timeout_time_wait=36000
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

way_leastconn() {
	rule "$2" -j LEASTCONN --to "$(backend 1)-$(backend "$3"):80" | restore "$1"
}
