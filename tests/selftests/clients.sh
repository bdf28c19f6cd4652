#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# As many clients as --persistent remembers, and more; the command clients. Each server tells who comes
# which one it is: crowd writes a line "NUMBER SERVER" for each client.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

most=131072			# LC_MAX_CLIENTS
many=${LC_SHORT:+2000}
many=${many:-100000}

# All of 10.16.0.0/12 and fd00:7::/32 are clients. The fifth server is for later.
setup_crowd() {
	setup 5
	ip -n "$cl" route add local 10.16.0.0/12 dev lo
	ip -n "$lb" route add 10.16.0.0/12 via 10.0.0.2
	ip -n "$cl" route add local fd00:7::/32 dev lo
	ip -n "$lb" route add fd00:7::/32 via fd00:0::2
	on "$cl" sysctl -qw net.ipv6.ip_nonlocal_bind=1
	# The namespaces share the table.
	sysctl -qw net.netfilter.nf_conntrack_max=600000 \
		net.netfilter.nf_conntrack_buckets=65536
	keep_tracking ipt
	keep_tracking ip6t
	on "$sv" "$here/crowd" serve 53
	port=20000
}

# A connection from each, by a port that none of them had: what conntrack has of
# them does not lead them anywhere.
visit() { # FILE FIRST LAST [TO FROM]
	local begun=${EPOCHREALTIME/./}

	port=$((port + 1))
	on "$cl" "$here/crowd" visit "${4:-$vip}" 53 "${5:-10.16.0.0}" $port \
		"$2" "$3" >"$tmp/$1"
	say "clients $2 to $3: $(((${EPOCHREALTIME/./} - begun) / 1000)) ms"
}

# No rule is left that was there before. With the fifth server in it whoever is not
# remembered is sent to that one: sixty thousand times their weight.
rule() { # ipt|ip6t ADDR TO [OPTION...]
	"$1" -t nat -F PREROUTING
	"$1" -t nat -A PREROUTING -d "$2" -p udp --dport 53 -j LEASTCONN \
		--to "$3" "${@:4}"
}

fifth=10.0.1.1-10.0.1.4:53,10.0.1.5:53,weight=60000
fifth6='[fd00:1::1]-[fd00:1::4]:53,[fd00:1::5]:53,weight=60000'

shares() { # FILE: how many each server has, "SERVER COUNT", and commas between
	awk '{ n[$2]++ } END { for (s in n) print s, n[s] }' "$tmp/$1" |
		sort | paste -sd ,
}

# Four servers have as many as each other, to a hundredth.
evenly() { # FILE
	shares "$1" | tr , '\n' | awk '
		{ n[NR] = $2; all += $2 }
		END {
			for (i in n)
				if (4 * n[i] < 0.99 * all || 4 * n[i] > 1.01 * all)
					exit 1
			exit NR != 4
		}' || fail "clients of each: $(shares "$1")"
}

same_servers() { # FILE OTHER WHAT
	cmp -s "$tmp/$1" "$tmp/$2" || fail "$3: $(
		diff "$tmp/$1" "$tmp/$2" | grep -c '^<') of $(
		wc -l <"$tmp/$1") came to others: $(shares "$2")"
}

# Nobody has a connection any more.
flush() {
	on "$lb" conntrack -F 2>/dev/null
}

test_a_hundred_thousand_clients_are_remembered() { # short
	local end=$((many - 1))

	setup_crowd
	rule ipt $vip 10.0.1.1-10.0.1.4:53 --persistent 3600
	visit first 0 $end
	evenly first
	# Without their connections, by another rule, the last one first.
	flush
	rule ipt $vip $fifth --persistent 3600
	visit second $end 0
	same_servers first second "all of them"
	# The other way round: that is not by chance.
	flush
	rule ipt $vip $fifth
	visit third 0 999
	expect "10.0.1.5 1000" "$(shares third)" "when none is to be remembered"
}

# Each comes from another address of its prefix the second time.
test_a_hundred_thousand_prefixes_are_remembered() { # short
	local end=$((many - 1))

	setup_crowd
	rule ip6t $vip6 '[fd00:1::1]-[fd00:1::4]:53' --persistent 3600 \
		--persistent-mask 64
	visit first 0 $end $vip6 fd00:7::1
	evenly first
	flush
	rule ip6t $vip6 "$fifth6" --persistent 3600 --persistent-mask 64
	visit second $end 0 $vip6 fd00:7::ffff:2
	same_servers first second "all of them"
	flush
	rule ip6t $vip6 "$fifth6" --persistent 3600
	visit third 0 999 $vip6 fd00:7::3
	expect "fd00:1::5 1000" "$(shares third)" "whole addresses, never seen"
}

# In use, also where the kernel has put caches of one size together.
remembered() {
	local cache=/sys/kernel/slab/leastconn_client objects

	echo 1 >$cache/shrink
	read -r objects _ <$cache/objects
	echo "$objects"
}

# What else is in such a cache comes and goes.
remembers() { # COUNT WHAT: so many more than $before
	local more=$(($(remembered) - before)) spare=0

	[ ! -L /sys/kernel/slab/leastconn_client ] || spare=2000
	say "$2: $more clients in memory"
	if [ $more -lt $(($1 - spare)) ] || [ $more -gt $(($1 + spare)) ]; then
		fail "$2: $more clients in memory, not $1"
	fi
}

lines() { # FILE FIRST LAST: to a file FIRST-LAST
	awk -v f="$2" -v l="$3" '$1 >= f && $1 <= l' "$tmp/$1" >"$tmp/$2-$3"
}

test_whoever_was_idle_longest_is_forgotten() {
	local before past=$((most + 999))

	# The clients of the namespace before this one may still be there.
	unload
	setup_crowd
	rule ipt $vip 10.0.1.1-10.0.1.4:53 --persistent 3600
	before=$(remembered)
	visit first 0 $((most - 1))
	remembers $most "as many as there may be"
	# A thousand come again, then a thousand who are new.
	visit again 0 999
	lines first 0 999
	same_servers 0-999 again "the first ones"
	visit new $most $past
	remembers $most "with a thousand more"
	flush
	rule ipt $vip $fifth --persistent 3600
	visit kept 0 999
	same_servers 0-999 kept "who came again"
	visit kept $most $past
	same_servers new kept "who are new"
	# Two processors may change the order of those who come at a time, which
	# are fewer than 200.
	visit kept 2200 $((most - 1))
	lines first 2200 $((most - 1))
	same_servers 2200-$((most - 1)) kept "the others"
	visit gone 1000 1799
	expect "10.0.1.5 800" "$(shares gone)" "who was idle longest"
	remembers $most "after all"
	teardown_hosts
	# With all the connections of theirs.
	busywait 60000 nobody || remembers 0 "without the namespace"
}

nobody() {
	[ $(($(remembered) - before)) -le 0 ]
}

# ---- the list of them ----

# As visit writes them, of the clients FIRST to LAST.
listed_clients() { # FIRST LAST [B]: of 10.B.0.0 and so on, 16 if it is not given
	ctl clients | awk -v first="$1" -v last="$2" -v b="${3:-16}" '
		split($1, a, ".") == 4 {
			n = (a[2] - b) * 65536 + a[3] * 256 + a[4]
			sub(/:.*/, "", $4)
			if (n >= first && n <= last) print n, $4
		}'
}

test_clients_are_listed() { # short
	local end=$((many - 1))

	setup_crowd
	expect "" "$(ctl clients)" "no client"
	rule ipt $vip 10.0.1.1-10.0.1.4:53 --persistent 3600
	visit first 0 $end
	listed_clients 0 $end >"$tmp/listed"
	same_servers first listed "the list"
	ctl clients | sed -n 2p | grep -qE \
		'^10\.16\.0\.0 +203\.0\.113\.10:53 +udp +10\.0\.1\.[1-4]:53 +3[56][0-9][0-9]$' ||
		fail "$(ctl clients | head -n 2)"
	expect "$many" "$(ctl clients --json | python3 -c '
import json, sys
print(len({(c["address"], c["prefix"]) for c in json.load(sys.stdin)["clients"]}))')" \
		"clients in JSON"
}

# Those that stay are listed once, while others come and are forgotten.
test_clients_are_listed_while_others_come_and_go() { # short
	local n end=$((many / 2 - 1)) visitor

	setup_crowd
	rule ipt $vip 10.0.1.1-10.0.1.4:53 --persistent 3600
	visit first 0 $end $vip 10.20.0.0
	: >"$tmp/turns"
	# Of addresses before these: where a bucket has both, they are listed first.
	(
		set +e
		while :; do
			port=$((port + 1))
			on "$cl" "$here/crowd" visit $vip 53 10.16.0.0 $port 0 9999
			echo >>"$tmp/turns"
			ctl clients flush 10.16.0.0/14
		done
	) >/dev/null 2>&1 &
	visitor=$!
	for ((n = 1; $(wc -l <"$tmp/turns") < 20; n++)); do
		listed_clients 0 $end 20 >"$tmp/listed"
		cmp -s "$tmp/first" "$tmp/listed" || break
	done
	kill $visitor
	wait $visitor || true
	say "$n lists, $(wc -l <"$tmp/turns") times 10000 others"
	same_servers first listed "list $n"
}

count_clients() { # REGEX: of those that are listed
	ctl clients "${@:2}" | grep -cE "$1" || true
}

test_clients_are_forgotten() { # short
	setup_crowd
	printf '%s\n' "pool add dns persistent 3600" "pool add other" \
		"add dns "10.0.1.{1,2}":53 proto udp" | ctl restore
	ipt -t nat -A PREROUTING -d $vip -p udp --dport 53 -j LEASTCONN --pool dns
	visit first 0 999
	# Of another service, by whole addresses and by prefixes.
	ip6t -t nat -A PREROUTING -d $vip6 -p udp --dport 53 -j LEASTCONN \
		--to '[fd00:1::3]:53' --persistent 3600 --persistent-mask 64
	visit six 0 9 $vip6 fd00:7::1
	expect "1000 10" "$(count_clients '^10.') $(count_clients '^fd00:7:.*/64 ')" \
		"clients"
	expect "1000 0" "$(count_clients '^10.' dns) $(count_clients : other)" \
		"clients of pools"
	ctl clients flush 10.16.0.9
	expect 999 "$(count_clients '^10.')" "without one"
	expect 0 "$(count_clients '^10.16.0.9 ')" "that one"
	ctl clients flush 10.16.1.0/24
	expect 743 "$(count_clients '^10.')" "without a prefix"
	# An address means the client that it is a part of.
	ctl clients flush fd00:7::abcd
	expect 9 "$(count_clients '^fd00:7:.*/64 ')" "without the first prefix"
	ctl clients flush other
	expect "743 9" "$(count_clients '^10.') $(count_clients '^fd00')" \
		"without those of a pool that has none"
	ctl clients flush dns
	expect "0 9" "$(count_clients '^10.') $(count_clients '^fd00')" \
		"without those of a pool"
	says_no 1 "clients flush nobody: no such pool" ctl clients flush nobody
	says_no 1 "pool nobody: no such pool; see leastconnctl list" ctl clients nobody
	ctl clients flush
	expect "" "$(ctl clients)" "without any"
	# They are balanced anew: all connections are still there.
	ctl add dns 10.0.1.5:53 weight 60000
	visit second 0 999
	expect "10.0.1.5 1000" "$(shares second)" "when none is remembered"
}

# ---- clients with connections ----

# A client is listed, or is not, for so long.
stays_listed() { # MS CLIENT
	! busywait "$1" is 0 count_clients "^$2 " || fail "$2 is forgotten"
}

# Of all others nobody would come to a server with a connection, while one is free.
server_of() { # SOURCE-PORT [IPv6]
	on "$lb" conntrack -L -p tcp -f "${2:-ipv4}" --orig-port-src "$1" 2>/dev/null |
		sed 's/.* src=\([^ ]*\) .*/\1/'
}

# As long as it takes, and never for longer than its connection: 2 s.
test_a_client_with_a_connection_is_remembered() { # short
	local mine

	setup 2
	ip -n "$cl" route add local 10.16.0.0/12 dev lo
	ip -n "$lb" route add 10.16.0.0/12 via 10.0.0.2
	serve tcp 80
	balance tcp 80 10.0.1.1:80,10.0.1.2:80 --persistent $((2 * slow))
	peer "$cl" open held tcp $vip 80 from 10.16.0.1,30001
	mine=$(server_of 30001)
	peer "$cl" open short tcp $vip 80 from 10.16.0.2,30001
	peer "$cl" reset short
	stays_listed 15000 10.16.0.1
	expect 0 "$(count_clients '^10.16.0.2 ')" "one without a connection"
	peer "$cl" open other tcp $vip 80 from 10.16.0.3,30001
	[ "$(server_of 30001 | grep -cx "$mine")" = 1 ] || fail "the other came there, too"
	peer "$cl" reset other
	peer "$cl" open again tcp $vip 80 from 10.16.0.1,30002
	expect "$mine" "$(server_of 30002)" "after 15 s"
	# Without a connection its time ends.
	peer "$cl" reset held
	peer "$cl" reset again
	busywait 5000 is 0 count_clients "^10.16.0.1 " || fail "$(ctl clients)"
	peer "$cl" open direct tcp "$mine" 80
	peer "$cl" open anew tcp $vip 80 from 10.16.0.1,30003
	[ "$(server_of 30003)" != "$mine" ] || fail "without a connection it stayed"
}

# Where backends have no port, clients are prefixes, and a connection is another address's.
test_a_prefix_with_a_connection_is_remembered() { # short
	local mine

	setup 2
	ip -n "$cl" route add local fd00:7::/32 dev lo
	ip -n "$lb" route add fd00:7::/32 via fd00:0::2
	on "$cl" sysctl -qw net.ipv6.ip_nonlocal_bind=1
	serve tcp 80
	balance6 tcp 80 fd00:1::1,fd00:1::2 --persistent $((2 * slow)) --persistent-mask 64
	peer "$cl" open held tcp $vip6 80 from fd00:7::1,30001
	mine=$(server_of 30001 ipv6)
	stays_listed 7000 fd00:7::/64
	peer "$cl" open again tcp $vip6 80 from fd00:7::2,30002
	expect "$mine" "$(server_of 30002 ipv6)" "after 7 s"
	peer "$cl" reset held
	peer "$cl" reset again
	busywait 5000 is 0 count_clients "^fd00" || fail "$(ctl clients)"
}

# A connection of another backend's does not keep it: the client was given away.
test_a_connection_of_another_backend_does_not_count() { # short
	local mine

	setup 2
	serve tcp 80
	balance tcp 80 10.0.1.1:80,10.0.1.2:80 --persistent $((2 * slow))
	peer "$cl" open held tcp $vip 80 from 10.0.0.2,30001
	mine=$(server_of 30001)
	ctl drain "$mine:80"
	peer "$cl" open moved tcp $vip 80 from 10.0.0.2,30002
	peer "$cl" reset moved
	busywait 6000 is 0 count_clients "^10.0.0.2 " || fail "$(ctl clients)"
}

run_tests "$@"
