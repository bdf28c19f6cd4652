# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# A service with four backends, one of which is bad, balanced in the ways of worlds.sh. Sourced in the guest.
#
#	client                 lb-NAME                      server-1 ... server-4
#	10.0.0.2/24 --------- 10.0.0.1   10.255.1.1 (each) --- 10.64.0.1 ... 10.64.0.4
#
# Who was sent a connection is what nft saw of SYNs in each server's namespace, before anybody there could drop them. A
# client's port is one connection's, so the SYNs of one that are sent again are one.

service_here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=worlds.sh
. "$service_here/worlds.sh"
# shellcheck source=terms.sh
. "$service_here/terms.sh"

bad=4

# --- hosts

hosts_of_service() { # NAME
	local i
	echo "netns add lb-$1"
	echo "netns add client"
	echo "link add eth0 netns client type veth peer name client netns lb-$1"
	for ((i = 1; i <= bad; i++)); do
		echo "netns add server-$i"
		echo "link add eth0 netns server-$i type veth peer name server-$i netns lb-$1"
	done
}

addresses() { # NAMESPACE DEVICE ADDRESS...
	{
		echo "link set lo up"
		printf "addr add %s dev $2\n" "${@:3}"
		echo "link set $2 up"
	} | ip -n "$1" -batch -
}

service_up() { # NAME
	local i
	hosts_of_service "$1" | ip -batch -
	on "lb-$1" sysctl -qw net.ipv4.ip_forward=1
	addresses client eth0 10.0.0.2/24
	addresses "lb-$1" client 10.0.0.1/24
	ip -n client route add default via 10.0.0.1
	for ((i = 1; i <= bad; i++)); do
		addresses "server-$i" eth0 "$(backend $i) peer 10.255.1.1"
		ip -n "server-$i" route add default via 10.255.1.1
		addresses "lb-$1" "server-$i" "10.255.1.1 peer $(backend $i)"
		watch_arrivals $i
	done
}

service_down() { # NAME
	local i
	for ((i = 1; i <= bad; i++)); do
		ip netns pids "server-$i" | xargs -r kill
		ip netns del "server-$i"
	done
	ip netns del "lb-$1"
	ip netns del client
}

# --- what servers do

serve() { # NUMBER MS [FIRST FIRST-MS]
	on "server-$1" "$service_here/service/server" "$1" 80 "$workers" "${@:2}"
}

watch_arrivals() { # NUMBER
	on "server-$1" nft -f - <<-RULES
	table ip arrivals {
		set seen { type ipv4_addr . inet_service; size 65536; flags dynamic; }
		chain first {
			type filter hook prerouting priority raw
			tcp flags & (syn | ack) == syn add @seen { ip saddr . tcp sport }
		}
	}
	RULES
}

# Connections of which a SYN reached it
arrivals() { # NUMBER
	on "server-$1" nft list set ip arrivals seen | { grep -oE '[0-9]+ \. [0-9]+' || true; } | wc -l
}

# --- cases: what is wrong with the last one, and when

case_refusing() { :; }

case_blackholed() {
	serve $bad "$service"
	on server-$bad nft 'add chain ip arrivals hole { type filter hook input priority 0; policy drop; }'
}

case_slow() {
	serve $bad $((service * slower))
}

# Cold: its caches are empty, say.
case_added() {
	serve $bad "$service" "$cold" $((service * slower))
}

# --- ways beside those of worlds.sh

way_leastconn-options() {
	# shellcheck disable=SC2086 # words
	rule "$2" -j LEASTCONN --to "$(backend 1)-$(backend "$3"):80" $options | restore "$1"
}

# One more backend under load, as one does it who uses this way.
way_grow() { # WAY NAMESPACE BACKENDS
	case $1 in
	ipvs-*) on "$2" ipvsadm -a -t "$vip:80" -r "$(backend "$3"):80" -m ;;
	*) "way_$1" "$2" tcp "$3" ;;
	esac
}

# New connections that the way itself says it has sent somewhere
way_used() { # WAY NAMESPACE
	local said
	case $1 in
	random | nth) said="-m statistic --mode $1" ;;
	leastconn) said="-j LEASTCONN --to" ;;
	leastconn-options) said="LEASTCONN.* $options" ;;
	esac
	case $1 in
	ipvs-*) on "$2" ipvsadm -ln --stats --exact | awk '/^TCP/ { print $3 }' ;;
	*)
		on "$2" "$iptables-save" -c -t nat | awk -v said="$said" '
			/^\[.*-A PREROUTING/ { split($1, at, /[^0-9]/); n += at[2] }
			$0 ~ said { there = 1 }
			END { print there ? n : 0 }' ;;
	esac
}
