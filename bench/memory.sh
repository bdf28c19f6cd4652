# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What a backend occupies: a row in the format of load/load. Sourced in the guest.

# shellcheck source=worlds.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/worlds.sh"

# Bytes that nobody uses, free pages that a processor has at hand included.
free_bytes() {
	awk '/^MemFree:/ { n += $2 * 1024 } $1 == "count:" { n += $2 * 4096 } END { printf "%d\n", n }' \
		/proc/meminfo /proc/zoneinfo
}

# All that comes with it: its part of the rule, of the pool, of the table. Every port is another backend.
backend_rules() { # FIRST-PORT LAST-PORT BACKENDS
	local port
	echo "*nat"
	for ((port = $1; port <= $2; port++)); do
		echo "-A PREROUTING -d $vip -p tcp --dport $port -j LEASTCONN --to $(backend 1)-$(backend "$3"):$port"
	done
	echo "COMMIT"
}

backends_are() { # NUMBER
	local there
	there=$(on lb-memory cat /proc/net/leastconn | wc -l)
	[ "$there" = $(($1 + 1)) ] || {
		echo "bench: $((there - 1)) backends are there, not $1" >&2
		return 1
	}
}

# The first rules load what there is to load, files into the page cache too, which else would count.
backend_memory() {
	local n=64 ports=50 before after
	echo "# memory: $((n * ports)) backends" >&2
	backend_rules 1001 $((1000 + ports)) $n >/tmp/rules
	backend_rules 1000 1000 $n >/tmp/first
	world_up memory leastconn tcp 1
	on lb-memory "$iptables-restore" </tmp/first
	backends_are $n
	before=$(free_bytes)
	on lb-memory "$iptables-restore" --noflush </tmp/rules
	after=$(free_bytes)
	backends_are $((n + n * ports))
	world_down memory
	printf 'backend-memory\tleastconn\t%d\t0\t%.1f\t0.0\n' $n $(((before - after) / (n * ports)))
}
