#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A hostile tenant: uid 65534 in user and network namespaces of its own, in a
# memory cgroup of 64 MiB. Whatever it does by rules, by the control family and
# by /proc, the host's own namespaces go on as before:
#
#	its memory is in its cgroup, and no process outside is killed
#	leastconnctl list in another namespace takes less than half a second
#	a module with a generic netlink family registers within two seconds
#	kworkers take at most 5 % of a processor while the tenant rests
#	SIGKILL ends all its commands within a second
#	connections through the host's balancer succeed
#
# A test is one attack(): what the tenant sets up, and what it then does again and
# again until that is killed; what it has set up stays while it rests. A message
# that the kernel refuses is no fault: what counts is what the host sees.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

limit_memory=64			# MiB, of the tenant's cgroup
most_memory=96			# MiB, with what conntrack's limits bound
most_list=500			# ms; see measure_machine()
most_register=2000
most_end=1000
most_background=5		# percent of a processor

pressing=2000			# ms
resting=2000

# ---- the tenant's processes ----

cgroup=/sys/fs/cgroup/tenant-$id
its=$tmp/tenant

tenants=1	# in a network namespace each
its_uid=65534	# or root, whose containers count as a tenant each
senders=1	# processes of each of them that do the same
other=''	# a process of another user
outer=''	# of subordinate_ids: they are users of their own in it

memory_cgroup() {
	local root=${cgroup%/*}

	[ -e "$root/cgroup.controllers" ] ||
		mount -t cgroup2 cgroup "$root" 2>/dev/null ||
		skip "no cgroups of version 2"
	grep -qw memory "$root/cgroup.controllers" ||
		skip "no memory controller"
	echo +memory >"$root/cgroup.subtree_control"
	mkdir -p "$cgroup"
	echo "${limit_memory}M" >"$cgroup/memory.max"
}

# A folder, and in it what runs as the tenant: all functions of this script.
its_folder() {
	rm -rf "$its"
	mkdir -p "$its/bin"
	chmod 711 "$tmp"
	cp "$peer" "$leastconnctl" "$here/crowd" "$here/../hostile/deaf" "$its/bin/"
	{
		declare -f
		declare -p its vip iptables senders
		echo "PATH=$its/bin:$PATH"
	} >"$its/functions"
	chown -R $its_uid:$its_uid "$its"
	chmod 777 "$its"
}

# A user namespace of its own that has other user ids besides: $outer
subordinate_ids() {
	setpriv --reuid 65534 --regid 65534 --clear-groups \
		unshare --user sleep 3600 &
	outer=$!
	disown
	busywait 5000 is_in_a_user_namespace $outer || fail "no user namespace"
	# In one piece, as echo does not write lines.
	cat >/proc/$outer/uid_map <<-MAP
	0 65534 1
	1 200001 9
	MAP
	echo "0 65534 1" >/proc/$outer/gid_map
}

is_in_a_user_namespace() { # PID
	[ "$(readlink "/proc/$1/ns/user")" != "$(readlink /proc/self/ns/user)" ]
}

# The path, since busybox's nsenter would take busybox's own setpriv. The caller
# becomes a tenant, with a network namespace of its own, and loses the
# priority that the host has.
become_tenant() { # FUNCTION NUMBER ARG...
	local as=(setpriv --reuid "$its_uid" --regid "$its_uid" --clear-groups)

	[ -z "$outer" ] || as=(nsenter --target "$outer" --user --wd="$its"
		"$(command -v setpriv)" --reuid $(($2 + 1)) --regid 0 --clear-groups)
	echo $BASHPID >"$cgroup/cgroup.procs"
	cd "$its" || return
	exec chrt --other 0 "${as[@]}" unshare --user --map-root-user --net \
		bash -c '. ./functions; "$@"' bash "$@"
}

# The first process of a tenant. The limit of its own cgroup ends others first.
live() { # NUMBER SETUP PRESS
	local nap i

	mkdir "$1"
	cd "$1" || return
	exec {nap}<> <(:)
	export XTABLES_LOCKFILE=$PWD/lock
	ip link set lo up
	(
		echo 500 >/proc/self/oom_score_adj
		set -e
		"$2"
	)
	echo $? >status
	until [ -e "$its/go" ]; do
		read -rt 0.05 -u "$nap"
	done
	set -m	# each in a process group of its own
	for ((i = 0; i < senders; i++)); do
		press "$i" "$3" &
		echo $! >"sender-$i"
	done
	wait
	exec sleep 3600
}

press() { # NUMBER FUNCTION: with the number of the turn, from 0
	local turn

	echo 500 >/proc/self/oom_score_adj
	for ((turn = 0; ; turn++)); do
		echo "$turn" >"turn-$1"
		"$2" "$turn"
	done
}

is_alive() {
	grep -q 'populated 1' "$cgroup/cgroup.events" 2>/dev/null
}

all_are_set_up() {
	local i

	for ((i = 0; i < tenants; i++)); do
		[ -s "$its/$i/status" ] || ! kill -0 "${leaders[i]}" || return
	done 2>/dev/null
}

begin_tenants() { # SETUP PRESS
	local i leaders=()

	its_folder
	for ((i = 0; i < tenants; i++)); do
		become_tenant live $i "$@" >"$its/said-$i" 2>&1 &
		leaders+=($!)
		disown
	done
	busywait 240000 all_are_set_up || fail "the tenant is not ready"
	for ((i = 0; i < tenants; i++)); do
		[ "$(cat "$its/$i/status")" = 0 ] ||
			fail "the tenant could not set up: $(tail -n 3 "$its/said-$i")"
	done
}

kill_senders() {
	local groups

	mapfile -t groups < <(cat "$its"/*/sender-*)
	while kill -KILL -- "${groups[@]/#/-}" 2>/dev/null; do
		read -rt 0.005 -u "$nap" || true
	done
}

kill_tenants() {
	[ -z "$outer" ] || kill -KILL "$outer" 2>/dev/null || true
	while is_alive; do
		xargs -r kill -KILL <"$cgroup/cgroup.procs" 2>/dev/null || true
	done
}

# One more may be on the list of either processor.
its_namespaces_are_gone() {
	one_goes
	objects_at_most net_namespace $((namespaces + 1))
}

# shellcheck disable=SC2317,SC2329 # called by the trap
leave() {
	: >"$tmp/enough"
	kill_tenants
	[ -z "$other" ] || kill -KILL "$other"
	rmdir "$cgroup" 2>/dev/null || true
}

# ---- what the host sees ----

available() { # KiB
	local name kib

	while read -r name kib _; do
		[ "$name" != MemAvailable: ] || echo "$kib"
	done </proc/meminfo
}

note_available() {
	available >>"$tmp/saw-available"
}

# noted NAME COMMAND...: how long it takes, in ms
noted() {
	local begun=${EPOCHREALTIME/./}

	"${@:2}" >/dev/null
	echo $(((${EPOCHREALTIME/./} - begun) / 1000)) >>"$tmp/saw-$1"
}

register() {
	noted register modprobe "$registers"
	modprobe -r "$registers"
}

host_connects() {
	peer "$cl" open h tcp $vip 80 count 5 and say 'h*' hello \
		and close 'h*' >/dev/null
}

watch_host() {
	meanwhile $((20 * slow)) noted list ctl list
	meanwhile $((50 * slow)) register
	meanwhile $((100 * slow)) host_connects
	meanwhile 50 note_available
}

most() { # NAME
	sort -n "$tmp/saw-$1" | tail -n 1
}

least() { # NAME
	sort -n "$tmp/saw-$1" | head -n 1
}

# Processor time of all kworkers, in ms: they run in nobody's cgroup.
kworkers() {
	cat /proc/[0-9]*/stat 2>/dev/null |
		awk '/^[0-9]+ \((kworker|ksoftirqd)/ { sum += $14 + $15 }
			END { print sum * 10 }'
}

# What kworkers take meanwhile, in percent of one processor.
background() {
	local before begun=${EPOCHREALTIME/./}

	before=$(kworkers)
	pause $resting
	echo $((($(kworkers) - before) * 100000 / (${EPOCHREALTIME/./} - begun)))
}

# Processes that the kernel killed for want of memory, less the tenant's own.
killed_outside() {
	echo $(($(awk '$1 == "oom_kill" { print $2 }' /proc/vmstat) - killed -
		$(awk '$1 == "oom_kill" { print $2 }' "$cgroup/memory.events")))
}

# ---- an attack, and what must hold ----

broken=()

holds() { # WHAT NUMBER MOST
	say "$1: $2, at most $3"
	[ "$2" -le "$3" ] || broken+=("$1: $2")
}

host_begins() {
	need chrt setpriv unshare
	memory_cgroup
	trap leave EXIT
	for registers in fou wireguard ''; do
		! modprobe "$registers" 2>/dev/null || break
	done
	[ -n "$registers" ] || skip "no module with a generic netlink family"
	modprobe -r "$registers"
	setup 2
	serve tcp 80
	balance tcp 80 10.0.1.1-10.0.1.2:80
	# What the host waits for is the kernel, not its turn on a processor.
	chrt --fifo --pid 1 $BASHPID
	rm -f "$tmp"/saw-*
	one_goes
	namespaces=$(objects net_namespace)
	killed=$(awk '$1 == "oom_kill" { print $2 }' /proc/vmstat)
	before=$(available)
	measure_machine
}

# A machine that is slow, or busy with something else, has as many times longer as
# list takes there without a tenant, if that is more than 30 ms.
measure_machine() {
	local i usual

	for ((i = 0; i < 15; i++)); do
		noted usual ctl list
	done
	usual=$(sort -n "$tmp/saw-usual" | sed -n 8p)
	stretch=$((usual > 30 * slow ? usual * 100 / 30 : 100 * slow))
	say "list takes $usual ms without the tenant: time limits are $stretch %"
}

# attack SETUP PRESS [BESIDE]: the last one is run by the host, with the second
attack() {
	local rest

	watch_host
	begin_tenants "$1" "$2"
	: >"$its/go"
	${3-true}
	pause $pressing
	noted end kill_senders
	enough
	say "the tenant's cgroup has $(($(cat "$cgroup/memory.current") >> 20)) MiB"
	say "turns: $(cat "$its"/*/turn-* 2>/dev/null | paste -sd ' ')"
	grep -hv ' Killed ' "$its"/said-* | sort | uniq -c | sort -rn | head -n 3
	rest=$(background)
	kill_tenants
	judge "$rest"
	busywait 30000 its_namespaces_are_gone ||
		fail "there are $(objects net_namespace) namespaces, $namespaces before"
}

judge() { # REST
	holds "list, ms" "$(most list)" $((most_list * stretch / 100))
	[ -z "$other" ] || holds "list by another user, ms" "$(most other)" \
		$((most_list * stretch / 100))
	holds "modprobe $registers, ms" "$(most register)" \
		$((most_register * stretch / 100))
	holds "end by SIGKILL, ms" "$(most end)" $((most_end * stretch / 100))
	holds "kworkers, %" "$1" $((most_background + ${usual_background-0}))
	holds "host's memory, MiB" $(((before - $(least available)) >> 10)) \
		$most_memory
	holds "processes killed outside" "$(killed_outside)" 0
	[ ${#broken[@]} = 0 ] || fail "$(printf '%s; ' "${broken[@]}")"
}

# ---- by the control family ----

pool_of() { # MEMBERS [SETTING...]
	leastconnctl pool add p "${@:2}"
	awk -v n="$1" 'BEGIN {
		for (; n; n--)
			print "add p 10.0.0." 1 + n % 5 ":" n
	}' | split -l 5000 --filter 'leastconnctl restore'
}

largest_pool() {
	pool_of 65535 "$@"
}

# One message of that many lines in the first turn, then of less, and of one: that
# is not refused.
messages() { # TURN LINES LINE...
	local lines=$(($2 / 10 ** ($1 % 4))) i

	shift 2
	for ((i = 0; i < lines; i++)); do
		echo "${@:1 + i % $#:1}"
	done | leastconnctl restore
}

change_states() { # TURN
	messages "$1" 1200 "drain 10.0.0.1" "down 10.0.0.1"
}

test_states_of_a_whole_address() { # short
	host_begins
	attack largest_pool change_states
}

kill_connections() { # TURN
	messages "$1" 1200 "kill 10.0.0.1"
}

test_kills_of_a_whole_address() {
	host_begins
	attack largest_pool kill_connections
}

change_nothing() { # TURN
	messages "$1" 1000 "ready 10.0.0.1"
}

test_changes_of_nothing() { # short
	host_begins
	attack largest_pool change_nothing
}

# The one that changes keeps the others waiting.
test_twenty_senders() { # short
	host_begins
	senders=20
	attack largest_pool change_states
}

another_user() { # UID
	need setpriv unshare
	setpriv --reuid "$1" --regid "$1" --clear-groups \
		unshare --user --map-root-user --net sleep 3600 &
	other=$!
	disown
	busywait 5000 is_in_a_user_namespace $other || fail "no user namespace"
}

others_list() {
	nsenter --target "$other" --net "$leastconnctl" list
}

watch_another_user() {
	meanwhile $((20 * slow)) noted other others_list
}

# Its id has the same hash as the tenant's, of six bits.
test_another_user_lists() { # short
	another_user 1023
	host_begins
	senders=6
	attack largest_pool change_states watch_another_user
}

test_another_container_of_root_lists() {
	its_uid=0
	another_user 0
	host_begins
	senders=20
	attack largest_pool change_states watch_another_user
}

quarter_pool() {
	pool_of 12000
}

test_twenty_senders_in_four_namespaces() {
	host_begins
	tenants=4 senders=5
	attack quarter_pool change_states
}

restore_again() { # TURN
	local sizes=(9000 5000 1000)

	{
		[ "$1" = 0 ] || echo "pool del q"
		echo "pool add q"
		awk -v n="${sizes[$1 % 3]}" \
			'BEGIN { while (n) print "add q 10.0.1.1:" n-- }'
	} | leastconnctl restore
}

test_restores_of_the_largest_size() {
	host_begins
	attack true restore_again
}

pools_of_one_backend() {
	awk 'BEGIN {
		for (i = 0; i < 4096; i++) {
			print "pool add p" i
			print "add p" i " 10.0.0.1:80"
		}
	}' | split -l 4096 --filter 'leastconnctl restore'
}

test_pools_that_share_a_backend() {
	host_begins
	attack pools_of_one_backend change_states
}

largest_pool_again() { # TURN
	leastconnctl pool del p
	largest_pool
}

# Entries of conntrack for one server, each of another client.
restore_entries() { # COUNT OPTION...
	awk -v count="$1" -v options="${*:2}" 'BEGIN {
		for (i = 0; i < count; i++)
			printf "-A -p tcp -s 10.8.%d.%d -d 198.18.0.1 --sport 2000 --dport 80 " \
				"-r 10.9.0.1 -q 10.8.%d.%d --reply-port-src 80 " \
				"--reply-port-dst 2000 %s\n",
				i / 250, i % 250 + 1, i / 250, i % 250 + 1, options
	}' | conntrack -R - >/dev/null
}

# Such entries, and then the server is a backend of many pools.
entries_of_many_pools() { # OPTION...
	iptables-nft -A FORWARD -m conntrack --ctstate ESTABLISHED
	restore_entries 30000 "$@"
	leastconnctl pool add z
	leastconnctl add z 10.9.0.1:80
	sleep 4
	awk 'BEGIN {
		for (i = 0; i < 4000; i++)
			printf "pool add p%d\nadd p%d 10.9.0.1:80\n", i, i
	}' | split -l 4096 --filter 'leastconnctl restore'
}

# Handshakes that never end, to a backend that many pools have.
half_open_of_many_pools() {
	entries_of_many_pools -t 3600 --state SYN_RECV
	leastconnctl list z >&2
}

# For each all entries are visited.
another_backend() { # TURN
	leastconnctl add z "10.9.0.2:$(($1 + 1))"
	sleep 0.5
}

test_half_open_connections_in_many_pools() { # short
	host_begins
	need conntrack
	sysctl -qw net.netfilter.nf_conntrack_max=100000
	pressing=10000
	attack half_open_of_many_pools another_backend
}

test_pools_made_and_deleted() {
	host_begins
	attack largest_pool largest_pool_again
}

slow_pool() {
	largest_pool slow-start 3600
}

change_weight() {
	local port=$((RANDOM + 1))

	leastconnctl set p "10.0.0.$((1 + port % 5)):$port" weight 9
}

test_slow_start_of_idle_members() { # short
	host_begins
	attack slow_pool change_weight
}

# ---- what is told, and not read ----

ask_and_ignore() {
	deaf 200
}

test_dumps_that_are_never_read() { # short
	host_begins
	senders=5
	attack largest_pool ask_and_ignore
}

# As many as are remembered, none of whom has a backend of the pool.
many_clients() {
	ip route add local 10.16.0.0/12 dev lo
	leastconnctl pool add q
	printf 'add q 10.0.0.1:%d\n' {1..5000} | leastconnctl restore
	rule_for_datagrams "--to 10.9.0.1:53 --persistent 3600"
	crowd serve 53
	crowd visit 198.18.0.1 53 10.16.0.0 20001 0 131071 >/dev/null
	[ "$(leastconnctl clients | wc -l)" -gt 130000 ]
}

search_clients() { # TURN
	leastconnctl clients q
}

# Each begins with a search of all, while the commands of other users wait.
test_lists_of_clients_at_once() {
	limit_memory=128
	most_memory=300
	host_begins
	sysctl -qw net.netfilter.nf_conntrack_max=262144
	senders=60
	pressing=6000
	attack many_clients search_clients
}

hold_a_dump() { # TURN
	deaf full
}

# It holds nothing that others of the same user need: not while the socket is open, and not
# after that.
test_a_dump_without_room() {
	another_user 65534
	host_begins
	begin_tenants true hold_a_dump
	: >"$its/go"
	busywait 10000 grep -q begun "$its"/said-* || fail "no dump"
	watch_another_user
	pause 2000
	kill_senders
	pause 2000
	enough
	holds "list by the same user, ms" "$(most other)" $((most_list * stretch / 100))
	kill_tenants
	[ ${#broken[@]} = 0 ] || fail "${broken[*]}"
}

stopped_monitors() {
	local i pids=()

	largest_pool
	for ((i = 0; i < 20; i++)); do
		leastconnctl monitor >/dev/null &
		pids+=($!)
	done
	# All listen: their sockets are in a group.
	until [ "$(awk '$2 == 16 && $4 !~ /^0*$/' /proc/net/netlink | wc -l)" -ge 20 ]; do
		read -rt 0.05 -u "$nap" || true
	done
	kill -STOP "${pids[@]}"
}

test_events_that_are_never_read() {
	host_begins
	attack stopped_monitors change_states
}

# Joined for one command's events each, which stay in the socket.
hoard() {
	deaf hoard 200 "leastconnctl restore '$PWD/weights' 2>/dev/null"
}

many_weights() {
	pool_of 5000
	leastconnctl save | sed -n 's/^add p \([^ ]*\).*/set p \1 weight 1/p' >weights
	[ "$(wc -l <weights)" = 5000 ]
}

test_events_that_are_hoarded() { # short
	pressing=15000
	host_begins
	attack many_weights hoard
}

# So many sockets, each with a filter of its own that takes its time.
listeners() { # COUNT
	local said

	ulimit -n "$(ulimit -Hn)"
	exec {said}< <(exec deaf listen "$1")
	read -r -u "$said"
}

a_thousand_listeners() {
	listeners 1000
}

test_events_for_a_thousand_filters() { # short
	host_begins
	attack a_thousand_listeners restore_again
}

# Each is full while there is a connection, 1,000 events each time.
pools_that_fill() {
	listeners 200
	awk 'BEGIN {
		for (i = 0; i < 1000; i++) {
			print "pool add p" i
			print "add p" i " 10.9.0.1:80 max-conns 1"
		}
	}' | leastconnctl restore
	serve_itself 1
	rule_to 10.9.0.1 | iptables-nft-restore
	while :; do
		"$its/bin/peer" ask "$PWD/sock" open c tcp $vip 80 count 1
		sleep 0.2
		"$its/bin/peer" ask "$PWD/sock" reset 'c*'
		sleep 0.2
	done >/dev/null 2>&1 &
}

test_pools_that_fill_before_many_listeners() { # short
	host_begins
	attack pools_that_fill idle
}

# What is done in the background is on one account.
test_four_users_that_are_one() {
	host_begins
	subordinate_ids
	tenants=4
	attack pools_that_fill idle
}

# After "unshare --user --net" in one step the file is root's: the tenant is refused, a
# container's root that has no capability is not.
read_slowly() {
	local table

	exec {table}</proc/net/leastconn || return
	while read -rn 100 -u "$table"; do
		read -rt 0.001 -u "$nap"
	done
	exec {table}<&-
}

readers_of_root() {
	local leader i

	leader=$(head -n 1 "$cgroup/cgroup.procs")
	for ((i = 0; i < 20; i++)); do
		(
			echo $BASHPID >"$cgroup/cgroup.procs"
			exec nsenter --net="/proc/$leader/ns/net" chrt --other 0 \
				setpriv --inh-caps=-all --bounding-set=-all \
				bash -c '. "$0"; exec {nap}<> <(:)
					while :; do read_slowly; done' "$its/functions"
		) 2>/dev/null &
		disown
	done
}

test_slow_readers_of_the_table() {
	host_begins
	attack largest_pool read_slowly readers_of_root
}

# In a network namespace that the tenant makes within its user namespace, the file
# is its own.
own_table() {
	unshare --net bash -c '. "$0"; largest_pool && : >ready-own &&
		exec sleep 3600' "$its/functions" &
	echo $! >pid-own
	until [ -e ready-own ]; do
		read -rt 0.05 -u "$nap" || kill -0 $!
	done
}

# Each reader is shown the whole table in one go, and commands wait among them.
seek_and_change() {
	nsenter --net="/proc/$(cat pid-own)/ns/net" bash -c '
		deaf seek 200 &
		while :; do
			leastconnctl pool add x
			leastconnctl pool del x
		done'
}

test_readers_of_the_table_that_seek() { # short
	host_begins
	pressing=4000
	attack own_table seek_and_change
}

# ---- over memory.high, and at memory.max ----

pool_and_changes() { # [COUNT]
	leastconnctl pool add p
	awk -v n="${1-5000}" 'BEGIN {
		for (; n; n--)
			print "add p 10.0.0." 1 + n % 5 ":" n
	}' >adds
}

# In one message.
add_and_delete() {
	leastconnctl restore <adds
	leastconnctl pool del p
	leastconnctl pool add p
}

# The message takes 3 MiB more.
lower_high() {
	echo $(($(cat "$cgroup/memory.current") + (1 << 20))) >"$cgroup/memory.high"
}

# The kernel throttles a process over memory.high, for seconds; not while others
# wait for it.
test_a_large_message_over_memory_high() { # short
	host_begins
	[ -e "$cgroup/memory.high" ] || skip "no memory.high"
	pressing=6000
	attack pool_and_changes add_and_delete lower_high
}

lower_max() {
	echo $(($(cat "$cgroup/memory.current") + (1 << 20))) >"$cgroup/memory.max"
}

# The kernel ends the tenant's processes for it, and no others.
test_a_large_message_at_memory_max() { # short
	host_begins
	pressing=6000
	attack pool_and_changes add_and_delete lower_max
	grep -q 'oom_kill [1-9]' "$cgroup/memory.events" ||
		grep -q 'Cannot allocate memory' "$its"/said-* ||
		fail "the tenant had memory enough"
}

# The kernel kills them first. They wait for a lock that a command holds, or for a process
# that waits for it, and cannot end.
victims() {
	local i

	pool_and_changes 30000
	for i in {1..12}; do
		rule_to "10.1.0.$i" >"rule-$i"
		while :; do
			(
				echo 1000 >/proc/self/oom_score_adj
				exec iptables-nft-restore <"rule-$i"
			)
		done &
	done >/dev/null 2>&1
}

add_at_the_limit() { # TURN
	echo 0 >/proc/self/oom_score_adj
	add_and_delete
}

test_victims_that_wait_for_a_command() {
	limit_memory=48
	host_begins
	pressing=20000
	attack victims add_at_the_limit lower_max
}

# ---- by rules ----

rules() { # FROM TO [BACKENDS]
	awk -v from="$1" -v to="$2" -v n="${3-16}" 'BEGIN {
		print "*nat"
		for (i = from; i < to; i++)
			printf "-A OUTPUT -d 198.18.%d.%d -p tcp --dport 80 -j LEASTCONN --to 10.1.%d.1-10.1.%d.%d:80\n",
				i / 250, i % 250, i % 250, i % 250, n
		print "COMMIT"
	}'
}

# By both front ends in turn; of nft's rules a message of its socket takes 50.
thousand_rules() { # TURN
	local i

	if [ $(($1 % 2)) = 1 ] && modprobe -n -q iptable_nat; then
		rules 0 1000 | iptables-legacy-restore
		return
	fi
	iptables-nft -t nat -F
	for ((i = 0; i < 1000; i += 50)); do
		rules $i $((i + 50)) | iptables-nft-restore --noflush
	done
}

some_rules() {
	thousand_rules 0
}

test_rules_by_the_thousand() {
	host_begins
	attack some_rules thousand_rules
}

rule_to() { # ADDR
	cat <<-RULES
	*nat
	-A OUTPUT -d $vip -p tcp --dport 80 -j LEASTCONN --to $1:80
	COMMIT
	RULES
}

# Not waited for: its end is the end of its namespace.
short_life() {
	pool_of 500
	rule_to 10.0.0.1 | iptables-nft-restore
	leastconnctl drain 10.0.0.1
}

# In a network namespace that ends with it.
in_a_namespace() { # FUNCTION
	unshare --net bash -c '. "$0"; "$1"' "$its/functions" "$1"
}

namespace_lives() { # TURN
	in_a_namespace short_life
}

test_namespaces_made_and_destroyed() { # short
	host_begins
	senders=4
	attack true namespace_lives
}

# What comes in bursts is judged by the mean of twelve seconds.
attack_for_long() { # SETUP PRESS
	pressing=12000
	resting=12000
	attack "$@" note_pressed
	pressed_holds
}

large_life() {
	states drain 0 16000 | leastconnctl restore
}

large_namespace_lives() { # TURN
	in_a_namespace large_life
}

# A kernel worker ends them, one after the other, for all users. An end takes a tenth of a
# second, once in two seconds.
test_ends_of_large_namespaces() {
	host_begins
	attack_for_long true large_namespace_lives
}

large_rules() {
	local i

	for ((i = 0; i < 200; i += 50)); do
		rules $i $((i + 50)) 64 >"large-$i"
	done
}

add_large_rules() {
	local i

	for ((i = 0; i < 200; i += 50)); do
		iptables-nft-restore --noflush <"large-$i" || return
	done
}

large_rules_come_and_go() { # TURN
	add_large_rules 2>>refused
	iptables-nft -t nat -F
}

# A kernel worker deletes them. In the first seconds that is not bounded.
test_rules_that_come_and_go() {
	host_begins
	tenants=2
	attack_for_long large_rules large_rules_come_and_go
	# As iptables says it for many large rules at once, or for few.
	grep -qE 'No buffer space|Device or resource busy' "$its"/*/refused ||
		fail "no rule was refused"
}

namespace_of_rules_lives() { # TURN
	in_a_namespace add_large_rules
}

test_ends_of_namespaces_with_rules() {
	host_begins
	senders=2
	attack_for_long large_rules namespace_of_rules_lives
}

# The first COUNT addresses of 10.9.0.0/24 answer, the others refuse.
serve_itself() { # COUNT
	local i

	ip addr add 10.9.0.0/24 dev lo
	ip route add $vip/32 dev lo src 10.9.0.1
	"$its/bin/peer" serve "$PWD/sock"
	for ((i = 1; i <= $1; i++)); do
		"$its/bin/peer" ask "$PWD/sock" listen tcp 10.9.0.$i 80
	done
}

# Half of the backends answer.
servers_of_its_own() {
	serve_itself 30
	rule_to 10.9.0.1-10.9.0.60 |
		sed 's/:80$/& --max-fails 1 --fail-timeout 1 --redispatch/' |
		iptables-nft-restore
}

connect_to_itself() { # TURN
	timeout -s TERM 0.5 "$its/bin/peer" load tcp $vip 80
	"$its/bin/peer" ask "$PWD/sock" \
		open "c$BASHPID" tcp $vip 80 count 500 nowait \
		and reset "c$BASHPID*"
}

test_connections_to_itself() { # short
	host_begins
	senders=4
	attack servers_of_its_own connect_to_itself
}

# Rules of one set of backends that refuse, in many namespaces, whose pools have
# 64,000 members each. That takes more memory than the others' cgroup has.
failing_namespaces() {
	local i

	awk 'BEGIN {
		print "*nat"
		for (i = 0; i < 1000; i++)
			printf "-A OUTPUT -d 198.18.%d.%d -p tcp --dport 80 -j LEASTCONN --to 10.9.0.1-10.9.0.64:80 --max-fails 1 --fail-timeout 1\n",
				i / 250, i % 250
		print "COMMIT"
	}' >rules
	for ((i = 0; i < 16; i++)); do
		XTABLES_LOCKFILE=$PWD/lock-$i unshare --net bash -c '
			ip link set lo up
			ip addr add 10.9.0.0/24 dev lo
			iptables-legacy-restore <rules && : >"ready-$0"
			while :; do
				for i in {1..64}; do
					: <>"/dev/tcp/10.9.0.$i/80"
				done
				sleep 0.5
			done' $i >/dev/null 2>&1 &
		until [ -e ready-$i ]; do
			read -rt 0.05 -u "$nap" || kill -0 $!
		done
	done
}

test_failing_backends_in_many_namespaces() {
	modprobe -n -q iptable_nat || skip "no iptables-legacy"
	limit_memory=700 most_memory=750
	host_begins
	attack failing_namespaces idle
}

# ---- by connections of its own ----

rule_for_datagrams() { # TO
	ip addr add 10.9.0.1/24 dev lo
	ip route add local 198.18.0.0/15 dev lo
	printf '%s\n' '*nat' "-A OUTPUT -d 198.18.0.0/15 -p udp -j LEASTCONN $1" COMMIT |
		iptables-nft-restore
}

many_datagrams() {
	rule_for_datagrams "--to 10.9.0.1:9"
}

# More than can be recorded: ended ones are recorded for a while.
fill_records() { # TURN
	deaf shout 900
	conntrack -F 2>/dev/null
}

add_one_more() {
	more=$((${more-0} + 1))
	ctl add changing "10.0.1.1:$more"
}

host_changes() {
	meanwhile 200 noted change add_one_more
}

test_connections_that_cannot_be_recorded() { # short
	need conntrack
	host_begins
	ctl pool add changing
	sysctl -qw net.netfilter.nf_conntrack_max=1000
	pressing=6000
	attack many_datagrams fill_records host_changes
	dmesg | grep -q 'connection not recorded' ||
		fail "all connections were recorded"
}

# The scanner has to tell apart the backends that missed something.
many_backends_and_datagrams() {
	local i

	for i in {1..5}; do
		{
			echo "pool add q$i"
			awk -v i="$i" 'BEGIN {
				for (n = 60000; n; n--)
					print "add q" i " 10.8." i "." 1 + n % 5 ":" n
			}'
		} | split -l 5000 --filter 'leastconnctl restore'
	done
	many_datagrams
}

note_pressed() {
	pause 1000
	background >"$tmp/pressed"
}

pressed_holds() {
	holds "kworkers while it presses, %" "$(cat "$tmp/pressed")" \
		$((most_background + ${usual_background-0}))
	[ ${#broken[@]} = 0 ] || fail "${broken[*]}"
}

# Not while the tenant sets up: the host's own closed connections would fill the table.
note_background() {
	on "$lb" conntrack -D -p tcp --state TIME_WAIT &>/dev/null || :
	on "$lb" conntrack -D -p tcp --state CLOSE &>/dev/null || :
	sysctl -qw net.netfilter.nf_conntrack_max=1000
	note_pressed
}

test_connections_that_cannot_be_recorded_beside_300000_backends() {
	need conntrack
	limit_memory=600
	most_memory=650
	host_begins
	attack many_backends_and_datagrams fill_records note_background
	dmesg | grep -q 'connection not recorded' ||
		fail "all connections were recorded"
	pressed_holds
}

# Each end is told to all pools.
flows_to_a_shared_backend() {
	local i

	awk 'BEGIN {
		for (i = 0; i < 4090; i++) {
			print "pool add p" i
			print "add p" i " 10.9.0.1:9 proto udp"
		}
	}' | split -l 4096 --filter 'leastconnctl restore'
	rule_for_datagrams "--pool p0"
	while :; do
		for i in {1..25}; do
			deaf shout 20
			read -rt 0.02 -u "$nap" || true
		done
		conntrack -F
	done >/dev/null 2>&1 &
}

test_ends_that_many_pools_are_told() { # short
	need conntrack
	host_begins
	attack flows_to_a_shared_backend idle
}

# ---- beside a full table ----

# By clients of all of 10.16.0.0/12; none of them is balanced.
host_entries() { # [LAST]
	ip -n "$cl" route add local 10.16.0.0/12 dev lo
	ip -n "$lb" route add 10.16.0.0/12 via 10.0.0.2
	sysctl -qw net.netfilter.nf_conntrack_max=262144 \
		net.netfilter.nf_conntrack_buckets=65536
	on "$sv" "$here/crowd" serve 53
	on "$cl" "$here/crowd" visit 10.0.1.1 53 10.16.0.0 20001 0 "${1-59999}" >/dev/null
	[ "$(on "$lb" conntrack -C)" -gt "${1-59999}" ] || fail "there are too few entries"
	before=$(available)
	usual_background=$(background)
	say "kworkers without the tenant: $usual_background %"
}

burst_of_rules() { # NET
	awk -v net="$1" 'BEGIN {
		for (j = 0; j < 200; j++) {
			if (j % 50 == 0)
				print "*nat"
			printf "-A PREROUTING -d 198.51.100.%d -p tcp --dport 80 -j LEASTCONN --to 10.%d.%d.1:80\n", j, net, j
			if (j % 50 == 49)
				print "COMMIT"
		}
	}' >"$tmp/burst"
	on "$lb" "$iptables-restore" --noflush <"$tmp/burst"
}

# Each rule's backend is new. One scan cannot visit the whole table.
test_a_burst_of_rules_beside_a_large_table() {
	need conntrack
	setup 2
	balance tcp 80 10.0.1.1:80
	noted small burst_of_rules 70
	host_entries 159999
	noted large burst_of_rules 71
	holds "200 rules beside 160,000 entries, ms" "$(most large)" $((2 * $(most small) + 500))
	[ ${#broken[@]} = 0 ] || fail "${broken[*]}"
}

fifty_namespaces() {
	local i

	rule_to 10.0.0.1 >rules
	for ((i = 0; i < 50; i++)); do
		unshare --net sh -c 'iptables-nft-restore <rules &&
			: >"ready-$0" && exec sleep 3600' $i &
		echo $! >"pid-$i"
		until [ -e ready-$i ]; do
			read -rt 0.05 -u "$nap" || kill -0 $!
		done
	done
}

# In all, one after another: backends appear, three times in a row.
change_all() { # TURN
	local i

	for ((i = 0; i < 50; i++)); do
		nsenter --net="/proc/$(cat pid-$i)/ns/net" bash -c '
			leastconnctl pool add p 2>/dev/null
			for i in 1 2 3; do
				leastconnctl add p "10.0.$((RANDOM % 250)).$i"
			done'
	done
}

test_fifty_namespaces() { # short
	need conntrack
	host_begins
	host_entries
	attack fifty_namespaces change_all
}

# Two at a time, also while the tenant rests.
changing_namespaces() {
	local i

	fifty_namespaces
	for i in 1 2; do
		while :; do
			change_all
		done &
	done 2>/dev/null
}

idle() {
	sleep 3600
}

test_fifty_namespaces_that_change() {
	need conntrack
	host_begins
	host_entries
	attack changing_namespaces idle
}

# Established connections of one backend that many pools have.
flows_of_many_pools() {
	entries_of_many_pools -t 36000 --state ESTABLISHED -u ASSURED
}

kill_all_flows() { # TURN
	local begun=${EPOCHREALTIME/./}

	leastconnctl kill 10.9.0.1:80 >&2 || true
	echo "kill: $(((${EPOCHREALTIME/./} - begun) / 1000)) ms" >&2
	sleep 0.5
}

# Each connection that ends would change the tournament of each pool.
test_kills_that_many_pools_are_told() {
	need conntrack
	host_begins
	sysctl -qw net.netfilter.nf_conntrack_max=100000
	pressing=12000
	attack flows_of_many_pools kill_all_flows
}

# Each pool has 30 backends, which all pools share, and a timeout of its own; the newest
# pool has the least.
pools_with_timeouts() {
	awk -v pools="${pools-4090}" 'BEGIN {
		for (i = 0; i < pools; i++) {
			print "pool add p" i " fail-timeout " 604800 - i
			for (k = 1; k <= 30; k++)
				print "add p" i " 10.0.0.1:" k
		}
	}' | split -l 3100 --filter 'leastconnctl restore'
	awk 'BEGIN {
		for (i = 0; i < 1050; i++)
			print "pool set p" i " fail-timeout 1"
	}' >down
	awk 'BEGIN {
		for (i = 0; i < 1050; i++)
			print "pool set p" i " fail-timeout " 604800 - i
	}' >up
}

change_timeouts() { # TURN
	local begun=${EPOCHREALTIME/./}

	leastconnctl restore <down >&2 || true
	echo "down: $(((${EPOCHREALTIME/./} - begun) / 1000)) ms" >&2
	leastconnctl restore <up >&2 || true
}

# The pool with the longest timeout would look at all others.
test_timeouts_of_pools_that_share_backends() {
	host_begins
	pressing=12000
	attack pools_with_timeouts change_timeouts
}

another_ends() {
	ip netns add another
	ip netns del another
}

kworkers_rest() {
	local before

	before=$(kworkers)
	exactly 1
	[ $(($(kworkers) - before)) -lt 200 ]
}

# The same when the namespace ends, in a kernel worker that ends all namespaces.
test_the_end_of_pools_with_timeouts() {
	local worked

	host_begins
	begin_tenants pools_with_timeouts idle
	rm -f "$tmp"/saw-*
	meanwhile $((20 * slow)) noted list ctl list
	meanwhile $((100 * slow)) noted end another_ends
	pause 1000
	worked=$(kworkers)
	kill_tenants
	pause 2000
	busywait 120000 kworkers_rest || fail "kernel workers do not rest"
	enough
	holds "kernel workers, ms" $(($(kworkers) - worked)) 10000
	holds "list, ms" "$(most list)" $((most_list * stretch / 100))
	holds "end of another namespace, ms" "$(most end)" $((most_register * stretch / 100))
	[ ${#broken[@]} = 0 ] || fail "$(printf '%s; ' "${broken[@]}")"
}

# Few backends, which all pools share.
many_pools_and_datagrams() {
	awk 'BEGIN {
		for (i = 0; i < 4090; i++) {
			print "pool add p" i
			for (n = 1; n <= 80; n++)
				print "add p" i " 10.9.0.1:" n " proto udp"
		}
	}' | split -l 2430 --filter 'leastconnctl restore'
	rule_for_datagrams "--pool p0"
}

# The scanner, whose time is not the tenant's, would change the tournament of each pool.
test_connections_that_cannot_be_recorded_beside_many_pools() {
	need conntrack
	limit_memory=400
	most_memory=450
	host_begins
	pressing=6000
	resting=6000
	attack many_pools_and_datagrams fill_records note_background
	dmesg | grep -q 'connection not recorded' ||
		fail "all connections were recorded"
	pressed_holds
}

# Conntrack's own events, each to so many sockets with a filter that takes its time.
conntrack_listeners() { # COUNT
	local said

	ulimit -n "$(ulimit -Hn)"
	exec {said}< <(exec python3 -c '
import ctypes, socket, struct, sys, time
socks, n = [], 4095
for i in range(int(sys.argv[1])):
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
    while n:
        code = struct.pack("HBBI", 0x24, 0, 0, 3) * n + struct.pack("HBBI", 6, 0, 0, 0)
        buf = ctypes.create_string_buffer(code)
        try:
            s.setsockopt(socket.SOL_SOCKET, 26,
                         struct.pack("HL", n + 1, ctypes.addressof(buf)))
            break
        except OSError:
            n //= 2
    s.bind((0, 4))  # NFNLGRP_CONNTRACK_DESTROY
    socks.append(s)
print(n, flush=True)
time.sleep(100000)
' "$1")
	read -r -u "$said"
	echo "conntrack listeners with filters of $REPLY" >&2
}

flows_before_listeners() {
	iptables-nft -A FORWARD -m conntrack --ctstate ESTABLISHED
	conntrack_listeners 900
	restore_entries 5000 -t 36000 --state ESTABLISHED -u ASSURED
	leastconnctl pool add z
	leastconnctl add z 10.9.0.1:80
	sleep 1
}

# Conntrack tells all its listeners of each entry that is deleted: the command would do
# that under the lock of generic netlink. Later conntrack does it, in a kernel worker, as
# for each entry that times out: how much of a processor that takes is not ours.
test_kills_before_conntrack_listeners() {
	need conntrack python3
	most_background=100
	host_begins
	pressing=12000
	attack flows_before_listeners kill_all_flows
}

flows_in_a_large_table() {
	flows_before_listeners
	# The scanner finds them.
	until leastconnctl list z --json | grep -q '"active": 5000'; do
		sleep 0.2
	done
}

# The command does not get through the table, and looks for the rest by its own records:
# conntrack deletes the expired entries that such a search meets.
test_kills_in_a_large_table_before_conntrack_listeners() {
	need conntrack python3
	most_background=100
	host_begins
	host_entries 149999
	pressing=12000
	attack flows_in_a_large_table kill_all_flows
}

rules_with_timeouts() { # FROM TO
	awk -v from="$1" -v to="$2" 'BEGIN {
		print "*nat"
		for (i = from; i < to; i++)
			printf "-A OUTPUT -d 198.18.%d.%d -p tcp --dport 80 -j LEASTCONN --to 10.1.0.1-10.1.0.64:80 --fail-timeout %d\n",
				i / 250, i % 250, 604800 - i
		print "COMMIT"
	}'
}

many_rules_with_timeouts() {
	local i

	for ((i = 0; i < 1500; i += 50)); do
		rules_with_timeouts $i $((i + 50)) | iptables-nft-restore --noflush
	done
}

flush_rules() { # TURN
	[ "$1" != 0 ] || iptables-nft -t nat -F
	sleep 1
}

# The same by rules, which iptables-nft lets a kernel worker end.
test_the_end_of_rules_with_timeouts() {
	limit_memory=128
	host_begins
	attack many_rules_with_timeouts flush_rules
}

closes_of_many_pools() {
	local i

	serve_itself 1
	awk 'BEGIN {
		for (i = 0; i < 4090; i++) {
			print "pool add p" i
			print "add p" i " 10.9.0.1:80"
		}
	}' | split -l 4096 --filter 'leastconnctl restore'
	printf '%s\n' '*nat' "-A OUTPUT -d $vip -p tcp --dport 80 -j LEASTCONN --pool p0" COMMIT |
		iptables-nft-restore
	for i in 1 2; do
		while :; do
			timeout -s TERM 5 "$its/bin/peer" load tcp $vip 80
		done >/dev/null 2>&1 &
	done
}

# Packets tell all pools of each connection that is closed.
test_closes_that_many_pools_are_told() {
	host_begins
	attack closes_of_many_pools idle
}

# Each has a connection.
thousand_namespaces() {
	local i

	printf '%s\n' 'pool add p' 'add p 10.9.0.1:80' >lines
	echo "-A -p tcp -s 10.8.0.1 -d 198.18.0.1 --sport 2000 --dport 80" \
		"-r 10.9.0.1 -q 10.8.0.1 --reply-port-src 80" \
		"--reply-port-dst 2000 -t 36000 --state ESTABLISHED -u ASSURED" >entry
	for ((i = 0; i < ${spaces-1000}; i++)); do
		unshare --net sh -c 'leastconnctl restore <lines && conntrack -R - <entry >/dev/null &&
			leastconnctl add p 10.9.0.2:80 &&
			: >"ready-$0" && exec sleep 3600' $i &
		[ $((i % 4)) != 3 ] || until [ -e ready-$i ]; do
			read -rt 0.02 -u "$nap" || kill -0 $!
		done
	done
}

busy_and_a_thousand() {
	thousand_namespaces
	flows_to_a_shared_backend
}

# What the gc takes in each of them, however few connections there are, is on the account.
test_a_thousand_namespaces_whose_share_is_used_up() {
	need conntrack
	limit_memory=1500
	most_memory=2000
	pressing=8000
	host_begins
	attack busy_and_a_thousand idle
}

test_a_thousand_idle_namespaces() {
	need conntrack
	limit_memory=1500
	most_memory=2000
	pressing=8000
	host_begins
	attack thousand_namespaces idle
}

# Two messages that it sends again and again move the hash tables of backends across a
# size: each time all are moved, by a kernel worker.
states() { # STATE FROM TO
	awk -v s="$1" -v i="$2" -v to="$3" 'BEGIN {
		for (; i < to; i++)
			printf "%s 10.%d.%d.%d\n", s, 1 + i / 62500, i / 250 % 250, 1 + i % 250
	}'
}

backends_around_a_size() {
	states drain 0 39200 | split -l 16000 --filter 'leastconnctl restore'
	states drain 39200 50000 >up
	states ready 39200 50000 >down
}

up_and_down() {
	leastconnctl restore <up
	leastconnctl restore <down
}

test_tables_that_grow_and_shrink() {
	host_begins
	pressing=6000
	attack backends_around_a_size up_and_down note_pressed
	pressed_holds
}

# namespaces_take STATES: memory of twenty namespaces that had so many backends; MiB
namespaces_take() {
	local i name had

	states drain 0 "$1" >"$tmp/up"
	states ready 0 "$1" >"$tmp/down"
	had=$(available)
	for ((i = 0; i < 20; i++)); do
		name=t$1-$i-$id
		ip netns add "$name"
		on "$name" "$leastconnctl" restore <"$tmp/up"
		on "$name" "$leastconnctl" restore <"$tmp/down"
	done
	pause 2000
	echo $(((had - $(available)) >> 10))
}

# What is charged goes with the backends; their tables are not charged.
test_tables_that_were_large() {
	local small large

	modprobe xt_LEASTCONN
	namespaces_take 49000 >/dev/null	# slabs stay
	small=$(namespaces_take 100)
	large=$(namespaces_take 49001)
	holds "memory of namespaces that were large, MiB more" $((large - small)) 25
	[ ${#broken[@]} = 0 ] || fail "${broken[*]}"
}

a_connection() {
	restore_entries 1 -t 36000 --state ESTABLISHED -u ASSURED
}

ready_for_nothing() {
	leastconnctl ready 10.0.0.1 2>/dev/null || true
}

# The first hook of a namespace with a connection walks the table, in a kernel worker.
test_hooks_that_come_and_go() {
	need conntrack
	host_begins
	host_entries
	sysctl -qw net.netfilter.nf_conntrack_buckets=262144
	senders=4
	pressing=6000
	attack a_connection ready_for_nothing note_pressed
	pressed_holds
}

pairs_of_pools() {
	awk 'BEGIN { for (; n < 30000; n++) print "pool add x\npool del x" }' |
		leastconnctl restore
}

# Each would look at all that the message has deleted.
test_pools_added_and_deleted_in_a_message() { # short
	host_begins
	pressing=6000
	attack true pairs_of_pools
}

# A namespace without a rule, and with an entry of conntrack, whose own walk waits for a
# mutex of the whole host when the first hook is registered. Another one flushes its entries
# meanwhile, which takes as long as all its listeners.
flush_and_a_first_pool() {
	conntrack_listeners 900
	unshare --net bash -c '. "$0"; ip link set lo up; echo $$ >first
		restore_entries 1 -t 36000 --state ESTABLISHED -u ASSURED
		: >ready; exec sleep 3600' "$its/functions" &
	until [ -e ready ]; do read -rt 0.05 -u "$nap" || kill -0 $!; done
}

flush_beside_a_first_pool() {
	local namespace

	namespace=/proc/$(cat first)/ns/net
	restore_entries 2000 -t 36000 --state ESTABLISHED -u ASSURED
	conntrack -F >/dev/null 2>&1 &
	sleep 0.2
	printf '%s\n' 'pool add q' 'add q 10.0.0.1:80' |
		nsenter --net="$namespace" leastconnctl restore
	nsenter --net="$namespace" leastconnctl pool del q
	wait $!
}

# conntrack's own command cannot be killed while it flushes.
test_a_first_pool_while_conntrack_is_flushed() {
	need conntrack python3
	most_background=100
	most_end=60000
	host_begins
	pressing=12000
	attack flush_and_a_first_pool flush_beside_a_first_pool
}

run_tests "$@"
