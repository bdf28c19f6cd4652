#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# leastconnctl and the kernel behind it: what it prints of connections that there
# are, and large or refused changes. What the kernel takes and refuses is
# family.sh's, what the tool understands ../ctl's.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

s1=10.0.1.1 s2=10.0.1.2 s3=10.0.1.3

# All that a refused change must leave as it was.
everything() {
	ctl save
	ctl list --json
	on "$lb" cat /proc/net/leastconn
}

saves() { # LINES WHAT
	expect "$1" "$(ctl save)" "$2"
}

# backends COUNT BEFORE [AFTER]: lines with so many addresses between them
backends() {
	awk -v n="$1" -v before="$2" -v after="${3-}" 'BEGIN {
		for (i = 0; i < n; i++)
			printf "%s10.%d.%d.%d%s\n", before, 1 + i / 65536,
				i / 256 % 256, i % 256, after
	}'
}

test_the_first_command_loads_the_module() { # short
	local modprobe

	host_add "$lb"
	unload
	modprobe=$(cat /proc/sys/kernel/modprobe)
	echo /bin/false >/proc/sys/kernel/modprobe
	! ctl list >"$tmp/said" 2>&1 || fail "it is there"
	echo "$modprobe" >/proc/sys/kernel/modprobe
	expect "leastconnctl: the kernel module is not loaded, or is older than this tool: modprobe xt_LEASTCONN" \
		"$(cat "$tmp/said")" "what it says without the module"
	expect "No pools, and no rules with --to" "$(ctl list)" "list"
	loaded || fail "it is not there"
	expect "leastconnctl $(cat "$here/../../VERSION")" "$(ctl --version)" \
		"version"
}

# ---- changes ----

# One of each command, and the whole of what is printed.
test_refusals() { # short
	local before

	host_add "$lb"
	ctl pool add web
	ctl add web $s1:80
	before=$(everything)
	refuses 'pool "web" already exists' pool add web
	refuses 'no pool "dns": see leastconnctl list' pool set dns max-fails 3
	refuses 'no pool "dns": see leastconnctl list' pool del dns
	refuses 'pool "web" already has this backend' add web $s1:80 proto tcp weight 5
	refuses "not a unicast address" add web 224.0.0.1:80
	refuses 'pool "web" has no such backend' set web $s2:80 weight 2
	refuses 'pool "web" has no such backend' del web $s2:80 --kill
	refuses "no such backend" drain $s2:80
	refuses "no such backend" kill $s1:80 proto udp
	says_no 1 "pool dns: no such pool; see leastconnctl list" ctl list dns
	says_no 1 "pool dns: no such pool; see leastconnctl list" ctl list dns --json
	expect "$before" "$(everything)" "what was there"
}

test_settings() { # short
	local saved

	host_add "$lb"
	ctl pool add web max-fails 3 redispatch
	ctl pool set web fail-timeout 604800 slow-start 604800 persistent 604800
	ctl pool set web persistent-mask 24 no-redispatch
	saved="pool add web max-fails 3 fail-timeout 604800 slow-start 604800 persistent 604800 persistent-mask 24"
	saves "$saved" "settings"
	ctl pool del web
	ctl restore <<<"$saved"
	saves "$saved" "what was restored"
	ipt -t nat -A OUTPUT -j LEASTCONN --to $s1 --max-fails 1 --redispatch
	ip6t -t nat -A OUTPUT -j LEASTCONN --to fd00:1::1 --persistent 60
	expect 'Pool web, 0 backends, 0 rules, max-fails 3, fail-timeout 604800, slow-start 604800, persistent 604800, persistent-mask 24
Rule with --to, 1 backend, max-fails 1, redispatch
Rule with --to, 1 backend, persistent 60' "$(ctl list | grep -v '^ \|^$')" "the list"
}

test_wait_for_what_is_drained() { # short
	local sentence="is ready and may get new connections; drain it first: leastconnctl drain"

	host_add "$lb"
	ipt -t nat -A PREROUTING -p tcp -j LEASTCONN --to $s1:80,$s1:81,$s2:80
	ctl pool add dns
	ctl add dns $s1:80 proto udp
	says_no 1 "$s3:80: no such backend" ctl wait $s3:80
	says_no 1 "$s2:80 proto tcp $sentence $s2:80" ctl wait $s2:80
	ctl drain $s1:80 proto tcp
	# Its twin of UDP is ready.
	says_no 1 "$s1:80 proto udp $sentence $s1:80" ctl wait $s1:80
	ctl wait $s1:80 proto tcp
	ctl down $s1
	ctl wait $s1 --timeout 0
}

# ---- list, metrics ----

# Two of TCP live on the first server, one closed on the second, one live on the
# third.
some_load() {
	setup 3
	serve tcp 80
	serve tcp 81
	ctl pool add web
	ctl add web $s1:80 weight 2 max-conns 2
	ctl add web $s2:80 backup
	pooled tcp 80 web
	ctl pool add six
	ctl add six '[fd00:1::1]:53' proto udp state drain
	balance tcp 81 $s3
	balance tcp 82 $s3
	peer "$cl" open d tcp $vip 81
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
  $s3        drain       1           1          0      1      0

In no pool and no rule
  Backend         State  Weight  ActiveConn  InActConn  Total  Fails
  10.0.1.9        down        -           0          0      0      0" \
		"$(ctl list)" "list"
	expect "Pool six, udp, 1 backend, 0 rules
  Backend         State  Weight  ActiveConn  InActConn  Total  Fails
  [fd00:1::1]:53  drain       1           0          0      0      0" \
		"$(ctl list six -n)" "list of one pool"
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
	    it = backend(*rest)
	    return dict(weight=weight, max_conns=max_conns, counted=it["active"],
	                full=max_conns == it["active"] > 0, backup=backup, health="in",
	                reason="none", **it)

	def group(rules, mask, backends):
	    # A pool has a default that depends on its backends, a rule has a number.
	    return dict(rules=rules, max_fails=None if mask == 128 else 0,
	                fail_timeout=10, slow_start=0,
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
	            member(1, 0, False, "ipv4", "10.0.1.3", 0, "any", "drain", 1, 0, 1)])],
	    "unused": [
	        backend("ipv4", "10.0.1.9", 0, "any", "down", 0, 0, 0)]}
	PYTHON
	expect '["six"] [] []' "$(ctl list six --json | python3 -c '
import json, sys
it = json.load(sys.stdin)
print(json.dumps([pool["name"] for pool in it["pools"]]), it["rules"], it["unused"])')" \
		"JSON of one pool"
}

# The samples of the manual, for each backend: ADDR PROTO STATE ACTIVE INACTIVE TOTAL
samples_of_backends() {
	local backend proto state active inactive total labels each

	while read -r backend proto state active inactive total; do
		labels="backend=\"$backend\",proto=\"$proto\""
		echo "backend_active_connections{$labels} $active"
		echo "backend_inactive_connections{$labels} $inactive"
		echo "backend_connections_total{$labels} $total"
		echo "backend_fails_total{$labels} 0"
		for each in ready drain down; do
			echo "backend_state{$labels,state=\"$each\"} $([ $each != "$state" ]; echo $?)"
		done
	done
}

# And for each member of a pool: POOL ADDR PROTO WEIGHT MAX-CONNS COUNTED BACKUP
samples_of_members() {
	local pool backend proto weight max counted backup labels

	while read -r pool backend proto weight max counted backup; do
		labels="pool=\"$pool\",backend=\"$backend\",proto=\"$proto\""
		echo "pool_backend_weight{$labels} $weight"
		echo "pool_backend_max_connections{$labels} $max"
		echo "pool_backend_counted_connections{$labels} $counted"
		echo "pool_backend_backup{$labels} $backup"
		echo "pool_backend_ejected{$labels} 0"
	done
}

test_metrics() {
	some_load
	ctl metrics >"$tmp/metrics"
	{
		samples_of_backends <<-BACKENDS
		$s1:80 tcp ready 2 0 2
		$s2:80 tcp ready 0 1 1
		[fd00:1::1]:53 udp drain 0 0 0
		$s3 any drain 1 0 1
		10.0.1.9 any down 0 0 0
		BACKENDS
		samples_of_members <<-MEMBERS
		web $s1:80 tcp 2 2 2 0
		web $s2:80 tcp 1 0 0 1
		six [fd00:1::1]:53 udp 1 0 0 0
		MEMBERS
		printf '%s\n' 'pool_rules{pool="web"} 1' 'pool_rules{pool="six"} 0'
		printf 'backend_ejected{backend="%s",proto="%s"} 0\n' $s1:80 tcp \
			$s2:80 tcp '[fd00:1::1]:53' udp $s3 any 10.0.1.9 any
	} | sed 's/^/leastconn_/' | LC_ALL=C sort >"$tmp/wanted"
	grep -v '^#' "$tmp/metrics" | LC_ALL=C sort | diff "$tmp/wanted" - ||
		fail "these are not the samples"
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
	says_no 1 'stdin:1: pool add web: pool "web" already exists' ctl restore <<<"$saved"
	saves "$saved" "what was there"
}

test_restore_is_all_or_none() { # short
	local before

	host_add "$lb"
	ipt -t nat -A PREROUTING -p tcp -j LEASTCONN --to $s1:80,$s2:80
	ctl pool add any
	ctl add any $s1
	ctl add any $s3 weight 7 max-conns 9
	ctl drain $s2:80
	before=$(everything)
	# In many kinds, done and undone.
	cat >"$tmp/script" <<-SCRIPT
	pool add web max-fails 3	# undone
	add web 10.0.1.8:80 state down

	set web 10.0.1.8:80 weight 3
	set any $s3 max-conns 0 backup state down
	pool set any redispatch
	del any $s1 --kill
	add any $s1 weight 2
	# states, of rules' backends and of none
	ready $s2:80
	down $s1
	drain 10.0.1.77
	drain [fd00::78]:80 proto tcp
	kill $s1:80
	pool del any
	add any 10.0.1.8:80
	pool add more
	SCRIPT
	says_no 1 "$tmp/script:16: add any 10.0.1.8:80: no pool \"any\": see leastconnctl list" \
		ctl restore "$tmp/script"
	expect "$before" "$(everything)" "what was there"
	# Without that line it is done.
	sed -i '/^add any 10.0.1.8/d' "$tmp/script"
	expect "0 conntrack entries deleted" "$(ctl restore "$tmp/script")" "kills"
	saves "pool add web max-fails 3
add web 10.0.1.8:80 weight 3 state down
pool add more
down $s1:80 proto tcp
down $s1 proto any
down $s3 proto any
drain 10.0.1.77 proto any
drain [fd00::78]:80 proto tcp" "what was done, in the order they appeared"
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
	says_no 1 "$tmp/bad:12601: pool del none: no pool \"none\": see leastconnctl list" \
		ctl restore "$tmp/bad"
	say "12,601 refused in $(((${EPOCHREALTIME/./} - took) / 1000)) ms"
	ctl list big | diff "$tmp/list" - || fail "something has been done"
	ctl pool del big
	expect "" "$(loads)" "backends without the pool"
}

# 16 pools of 65,535 backends, which they share, and one of 16.
test_most_backends_of_all_pools() {
	need split
	host_add "$lb"
	awk 'BEGIN {
		for (pool = 1; pool <= 17; pool++) {
			print "pool add p" pool
			for (port = 1; port <= (pool < 17 ? 65535 : 16); port++)
				print "add p" pool " 10.0.0.1:" port
		}
	}' >"$tmp/most"
	ctl restore "$tmp/most"
	expect 1048576 "$(ctl list --json | grep -o '"address"' | wc -l)" "backends"
	refuses "all pools and rules together have 1048576 backends, the maximum" \
		add p17 10.0.0.1:17
	! balance tcp 80 10.0.0.1:80 2>"$tmp/said" || fail "a rule has one more"
	ctl del p17 10.0.0.1:16
	ctl add p17 10.0.0.1:17
}

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
	# Each looks for its backend among a thousand pools' places for it.
	{
		for ((port = 1; port <= 999; port++)); do
			echo "add shared-1 10.0.1.1:$port"
		done
		yes "set shared-1 10.0.0.2:80 weight 1" | head -n 300
	} >"$tmp/to-find"
	# Too many for one change, though they can be added and deleted in parts.
	echo "pool add large" >"$tmp/add-1"
	backends 20000 "add large " :1 >>"$tmp/add-1"
	backends 20000 "add large " :2 >"$tmp/add-2"
	sed 's/^add/del/' "$tmp/add-2" >"$tmp/del-2"
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
		leastconnctl restore "$1/to-find" 2>&1 | sed 's/:[0-9]*:/:LINE:/'
		leastconnctl list shared-1 | grep -c :
		leastconnctl restore "$1/add-1" && leastconnctl restore "$1/add-2" || exit
		leastconnctl pool del large 2>&1
		leastconnctl restore "$1/del-2" && leastconnctl pool del large || exit
		leastconnctl list large 2>&1
	TENANT
	# The last list fails.
	timeout $((60 * slow)) setpriv --reuid=65534 --regid=65534 --clear-groups \
		unshare -Urn bash -c '. "$1/tenant"; true' bash "$tmp" >"$tmp/answer" ||
		fail "$(cat "$tmp/answer")"
	expect "1000
leastconnctl: $tmp/too-much:17: down 10.0.0.1: these changes together visit more than 32768 backends: send fewer at a time
1
1000
leastconnctl: $tmp/for-all:33: set shared-1 10.0.0.2:80 state down: these changes together visit more than 32768 backends: send fewer at a time
1
ready
leastconnctl: $tmp/to-find:LINE: set shared-1 10.0.0.2:80 weight 1: these changes together visit more than 32768 backends: send fewer at a time
1
leastconnctl: pool del large: this change visits more than 32768 backends: name single ones, or delete some
leastconnctl: pool large: no such pool; see leastconnctl list" "$(cat "$tmp/answer")" "what the tenant is told"
}

run_tests "$@"
