#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# As many clients as --persistent remembers, and more. Each server tells who comes
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

run_tests "$@"
