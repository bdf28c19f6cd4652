# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the selftests share. A script sources this, defines functions named
# test_*, and ends with `run_tests`. Each function runs in a subshell with
# `set -e`: its status is its verdict, `skip` and `fail` say why.
#
#	$cl  client          $lb  balancer           $sv  servers
#	     10.0.0.2/24 --- 10.0.0.1   10.0.1.254 --- 10.0.1.1, .2 ... .N
#	     fd00:0::2   --- fd00:0::1  fd00:1::fe --- fd00:1::1, ...
#
# The virtual addresses $vip and $vip6 are routed to the balancer; LEASTCONN's
# rules go there. All hosts are network namespaces of names that no other run
# has; whatever is in them goes when the script ends.

set -u

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source-path=SCRIPTDIR source=../ktap.sh
. "$here/../ktap.sh"
peer=${LC_PEER:-$here/peer}
iptables=${LC_IPTABLES:-iptables}	# or iptables-legacy, iptables-nft
ip6tables=${iptables/iptables/ip6tables}
slow=${LC_SLOW:-1}			# patience is multiplied by this
# Seconds for --fail-timeout, so that whoever looks comes before they are over.
# shellcheck disable=SC2034 # for those who source this
rest=$((2 * slow))

id=$$
cl=cl-$id lb=lb-$id sv=sv-$id
vip=203.0.113.10 vip6=2001:db8::10
books=
tmp=$(mktemp -d)

# Processes are dear where the processor is emulated: nsenter does a tenth of
# what `ip netns exec` does, and one awk looks at all backends.
on() { # HOST COMMAND...: run it there
	# By its path: busybox's nsenter would take its own of that name.
	hash "$2" 2>/dev/null || true
	nsenter --net="/run/netns/$1" "${BASH_CMDS[$2]-$2}" "${@:3}"
}

# ---- verdicts ----

fail() {
	echo "# FAIL: $*"
	exit 1
}

skip() {
	echo "$*" >"$tmp/skip"
	exit 4
}

say() {
	echo "# $*"
}

need() { # COMMAND...: skip without them
	local tool

	for tool; do
		command -v "$tool" >/dev/null || skip "no $tool"
	done
}

# Never to be called in a condition: `set -e` would mean nothing inside.
run_one() { # NAME
	local name=${1#test_} status

	rm -f "$tmp/skip"
	(
		set -e
		run_test "$1"
	) >"$tmp/out" 2>&1
	status=$?
	ktap_diagnose <"$tmp/out"
	# Not by status 4 alone: a refused iptables exits with that too.
	if [ -e "$tmp/skip" ]; then
		ktap_skip "$name" "$(cat "$tmp/skip")"
	else
		[ $status = 0 ] || tell_why >"$tmp/out"
		ktap_result $status "$name" <"$tmp/out"
	fi
}

# What the test itself cannot know: which program of it the kernel ended, and
# what its daemons complained of.
tell_why() {
	dmesg | grep -E 'fatal signal|segfault at|Killed process|allocation failure' |
		tail -n 3
	cat "$tmp"/*.err 2>/dev/null
}

# Legacy is leaving kernels, table by table.
need_front_end() {
	case $iptables in *-legacy) ;; *) return ;; esac
	modprobe -n -q iptable_nat || ktap_skip_all "this kernel has no $iptables"
}

# A suite whose tests are not all functions defines these two again.
list_tests() {
	list_functions
}

run_test() { # NAME
	"$1"
}

# In the order they stand in the script; if it shall be short, those that say so
# in their first line: test_it() { # short
list_functions() {
	sed -n "s/^\(test_[a-z0-9_]*\)() {${LC_SHORT:+ # short}.*/\1/p" "$0"
}

# run_tests [--list | NAME...]: print the names of the suite's tests; or run those that
# are named, or all
run_tests() {
	local name
	local -a all=("$@")

	trap teardown EXIT
	list_tests >"$tmp/tests" || exit
	if [ "${1-}" = --list ]; then
		cat "$tmp/tests"
		return
	fi
	need_front_end
	[ $# -gt 0 ] || mapfile -t all <"$tmp/tests"
	for name in "$@"; do
		LC_SHORT='' list_tests | grep -qxF -- "$name" || {
			echo "$0: there is no $name; see $0 --list" >&2
			exit 2
		}
	done
	ktap_plan ${#all[@]}
	for name in "${all[@]}"; do
		run_one "$name"
		teardown_hosts
	done
	the_module_goes
	ktap_end
}

# When it goes it looks for what it has not freed: that would be seen in the kernel's log.
# Where something of a test still holds it, the machine's end will do.
the_module_goes() {
	busywait 5000 unloaded || say "$module is still in use"
}

# ---- hosts ----

host_add() { # NAME
	ip netns add "$1"
	ip -n "$1" link set lo up
}

# addr_lines DEV ADDR...: what `ip -batch` takes
addr_lines() {
	local addr dev=$1

	for addr in "${@:2}"; do
		case $addr in
		*:*) echo "addr add $addr dev $dev nodad" ;;
		*) echo "addr add $addr dev $dev" ;;
		esac
	done
	echo "link set $dev up"
}

# link HOST-A DEV-A ADDRS-A HOST-B DEV-B ADDRS-B
link() {
	# shellcheck disable=SC2086 # a list of addresses
	{
		echo "link add $2 type veth peer name $5 netns $4"
		addr_lines "$2" $3
	} | ip -n "$1" -batch -
	# shellcheck disable=SC2086
	addr_lines "$5" $6 | ip -n "$4" -batch -
}

setup() { # [SERVERS]: the three hosts of the picture, 4 servers
	local i servers="" n=${1:-4}

	for ((i = 1; i <= n; i++)); do
		servers+=" 10.0.1.$i/24 fd00:1::$(printf %x "$i")/64"
	done
	# Few processes: nearly all of a test's time is this.
	ip -batch - <<-HOSTS
	netns add $cl
	netns add $lb
	netns add $sv
	link add eth0 netns $cl type veth peer name client netns $lb
	link add eth0 netns $sv type veth peer name server netns $lb
	HOSTS
	# shellcheck disable=SC2086 # a list of addresses
	{
		addr_lines eth0 10.0.0.2/24 fd00:0::2/64
		echo "link set lo up"
		echo "route add default via 10.0.0.1"
		echo "route add ::/0 via fd00:0::1"
	} | ip -n "$cl" -batch -
	# shellcheck disable=SC2086
	{
		addr_lines eth0 $servers
		echo "link set lo up"
		echo "route add default via 10.0.1.254"
		echo "route add ::/0 via fd00:1::fe"
	} | ip -n "$sv" -batch -
	{
		addr_lines client 10.0.0.1/24 fd00:0::1/64
		addr_lines server 10.0.1.254/24 fd00:1::fe/64
		echo "link set lo up"
	} | ip -n "$lb" -batch -
	# Entries shall not time out, a reset one after 10 s, in the middle of a
	# test on a slow machine.
	modprobe -q nf_conntrack
	on "$lb" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
		net.netfilter.nf_conntrack_tcp_timeout_close=600 \
		net.netfilter.nf_conntrack_udp_timeout=600 \
		net.netfilter.nf_conntrack_udp_timeout_stream=600 \
		net.netfilter.nf_conntrack_icmp_timeout=600
}

teardown_hosts() {
	local host
	local -a hosts=()

	for host in /run/netns/*-"$id"; do
		[ ! -e "$host" ] || hosts+=("${host##*/}")
	done
	if [ ${#hosts[@]} -gt 0 ]; then
		printf 'netns pids %s\n' "${hosts[@]}" | ip -batch - |
			xargs -r kill -KILL 2>/dev/null
		printf 'netns del %s\n' "${hosts[@]}" | ip -batch -
	fi
	rm -f "$tmp"/*.sock "$tmp"/*.log "$tmp"/*.err
}

teardown() {
	teardown_hosts
	rm -rf "$tmp"
}

# ---- peers: sockets on a host, see peer.c ----

# A balancer whose own connections outlive those they are with would try to end
# them for a minute and a half, and keep its rules, and so the module, until then.
start_peer() { # HOST
	[ "$1" != "$lb" ] || on "$1" sysctl -qw net.ipv4.tcp_orphan_retries=1
	on "$1" "$peer" serve "$tmp/$1.sock" "$tmp/$1.log" 2>"$tmp/$1.err"
}

peer() { # HOST COMMAND...: starts the host's daemon when there is none
	local host=$1

	shift
	[ -S "$tmp/$host.sock" ] || start_peer "$host"
	"$peer" ask "$tmp/$host.sock" "$@"
}

serve() { # PROTO PORT: all servers answer on it, IPv4 and IPv6
	peer "$sv" listen "$1" 0.0.0.0 "$2"
	peer "$sv" listen "$1" :: "$2"
}

# Connections each address of the servers accepted, as the servers' log has it.
served() { # ADDR [PORT]
	grep -c "^$1 ${2:-[0-9]*} " "$tmp/$sv.log" || true
}

# A client is connected a moment before its server logs it.
has_served() { # COUNT ADDR [PORT]
	busywait 1000 is "$1" served "${@:2}" ||
		expect "$1" "$(served "${@:2}")" "connections that ${*:2} accepted"
}

# ---- rules ----

ipt() { # rules of the balancer
	on "$lb" "$iptables" -w "$@"
}

ip6t() {
	on "$lb" "$ip6tables" -w "$@"
}

# balance PROTO PORT BACKENDS [OPTION...]: the usual rule for $vip
balance() {
	ipt -t nat -A PREROUTING -d $vip -p "$1" --dport "$2" \
		-j LEASTCONN --to "$3" "${@:4}"
}

balance6() {
	ip6t -t nat -A PREROUTING -d $vip6 -p "$1" --dport "$2" \
		-j LEASTCONN --to "$3" "${@:4}"
}

# A namespace whose last rule that needs conntrack has gone tracks and translates
# no more, whatever the target was. Most gateways have another one.
keep_tracking() { # ipt|ip6t
	"$1" -A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT
}

# ---- what is so, by others' word ----

exec {nap}<> <(:)

# busywait MS COMMAND...: until it succeeds, at most so long. A look takes its
# time: one that began just before the end is the last, or begins at the end.
busywait() {
	local now begun=${EPOCHREALTIME/./}
	local end=$((begun + $1 * slow * 1000))

	shift
	until "$@"; do
		[ "$begun" -lt $((end - 100000)) ] || return 1
		read -rt 0.02 -u "$nap" || true
		now=${EPOCHREALTIME/./}
		# The whole machine stood still, and the module with it.
		[ $((now - begun)) -lt $((10000000 * slow)) ] ||
			end=$((end + now - begun))
		begun=$now
	done
}

pause() { # MS: for what nothing tells the end of
	! busywait "$1" false || fail "false is true"
}

# As long as it is for the kernel, whose times are not longer on a slow machine.
exactly() { # SECONDS
	read -rt "$1" -u "$nap" || true
}

# is WANTED COMMAND...: it prints just that (for busywait)
is() {
	[ "$1" = "$("${@:2}")" ]
}

# ---- the module ----

module=xt_LEASTCONN

loaded() {
	[ -d /sys/module/$module ]
}

loaded_version() {
	cat /sys/module/$module/version
}

# How often a module is in use, 0 when it is not there.
uses() { # MODULE
	cat "/sys/module/$1/refcnt" 2>/dev/null || echo 0
}

# One attempt.
unloaded() {
	modprobe -r $module 2>/dev/null
	! loaded
}

# iptables-nft lets go of a rule a little later, and namespaces end so.
unload() {
	busywait 30000 unloaded && return
	lsns -t net -o NPROCS,PID,COMMAND,NSFS || true
	fail "the module is in use $(uses $module) times; $(objects net_namespace) namespaces"
}

# ---- the kernel ----

# Waits for RCU grace periods are short from now on.
expedite_rcu() {
	[ ! -w /sys/kernel/rcu_expedited ] || echo 1 >/sys/kernel/rcu_expedited
}

# Objects of a slab cache that are in use; what is free in a processor's own
# slab is not, once the cache is shrunk.
objects() { # CACHE
	echo 1 >"/sys/kernel/slab/$1/shrink"
	awk -v c="$1" '$1 == c { print $2 }' /proc/slabinfo
}

# records_are NUMBER: of connections. Each processor may have up to 15 spare ones; when the
# module goes, the kernel tells of each that is left.
records_are() {
	local more=$(($(objects leastconn_record) - $1))

	[ $more -ge 0 ] && [ $more -le $((15 * $(nproc))) ]
}

# ---- run-time control ----

ctl() { # WORD...: leastconnctl on the balancer
	on "$lb" leastconnctl "$@"
}

# says_no STATUS SENTENCE COMMAND...: it exits so, and says that and no more
says_no() {
	local status=0

	"${@:3}" >"$tmp/said" 2>&1 || status=$?
	expect "$1: leastconnctl: $2" "$status: $(cat "$tmp/said")" "${*:3}"
}

refuses() { # SENTENCE WORD...: the kernel's, to that command
	says_no 1 "${*:2}: $1" ctl "${@:2}"
}

# pooled PROTO PORT POOL: as balance, with the pool's backends
pooled() {
	ipt -t nat -A PREROUTING -d $vip -p "$1" --dport "$2" \
		-j LEASTCONN --pool "$3"
}

# state ADDR [PORT [PROTO]]: as our table has it
state() {
	on "$lb" awk -v a="$1" -v p="${2:-80}" -v l="${3:-tcp}" \
		'$3 == a && $4 == p && $2 == l { print $8 }' \
		/proc/net/leastconn
}

# listed ADDR COLUMN: what list has there of port 80, in its first pool or rule
listed() {
	ctl list | awk -v a="$1:80" -v c="$2" '$1 == a { print $c; exit }'
}

# ---- counts ----

# What our own table says of a backend: "active inactive total", or nothing.
# table ADDR [PORT [PROTO]]; a backend without a port: port 0, protocol any
table() {
	on "$lb" awk -v a="$1" -v p="${2:-80}" -v l="${3:-tcp}" \
		'$3 == a && $4 == p && $2 == l { print $5, $6, $7 }' \
		/proc/net/leastconn
}

active() { # ADDR [PORT [PROTO]]: our table's active connections
	local counts

	counts=$(table "$@")
	echo "${counts%% *}"
}

# Backends of our table with the numbers that conntrack has for them, by the
# definition: conntrack -L --reply-src ADDR --reply-port-src PORT. Lines
# "PROTO ADDR PORT ACTIVE INACTIVE", preceded by "= " where our table says the
# same and by "! " and our numbers where it says otherwise.
ledger() {
	on "$lb" awk '
	function reply(   i, n, at) {	# address and port that answer
		addr = port = ""
		for (i = 1; i <= NF; i++) {
			at = index($i, "=")
			if ($i ~ /^src=/ && ++n == 2)
				addr = substr($i, at + 1)
			if ($i ~ /^sport=/ && n == 2)
				port = substr($i, at + 1)
		}
	}
	function conntrack(family,   cmd, closed) {
		cmd = "conntrack -L -f " family " 2>/dev/null"
		while ((cmd | getline) > 0) {
			reply()
			closed = $1 == "tcp" && $4 ~ /^(LAST_ACK|TIME_WAIT|CLOSE)$/
			count[$1, addr, port, closed]++
			count["any", addr, "0", closed]++
		}
		close(cmd)
	}
	FNR > 1 { line[FNR] = $0; seen[$1] = 1 }
	END {
		for (family in seen)
			conntrack(family)
		for (i = 2; i <= FNR; i++) {
			$0 = line[i]
			live = count[$2, $3, $4, 0] + 0
			closed = count[$2, $3, $4, 1] + 0
			if ($5 == live && $6 == closed)
				print "=", $2, $3, $4, live, closed
			else
				print "!", $2, $3, $4, live, closed, "table:", $5, $6
		}
	}' /proc/net/leastconn
}

all_agree() {
	books=$(ledger)
	[ -n "$books" ] && [[ $books != *"! "* ]]
}

# agree MS: all backends' counts are conntrack's, within that time
agree() {
	busywait "$1" all_agree || fail "counts differ from conntrack's:
$books"
}

# agrees_for MS: and stay so, while entries are checked again
agrees_for() {
	agree 1000
	! busywait "$1" some_differ || fail "counts left conntrack's:
$books"
}

some_differ() {
	! all_agree
}

# Active connections of all backends, in our table's order: "2 0 1"
loads() {
	on "$lb" awk 'FNR > 1 { printf "%s%s", sep, $5; sep = " " }' \
		/proc/net/leastconn
}

totals() { # all connections ever counted, as our table has it
	on "$lb" awk '{ n += $7 } END { print n }' /proc/net/leastconn
}

vip_entries() { # to $vip, in conntrack
	on "$lb" conntrack -L -d $vip 2>/dev/null | wc -l
}

loads_are() { # WANTED
	[ "$(loads)" = "$1" ]
}

# expect_loads MS WANTED WHAT: within that time
expect_loads() {
	busywait "$1" loads_are "$2" || expect "$2" "$(loads)" "$3"
}

# conntracked ADDR [PORT [PROTO]]: "active inactive" by conntrack, at once
conntracked() {
	ledger | awk -v a="$1" -v p="${2:-80}" -v l="${3:-tcp}" \
		'$2 == l && $3 == a && $4 == p { print $5, $6 }'
}

expect() { # WANTED GOT WHAT
	[ "$1" = "$2" ] || fail "$3: expected '$1', got '$2'"
}
