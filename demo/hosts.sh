# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The demo's hosts: network namespaces, nginx in four of them, and the rules that share the load out. Sourced in the
# guest.
#
#	client          balancer                        web1 ... web4
#	10.0.0.2/24 --- 10.0.0.1   192.168.1.1 (each) --- 192.168.1.101 ... .104
#
# 203.0.113.10, where the client goes, is routed to the balancer and belongs to nobody: rules translate it.

vip=203.0.113.10
webs=(web1 web2 web3 web4)
# Requests a second that each can do. As many in all as two emulated processors carry beside wrk.
capacity=(60 60 6 6)
# shellcheck disable=SC2034 # for those who source this
pace=('' '' slow slow)
www=/tmp/leastconn-demo

web_address() { # INDEX
	echo "192.168.1.$((101 + $1))"
}

# Cheaper than `ip netns exec`, which mounts /sys anew: processes are dear on an emulated processor.
on() { # HOST COMMAND...: run it there
	nsenter --net="/run/netns/$1" "${@:2}"
}

# In the background, where $! shall be the command's own.
become() { # HOST COMMAND...
	exec nsenter --net="/run/netns/$1" "${@:2}"
}

namespaces() {
	printf 'netns add %s\n' client balancer "${webs[@]}"
	echo "link add client netns balancer type veth peer name eth0 netns client"
	printf 'link add %s netns balancer type veth peer name eth0 netns %s\n' \
		web1 web1 web2 web2 web3 web3 web4 web4
}

# addresses DEVICE ADDRESS...: with the loopback device, for ping and the like
addresses() {
	echo "link set lo up"
	printf "addr add %s dev $1\n" "${@:2}"
	echo "link set $1 up"
}

hosts_up() {
	local i
	namespaces | ip -batch -
	{
		addresses client 10.0.0.1/24
		for i in "${!webs[@]}"; do
			addresses "${webs[i]}" "192.168.1.1 peer $(web_address "$i")"
		done
	} | ip -n balancer -batch -
	on balancer sysctl -qw net.ipv4.ip_forward=1
	{ addresses eth0 10.0.0.2/24; echo "route add default via 10.0.0.1"; } | ip -n client -batch -
	for i in "${!webs[@]}"; do
		{
			addresses eth0 "$(web_address "$i") peer 192.168.1.1"
			echo "route add default via 192.168.1.1"
		} | ip -n "${webs[i]}" -batch -
	done
}

# A server of a known capacity: limit_req answers so many requests a second in the order in which they came, and lets
# the others wait, connected. No keepalive: balancing is about new connections.
nginx_conf() { # DIR REQUESTS-PER-SECOND
	cat <<CONF
worker_processes 1;
pid $1/pid;
error_log $1/error.log;
events { worker_connections 512; }
http {
	access_log $1/access.log;
	keepalive_timeout 0;
	client_body_temp_path $1/t1;
	proxy_temp_path $1/t2;
	fastcgi_temp_path $1/t3;
	uwsgi_temp_path $1/t4;
	scgi_temp_path $1/t5;
	limit_req_zone \$server_port zone=capacity:64k rate=$2r/s;
	server {
		listen 80;
		location / {
			limit_req zone=capacity burst=1000;
			root $1;
		}
	}
}
CONF
}

webs_up() {
	local dir i
	for i in "${!webs[@]}"; do
		dir=$www/${webs[i]}
		mkdir -p "$dir"
		echo "Hello from ${webs[i]}" >"$dir/index.html"
		nginx_conf "$dir" "${capacity[i]}" >"$dir/nginx.conf"
		on "${webs[i]}" nginx -e "$dir/error.log" -c "$dir/nginx.conf"
	done
}

# --- three ways to share the load out, each as the commands that a user types

# shellcheck disable=SC2034 # for those who source this
variants=(random nth LEASTCONN)

statistic() { # WEB OPTION...: one backend's rule; no options for the last
	echo "iptables -t nat -A PREROUTING -d $vip -p tcp --dport 80${2:+ -m statistic ${*:2}}" \
		"-j DNAT --to-destination $(web_address "$1"):80"
}

rules() { # VARIANT
	case $1 in
	random)
		statistic 0 --mode random --probability 0.25
		statistic 1 --mode random --probability 0.33333
		statistic 2 --mode random --probability 0.5
		statistic 3
		;;
	nth)
		statistic 0 --mode nth --every 4 --packet 0
		statistic 1 --mode nth --every 3 --packet 0
		statistic 2 --mode nth --every 2 --packet 0
		statistic 3
		;;
	LEASTCONN)
		echo "iptables -t nat -A PREROUTING -d $vip -p tcp --dport 80" \
			"-j LEASTCONN --to $(web_address 0)-$(web_address 3):80"
		;;
	esac
}

rules_up() { # VARIANT
	rules "$1" | on balancer bash -e
}

rules_down() {
	on balancer iptables -t nat -F PREROUTING
}
