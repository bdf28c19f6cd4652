# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2086,SC2119,SC2154
# What the tests of failing backends share. What a backend was sent is counted by
# iptables on the servers' side. Sourced after lib.sh, never run.

s1=10.0.1.1 s4=10.0.1.4

# SYNs, or datagrams, that a server was sent by clients.
count_arrivals() { # ADDR...
	local addr

	on "$sv" iptables -w -N arrivals
	on "$sv" iptables -w -I INPUT -p tcp --syn -j arrivals
	on "$sv" iptables -w -I INPUT -p udp -j arrivals
	for addr; do on "$sv" iptables -w -A arrivals -d "$addr"; done
}

arrived() { # ADDR
	on "$sv" iptables -w -nvxL arrivals | awk -v a="$1" '$NF == a { n += $1 } END { print n + 0 }'
}

# Those listen; nobody else, who then refuses.
serve_at() { # ADDR...
	local addr

	for addr; do peer "$sv" listen tcp "$addr" 80; done
}

# What happens to SYNs for an address: dropped, or answered with ICMP.
filter() { # ADDR TARGET [OPTION...]
	on "$sv" iptables -w -A INPUT -p tcp -d "$1" --dport 80 -j "${@:2}"
}

unfilter() {
	on "$sv" iptables -w -F INPUT
}

# One connection after another, each closed by its client. Prints how many came
# about.
connect() { # TIMES
	local i done=0

	for ((i = 0; i < $1; i++)); do
		if peer "$cl" open "x$i" tcp $vip 80 >/dev/null 2>&1; then
			done=$((done + 1))
			peer "$cl" reset "x$i" >/dev/null
		fi
	done
	echo $done
}

state_of() { # ADDR: as the pool has it
	listed "$1" 2
}

becomes() { # MS ADDR STATE
	busywait "$1" is "$3" state_of "$2" ||
		expect "$3" "$(state_of "$2")" "the state of $2"
}

# Why it is ejected: as list has it behind the columns, and as /proc has it.
reason_of() { # ADDR [POOL]
	on "$lb" leastconnctl list ${2:+"$2"} | awk -v a="$1:80" '
		$1 == a { print $8 == "reason" ? $9 : "-"; exit }'
}

told_of() { # ADDR: how many eject it, and why
	on "$lb" awk -v a="$1" '$3 == a && $4 == 80 { print $10, $11 }' \
		/proc/net/leastconn
}

because() { # ADDR REASON: it is ejected by one, and nobody else is
	expect "$2" "$(reason_of "$1")" "the reason of $1"
	expect "1 $2" "$(told_of "$1")" "/proc of $1"
	expect "- 0 -" "$(reason_of $s1) $(told_of $s1)" "the reason of $s1"
}

add_clients() { # ADDR...
	local addr

	for addr; do ip -n "$cl" addr add "$addr/24" dev eth0; done
}

all_loads() {
	loads | awk '{ print $1 + $2 }'
}

# Of twenty clients at once.
thousand() { # sets sum: how many there were, how many failed
	local i before
	local -a loads=()

	before=$(served "10[.]0[.]1[.].")
	for ((i = 0; i < 20; i++)); do
		nsenter --net="/run/netns/$cl" "$peer" load tcp $vip 80 >"$tmp/load.$i" &
		loads+=($!)
	done
	busywait 120000 served_over $((before + 1000)) || true
	kill -TERM "${loads[@]}"
	wait "${loads[@]}"
	sum=$(awk '{ n += $1; f += $2 } END { print n, f }' "$tmp"/load.*)
}

served_over() { # COUNT
	[ "$(served "10[.]0[.]1[.].")" -gt "$1" ]
}

# As many clients connect: the first by 10.0.0.2, the others by addresses of their own.
clients_connect() { # TIMES CLIENT...
	local i client done=0

	for ((i = 0; i < $1; i++)); do
		for client in "${@:2}"; do
			peer "$cl" open "y$i" tcp $vip 80 from "$client" >/dev/null 2>&1 ||
				continue
			done=$((done + 1))
			peer "$cl" reset "y$i" >/dev/null
		done
	done
	echo $done
}

# Which backends were ever ejected, by the events.
watch_ejections() {
	nsenter --net="/run/netns/$lb" leastconnctl monitor >"$tmp/ejections" 2>&1 &
	watcher=$!
	busywait 5000 listens_to "$watcher" || fail "monitor does not listen"
}

listens_to() { # PID
	on "$lb" awk -v id="$1" '$3 == id && $4 !~ /^0*$/ { found = 1 }
		END { exit !found }' /proc/net/netlink
}

ejections() {
	kill "$watcher"
	wait "$watcher" || true
	grep ejected "$tmp/ejections" || true
}
