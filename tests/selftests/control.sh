#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# leastconnctl and the kernel behind it: each command, and each refusal with its
# exit status and the kernel's own sentence.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

s1=10.0.1.1 s2=10.0.1.2 s3=10.0.1.3

# All that a refused change must leave as it was.
everything() {
	ctl save
	ctl list --json
	on "$lb" cat /proc/net/leastconn
}

restore() { # LINE...
	printf '%s\n' "$@" | ctl restore
}

# restore_refuses SENTENCE LINE...: and nothing has changed
restore_refuses() {
	local before

	before=$(everything)
	says_no 1 "stdin:$1" restore "${@:2}"
	expect "$before" "$(everything)" "what was there"
}

saves() { # LINES WHAT
	expect "$1" "$(ctl save)" "$2"
}

# numbers FROM TO FORMAT: the format with each of them
numbers() {
	awk -v from="$1" -v to="$2" -v format="$3\n" \
		'BEGIN { for (i = from; i <= to; i++) printf format, i }'
}

# backends COUNT BEFORE [AFTER]: lines with so many addresses between them
backends() {
	awk -v n="$1" -v before="$2" -v after="${3-}" 'BEGIN {
		for (i = 0; i < n; i++)
			printf "%s10.%d.%d.%d%s\n", before, 1 + i / 65536,
				i / 256 % 256, i % 256, after
	}'
}

# ---- pools ----

test_the_first_command_loads_the_module() { # short
	host_add "$lb"
	unload
	expect "No pools, and no rules with --to" "$(ctl list)" "list"
	loaded || fail "it is not there"
}

test_pools_come_and_go() { # short
	local long=0123456789abcdefABCDEF_.-012345

	host_add "$lb"
	ctl pool add web
	ctl pool add $long
	expect "Pool web, 0 backends, 0 rules

Pool $long, 0 backends, 0 rules" "$(ctl list)" "list"
	refuses 'there is a pool "web"' pool add web
	refuses 'no pool "dns"' pool del dns
	ctl pool del web
	refuses 'no pool "web"' pool del web
	ctl pool add web
	saves "pool add $long
pool add web" "in the order they came"
	ctl pool del $long
	ctl pool del web
	saves "" "after the last"
}

test_no_more_pools_than_there_can_be() {
	local most='there are 4096 pools, the most there can be'

	host_add "$lb"
	numbers 1 4096 "pool add p%d" | ctl restore
	refuses "$most" pool add more
	restore_refuses "1: pool add more: $most" "pool add more"
	expect 4096 "$(ctl save | wc -l)" "pools"
	expect 4096 "$(ctl list | grep -c '^Pool ')" "pools of the list"
	# One less and one more at once is none more.
	restore "pool del p1" "pool add more"
	refuses "$most" pool add p1
	numbers 2 4096 "pool del p%d" | ctl restore
	saves "pool add more" "all gone but one"
}

# ---- backends of a pool ----

test_a_backend_and_its_terms() { # short
	host_add "$lb"
	ctl pool add web
	ctl add web $s1:80
	ctl add web $s2:80 weight 3 max-conns 500 backup
	ctl add web $s3:80 weight 0 state drain
	saves "pool add web
add web $s1:80
add web $s2:80 weight 3 max-conns 500 backup
add web $s3:80 weight 0 state drain" "added"

	ctl set web $s1:80 weight 65535 max-conns 4294967295
	ctl set web $s2:80 no-backup
	ctl set web $s3:80 state ready
	saves "pool add web
add web $s1:80 weight 65535 max-conns 4294967295
add web $s2:80 weight 3 max-conns 500
add web $s3:80 weight 0" "set; what was not given stays"

	ctl set web $s2:80
	ctl set web $s2:80 weight 1 max-conns 0
	ctl del web $s1:80
	ctl add web $s1:80
	saves "pool add web
add web $s2:80
add web $s3:80 weight 0
add web $s1:80" "one anew: its terms are the defaults"
}

test_what_a_pool_refuses() { # short
	host_add "$lb"
	ctl pool add web
	refuses 'no pool "dns"' add dns $s1:80
	refuses 'no pool "dns"' set dns $s1:80 weight 2
	refuses 'no pool "dns"' del dns $s1:80
	refuses 'pool "web" has no such backend' set web $s1:80 weight 2
	refuses 'pool "web" has no such backend' del web $s1:80
	refuses 'pool "web" has no such backend' del web $s1:80 --kill
	ctl add web $s1:80
	refuses 'pool "web" has this backend' add web $s1:80
	refuses 'pool "web" has this backend' add web $s1:80 proto tcp weight 5
	refuses 'pool "web" has no such backend' set web $s1:81 weight 2
	refuses 'pool "web" has no such backend' set web $s1 weight 2
	refuses 'pool "web" has no such backend' set web $s1:80 proto udp
	# Another pool's is none of this one.
	ctl pool add dns
	ctl add dns $s2:80
	refuses 'pool "web" has no such backend' del web $s2:80
	saves "pool add web
add web $s1:80
pool add dns
add dns $s2:80" "after all refusals"
}

test_no_backend_is_no_unicast_address() {
	local addr

	host_add "$lb"
	ctl pool add web
	for addr in 0.0.0.0 224.0.0.1 255.255.255.255 :: ff02::1; do
		refuses "this is no unicast address" add web $addr
		refuses "this is no unicast address" drain $addr
	done
	saves "pool add web" "after all refusals"
}

test_a_pool_has_one_family_and_one_protocol() { # short
	host_add "$lb"
	ctl pool add web
	ctl add web $s1:80
	refuses "the pool's backends are of the other family" \
		add web '[fd00::1]:80'
	refuses "the pool's backends are of another protocol" \
		add web $s2:80 proto udp
	# Whole addresses have no protocol.
	ctl add web $s2
	ctl del web $s1:80
	# Unless it is said, it is that of those who are there; TCP first.
	ctl add web $s1:53 proto udp
	ctl add web $s3:53
	saves "pool add web
add web $s2
add web $s1:53 proto udp
add web $s3:53 proto udp" "a protocol that need not be said"
	ctl set web $s3:53 weight 2
	ctl del web $s3:53
	ctl del web $s1:53 proto udp
	ctl del web $s2
	# Nobody is left who would mind.
	ctl add web '[fd00::1]:80'
	refuses "the pool's backends are of the other family" add web $s1:80
	saves "pool add web
add web [fd00::1]:80" "the other family"
}

test_no_more_backends_than_there_can_be() {
	host_add "$lb"
	ctl pool add web
	backends 65535 "add web " >"$tmp/script"
	on "$lb" leastconnctl restore "$tmp/script"
	refuses 'pool "web" has the 65535 backends it can have' \
		add web 10.200.0.1
	expect 65535 "$(ctl list web | grep -c '^  10\.')" "backends listed"
	ctl del web 10.1.1.1
	ctl add web 10.200.0.1
	ctl pool del web
	expect "" "$(loads)" "backends known"
}

# ---- states ----

# Backends of a rule and of pools, in the order of the table.
some_backends() {
	host_add "$lb"
	ipt -t nat -A PREROUTING -p tcp -j LEASTCONN --to $s1:80,$s1:81,$s2:80
	ctl pool add dns
	ctl add dns $s1:80 proto udp
	ctl pool add any
	ctl add any $s1
}

states() { # of all backends
	on "$lb" awk 'FNR > 1 { printf "%s%s", sep, $8; sep = " " }' \
		/proc/net/leastconn
}

test_a_state_is_of_all_that_match() { # short
	some_backends
	expect "ready ready ready ready ready" "$(states)" "at first"
	ctl drain $s1:80 proto tcp
	expect "drain ready ready ready ready" "$(states)" "one"
	ctl down $s1:80
	expect "down ready ready down ready" "$(states)" "one port"
	ctl ready $s1
	ctl drain $s1 proto tcp
	expect "drain drain ready ready ready" "$(states)" "one protocol"
	ctl drain $s1 proto any
	expect "drain drain ready ready drain" "$(states)" "the whole address"
	ctl down $s1
	expect "down down ready down down" "$(states)" "all of the address"
	ctl ready $s1
	expect "ready ready ready ready ready" "$(states)" "at last"
	refuses "no such backend" drain $s3
	refuses "no such backend" down $s2:81
	refuses "no such backend" ready $s2:80 proto udp
	refuses "no such backend" drain fd00::1
	expect "ready ready ready ready ready" "$(states)" "after refusals"
}

test_a_state_is_of_the_backend_not_of_the_pool() {
	host_add "$lb"
	ctl pool add a
	ctl pool add b
	ctl add a $s1:80
	ctl add b $s1:80 state down
	saves "pool add a
add a $s1:80 state down
pool add b
add b $s1:80 state down" "down in one pool"
	ctl set a $s1:80 state ready
	saves "pool add a
add a $s1:80
pool add b
add b $s1:80" "ready in the other"
	ctl drain $s1
	ctl pool del a
	ctl del b $s1:80
	expect drain "$(state $s1)" "state of one that no pool has"
	saves "pool add b
drain $s1:80 proto tcp" "and as it is saved"
	ctl add b $s1:80
	saves "pool add b
add b $s1:80 state drain" "back in a pool"
	ctl del b $s1:80
	ctl ready $s1
	expect "" "$(states)" "states of nobody's backends"
	refuses "no such backend" ready $s1
}

test_kill_of_none() {
	some_backends
	expect "0 conntrack entries deleted" "$(ctl kill $s1)" "kill"
	expect "0 conntrack entries deleted" \
		"$(ctl del dns $s1:80 --kill)" "del --kill"
	refuses "no such backend" kill $s3
	refuses "no such backend" kill $s1:80 proto udp
}

test_wait_for_what_is_drained() { # short
	some_backends
	says_no 1 "$s3:80: there is no such backend" ctl wait $s3:80
	says_no 1 "$s2:80 proto tcp is ready and may get new connections all the time; drain it first: leastconnctl drain $s2:80" \
		ctl wait $s2:80
	ctl drain $s1:80 proto tcp
	# Its twin of UDP is ready.
	says_no 1 "$s1:80 proto udp is ready and may get new connections all the time; drain it first: leastconnctl drain $s1:80" \
		ctl wait $s1:80
	ctl wait $s1:80 proto tcp
	ctl down $s1
	ctl wait $s1 --timeout 0
}

# ---- list, metrics ----

# Two of TCP live on the first server, one closed on the second.
some_load() {
	setup 3
	serve tcp 80
	ctl pool add web
	ctl add web $s1:80 weight 2 max-conns 2
	ctl add web $s2:80 backup
	pooled tcp 80 web
	ctl pool add six
	ctl add six '[fd00:1::1]:53' proto udp state drain
	balance tcp 81 $s3
	balance tcp 82 $s3
	ctl drain $s3
	# None that a pool or rule has.
	echo "down 10.0.1.9" | ctl restore
	peer "$cl" open c tcp $vip 80 count 3
	peer "$cl" tell c.3 close
	peer "$cl" drain c.3
	peer "$cl" close c.3
	busywait 1000 is "0 1 1" table $s2 || fail "$s2: $(table $s2)"
}

test_list_for_the_eye() { # short
	some_load
	expect "Pool web, tcp, 2 backends, 1 rule
  Backend         State  Weight  ActiveConn  InActConn  Total  Fails
  $s1:80     ready       2           2          0      2      0  max-conns 2 (full)
  $s2:80     ready       1           0          1      1      0  backup

Pool six, udp, 1 backend, 0 rules
  Backend         State  Weight  ActiveConn  InActConn  Total  Fails
  [fd00:1::1]:53  drain       1           0          0      0      0

2 equal rules with --to, 1 backend
  Backend         State  Weight  ActiveConn  InActConn  Total  Fails
  $s3        drain       1           0          0      0      0

In no pool and no rule
  Backend         State  Weight  ActiveConn  InActConn  Total  Fails
  10.0.1.9        down        -           0          0      0      0" \
		"$(ctl list)" "list"
	expect "Pool six, udp, 1 backend, 0 rules
  Backend         State  Weight  ActiveConn  InActConn  Total  Fails
  [fd00:1::1]:53  drain       1           0          0      0      0" \
		"$(ctl list six -n)" "list of one pool"
	says_no 1 "pool dns: no such pool" ctl list dns
	says_no 1 "pool dns: no such pool" ctl list dns --json
	agree 1000
}

test_list_for_programs() {
	need python3
	some_load
	ctl list --json >"$tmp/json"
	cat "$tmp/json"
	python3 - "$tmp/json" <<-'PYTHON'
	import json, sys

	def backend(family, address, port, proto, state, active, inactive, total):
	    return dict(family=family, address=address, port=port, proto=proto,
	                state=state, active=active, inactive=inactive, total=total,
	                fails=0)

	def member(weight, max_conns, backup, *rest):
	    return dict(weight=weight, max_conns=max_conns, backup=backup, health="in",
	                reason="none", **backend(*rest))

	def group(rules, mask, backends):
	    return dict(rules=rules, max_fails=0, fail_timeout=10, slow_start=0,
	                persistent=0, persistent_mask=mask, redispatch=False,
	                backends=backends)

	assert json.load(open(sys.argv[1])) == {
	    "pools": [
	        dict(name="web", **group(1, 128, [
	            member(2, 2, False, "ipv4", "10.0.1.1", 80, "tcp", "ready", 2, 0, 2),
	            member(1, 0, True, "ipv4", "10.0.1.2", 80, "tcp", "ready", 0, 1, 1)])),
	        dict(name="six", **group(0, 128, [
	            member(1, 0, False, "ipv6", "fd00:1::1", 53, "udp", "drain", 0, 0, 0)]))],
	    "rules": [
	        group(2, 32, [
	            member(1, 0, False, "ipv4", "10.0.1.3", 0, "any", "drain", 0, 0, 0)])],
	    "unused": [
	        backend("ipv4", "10.0.1.9", 0, "any", "down", 0, 0, 0)]}
	PYTHON
	expect '["six"] [] []' "$(ctl list six --json | python3 -c '
import json, sys
it = json.load(sys.stdin)
print(json.dumps([pool["name"] for pool in it["pools"]]), it["rules"], it["unused"])')" \
		"JSON of one pool"
}

test_metrics() {
	some_load
	ctl metrics >"$tmp/metrics"
	grep -v '^#' "$tmp/metrics" | sort >"$tmp/samples"
	grep -E '^leastconn_(backend_(active|inactive|connections|fails)|pool)' \
		"$tmp/samples" >"$tmp/some"
	expect 'leastconn_backend_active_connections{backend="10.0.1.1:80",proto="tcp"} 2
leastconn_backend_active_connections{backend="10.0.1.2:80",proto="tcp"} 0
leastconn_backend_active_connections{backend="10.0.1.3",proto="any"} 0
leastconn_backend_active_connections{backend="10.0.1.9",proto="any"} 0
leastconn_backend_active_connections{backend="[fd00:1::1]:53",proto="udp"} 0
leastconn_backend_connections_total{backend="10.0.1.1:80",proto="tcp"} 2
leastconn_backend_connections_total{backend="10.0.1.2:80",proto="tcp"} 1
leastconn_backend_connections_total{backend="10.0.1.3",proto="any"} 0
leastconn_backend_connections_total{backend="10.0.1.9",proto="any"} 0
leastconn_backend_connections_total{backend="[fd00:1::1]:53",proto="udp"} 0
leastconn_backend_fails_total{backend="10.0.1.1:80",proto="tcp"} 0
leastconn_backend_fails_total{backend="10.0.1.2:80",proto="tcp"} 0
leastconn_backend_fails_total{backend="10.0.1.3",proto="any"} 0
leastconn_backend_fails_total{backend="10.0.1.9",proto="any"} 0
leastconn_backend_fails_total{backend="[fd00:1::1]:53",proto="udp"} 0
leastconn_backend_inactive_connections{backend="10.0.1.1:80",proto="tcp"} 0
leastconn_backend_inactive_connections{backend="10.0.1.2:80",proto="tcp"} 1
leastconn_backend_inactive_connections{backend="10.0.1.3",proto="any"} 0
leastconn_backend_inactive_connections{backend="10.0.1.9",proto="any"} 0
leastconn_backend_inactive_connections{backend="[fd00:1::1]:53",proto="udp"} 0
leastconn_pool_backend_backup{pool="six",backend="[fd00:1::1]:53",proto="udp"} 0
leastconn_pool_backend_backup{pool="web",backend="10.0.1.1:80",proto="tcp"} 0
leastconn_pool_backend_backup{pool="web",backend="10.0.1.2:80",proto="tcp"} 1
leastconn_pool_backend_ejected{pool="six",backend="[fd00:1::1]:53",proto="udp"} 0
leastconn_pool_backend_ejected{pool="web",backend="10.0.1.1:80",proto="tcp"} 0
leastconn_pool_backend_ejected{pool="web",backend="10.0.1.2:80",proto="tcp"} 0
leastconn_pool_backend_max_connections{pool="six",backend="[fd00:1::1]:53",proto="udp"} 0
leastconn_pool_backend_max_connections{pool="web",backend="10.0.1.1:80",proto="tcp"} 2
leastconn_pool_backend_max_connections{pool="web",backend="10.0.1.2:80",proto="tcp"} 0
leastconn_pool_backend_weight{pool="six",backend="[fd00:1::1]:53",proto="udp"} 1
leastconn_pool_backend_weight{pool="web",backend="10.0.1.1:80",proto="tcp"} 2
leastconn_pool_backend_weight{pool="web",backend="10.0.1.2:80",proto="tcp"} 1
leastconn_pool_rules{pool="six"} 0
leastconn_pool_rules{pool="web"} 1' "$(LC_ALL=C sort "$tmp/some")" "samples"
	expect 'leastconn_backend_state{backend="10.0.1.1:80",proto="tcp",state="ready"} 1
leastconn_backend_state{backend="10.0.1.2:80",proto="tcp",state="ready"} 1
leastconn_backend_state{backend="10.0.1.3",proto="any",state="drain"} 1
leastconn_backend_state{backend="10.0.1.9",proto="any",state="down"} 1
leastconn_backend_state{backend="[fd00:1::1]:53",proto="udp",state="drain"} 1' \
		"$(grep '^leastconn_backend_state.* 1$' "$tmp/samples" |
			LC_ALL=C sort)" "states"
	! command -v promtool >/dev/null ||
		promtool check metrics <"$tmp/metrics"
}

# ---- save, restore ----

test_what_was_saved_is_restored() { # short
	local saved

	some_load
	saved=$(ctl save)
	expect "pool add web
add web $s1:80 weight 2 max-conns 2
add web $s2:80 backup
pool add six
add six [fd00:1::1]:53 proto udp state drain
drain $s3 proto any
down 10.0.1.9 proto any" "$saved" "saved"
	# Where there is nothing yet, as after booting.
	host_add "twin-$id"
	echo "$saved" | on "twin-$id" leastconnctl restore
	expect "$saved" "$(on "twin-$id" leastconnctl save)" "restored, and saved"
	# What is there already is there.
	restore_refuses '1: pool add web: there is a pool "web"' "$saved"
}

test_restore_reads_files_comments_and_blanks() {
	host_add "$lb"
	cat >"$tmp/script" <<-'SCRIPT'
	# the web

	  pool	add web  # a pool
	add web 10.0.1.1:80 weight 3
	SCRIPT
	ctl restore "$tmp/script"
	saves "pool add web
add web 10.0.1.1:80 weight 3" "restored"
	ctl restore </dev/null
	ctl restore - <<<"del web 10.0.1.1:80"
	saves "pool add web" "from stdin"
	says_no 1 "$tmp/none: No such file or directory" \
		ctl restore "$tmp/none"
}

test_restore_is_all_or_nothing() { # short
	some_backends
	ctl add any $s3 weight 7 max-conns 9
	ctl drain $s2:80
	# In many kinds, done and undone.
	restore_refuses '22: add any 10.0.1.8:80: no pool "any"' \
		"pool add web" \
		"add web 10.0.1.8:80" \
		"add web 10.0.1.9:80 state down" \
		"set web 10.0.1.8:80 weight 3" \
		"del web 10.0.1.8:80" \
		"add web 10.0.1.8:80" \
		"set any $s3 weight 1" \
		"set any $s3 max-conns 0 backup state down" \
		"set any $s3 state ready" \
		"del any $s3" \
		"add any $s3 weight 2" \
		"del any $s3 --kill" \
		"ready $s2:80" \
		"down $s1" \
		"drain 10.0.1.77" \
		"drain 10.0.1.78:80 proto udp" \
		"down [fd00::78]:80 proto tcp" \
		"ready $s1:81" \
		"kill $s1" \
		"pool del any" \
		"pool del web" \
		"add any 10.0.1.8:80" \
		"pool add more"
	restore_refuses "3: ready 10.0.1.78: no such backend" \
		"drain 10.0.1.77" "drain fd00::77" "ready 10.0.1.78"
	restore_refuses "2: down 10.0.1.79:80: ahead of a backend both port and protocol are needed, or none" \
		"drain 10.0.1.77" "down 10.0.1.79:80"
	restore_refuses "1: drain 10.0.1.79 proto udp: ahead of a backend both port and protocol are needed, or none" \
		"drain 10.0.1.79 proto udp"
	restore_refuses '5: pool add web: there is a pool "web"' \
		"pool del dns" "pool add web" "# a comment" "" "pool add web"
	refuses "no such backend" ready 10.0.1.77
	# What reads badly is not even told the kernel.
	says_no 2 'stdin:2: "web" is not a backend: write ADDR[:PORT], ADDR6 or [ADDR6]:PORT (host names and ranges are not accepted)' \
		restore "pool add web" "drain web"
	refuses 'no pool "web"' pool del web
}

test_restore_may_undo_itself() {
	host_add "$lb"
	restore "pool add web" "add web $s1:80" "pool del web" \
		"pool add web" "add web $s1:80 weight 2" "del web $s1:80" \
		"add web $s1:80 weight 3" "drain 10.0.1.77" "ready 10.0.1.77"
	saves "pool add web
add web $s1:80 weight 3" "the outcome"
	expect ready "$(states)" "states"
}

test_a_state_may_come_before_its_backend() {
	host_add "$lb"
	restore "drain $s1:80 proto tcp" "down $s2"
	expect "drain down" "$(states)" "states of nobody's backends"
	ipt -t nat -A PREROUTING -p tcp -j LEASTCONN --to $s1:80,$s2,$s3:80
	expect "drain down ready" "$(states)" "states with the rule"
	ipt -t nat -F
	busywait 10000 is "drain down" states || fail "without: $(states)"
	restore "ready $s1:80" "ready $s2"
	expect "" "$(states)" "all ready"
}

# As large as a message, a pool and a dump get.
test_restore_of_4200_backends() { # short
	local took

	host_add "$lb"
	{
		echo "pool add big"
		backends 4200 "add big " ":80 weight 2"
	} >"$tmp/script"
	took=${EPOCHREALTIME/./}
	ctl restore "$tmp/script"
	say "restored in $(((${EPOCHREALTIME/./} - took) / 1000)) ms"
	backends 4200 "  " ":80" >"$tmp/wanted"
	took=${EPOCHREALTIME/./}
	ctl list big >"$tmp/list"
	say "listed in $(((${EPOCHREALTIME/./} - took) / 1000)) ms"
	head -n 1 "$tmp/list"
	sed -n 's/ *ready  *2  *0  *0  *0  *0$//p' "$tmp/list" | diff "$tmp/wanted" - ||
		fail "the list is not all of them"
	expect 4200 "$(on "$lb" awk 'FNR > 1' /proc/net/leastconn | wc -l)" \
		"in the table"
	ctl save | diff "$tmp/script" - || fail "not saved as restored"
	ctl list --json >"$tmp/json"
	! command -v python3 >/dev/null ||
		expect 4200 "$(python3 -c 'import json, sys
print(len(set(b["address"] for b in json.load(open(sys.argv[1]))["pools"][0]["backends"])))' \
			"$tmp/json")" "addresses in JSON, by python3"
	! command -v jq >/dev/null ||
		expect 8400 "$(jq '[.pools[0].backends[].weight] | add' "$tmp/json")" \
			"weights in JSON, by jq"
	# The last line of as many, and none has been done.
	{
		sed 's/^add/set/; s/weight 2/weight 1/; 1d' "$tmp/script"
		backends 4200 "drain " ":80"
		backends 4200 "del big " ":80"
		echo "pool del none"
	} >"$tmp/bad"
	took=${EPOCHREALTIME/./}
	says_no 1 "$tmp/bad:12601: pool del none: no pool \"none\"" \
		ctl restore "$tmp/bad"
	say "12,601 refused in $(((${EPOCHREALTIME/./} - took) / 1000)) ms"
	ctl list big | diff "$tmp/list" - || fail "something has been done"
	ctl pool del big
	expect "" "$(states)" "states without the pool"
}

# Changes all backends to and fro until it is stopped.
flip() {
	while :; do
		ctl restore "$tmp/ones"
		ctl restore "$tmp/twos"
	done
}

# More than fits into a message, so that changes come between two of them.
# Any local user, as root of a user namespace: no message of a tenant makes the host
# wait for long.
test_a_tenants_message_is_bounded() { # short
	local port

	need setpriv unshare
	setpriv --reuid=65534 --regid=65534 --clear-groups unshare -Ur true ||
		skip "no user namespaces here"
	modprobe xt_LEASTCONN
	chmod 755 "$tmp"
	{
		echo "pool add p"
		for ((port = 1; port <= 1000; port++)); do
			echo "add p 10.0.0.1:$port"
		done
	} >"$tmp/pool"
	# Each looks at a thousand backends, and at their places in the pool.
	yes "drain 10.0.0.1" | head -n 15 >"$tmp/much"
	yes "down 10.0.0.1" | head -n 20 >"$tmp/too-much"
	# Each is told to a thousand pools.
	for ((port = 1; port <= 1000; port++)); do
		echo "pool add shared-$port"
		echo "add shared-$port 10.0.0.2:80"
	done >"$tmp/shared"
	yes "set shared-1 10.0.0.2:80 state down" | head -n 40 >"$tmp/for-all"
	cat >"$tmp/tenant" <<-'TENANT'
		leastconnctl restore "$1/pool" || exit
		leastconnctl restore "$1/much" || exit
		leastconnctl list p | awk '$2 == "drain" { n++ } END { print n }'
		leastconnctl restore "$1/too-much" 2>&1
		echo $?
		leastconnctl list p | awk '$2 == "drain" { n++ } END { print n }'
		leastconnctl restore "$1/shared" || exit
		leastconnctl restore "$1/for-all" 2>&1
		echo $?
		leastconnctl list shared-1 | awk '/10.0.0.2/ { print $2 }'
	TENANT
	timeout 60 setpriv --reuid=65534 --regid=65534 --clear-groups \
		unshare -Urn bash "$tmp/tenant" "$tmp" >"$tmp/answer" ||
		fail "$(cat "$tmp/answer")"
	expect "1000
leastconnctl: $tmp/too-much:17: down 10.0.0.1: together these changes look at more than 32768 backends: send fewer at a time
1
1000
leastconnctl: $tmp/for-all:33: set shared-1 10.0.0.2:80 state down: together these changes look at more than 32768 backends: send fewer at a time
1
ready" "$(cat "$tmp/answer")" "what the tenant is told"
}

test_a_list_is_of_one_moment() { # short
	local i flipper

	host_add "$lb"
	{
		echo "pool add big"
		backends 2000 "add big " ":80"
	} | ctl restore
	backends 2000 "set big " ":80 weight 1" >"$tmp/ones"
	backends 2000 "set big " ":80 weight 2" >"$tmp/twos"
	flip &
	flipper=$!
	for i in {1..40}; do
		ctl list big | awk '/^  10/ { print $3 }' | sort | uniq -c
	done >"$tmp/lists"
	kill $flipper
	expect 40 "$(wc -l <"$tmp/lists")" "lists, each of one weight"
	expect "2000 1
2000 2" "$(sort -u "$tmp/lists" | sed 's/^ *//')" "backends and their weight"
}

# ---- usage ----

test_misuse_is_told_apart() { # short
	host_add "$lb"
	misuses 'there is no command "lst"; leastconnctl help shows them' lst
	misuses '"we/b" is not a pool'"'"'s name: 1 to 31 of A-Z a-z 0-9 _ . -' \
		pool add we/b
	misuses "pool add needs more; usage: pool add NAME [max-fails N] [fail-timeout SEC] [slow-start SEC] [persistent SEC] [persistent-mask LEN] [redispatch|no-redispatch]" \
		pool add
	misuses "\"$s1:x\": port \"x\" is not a decimal number from 1 to 65535" \
		drain $s1:x
	saves "" "after misuse"
	expect "leastconnctl $(cat "$here/../../VERSION")" \
		"$(ctl --version)" "version"
	ctl help >"$tmp/answer"
}

run_tests "$@"
