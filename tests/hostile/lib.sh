# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the hostile tests share beside the selftests' lib.sh.

# shellcheck source-path=SCRIPTDIR source=../selftests/lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../selftests/lib.sh"

# More turns in the same time.
expedite_rcu

# ---- what goes on beside a test ----

meanwhile_pids=()

# meanwhile MS COMMAND...: again and again, MS apart, until enough(), or until
# the test has failed.
meanwhile() {
	rm -f "$tmp/enough"
	again $BASHPID "$@" &
	meanwhile_pids+=($!)
}

again() { # PID MS COMMAND...
	local pid=$1 turns=0 pause

	pause=$(printf '%d.%03d' $(($2 / 1000)) $(($2 % 1000)))
	shift 2
	while [ ! -e "$tmp/enough" ] && kill -0 "$pid"; do
		"$@"
		turns=$((turns + 1))
		read -rt "$pause" -u "$nap" || true
	done
	say "$turns times: $*"
}

# All of it ends, and nothing of it had failed.
enough() {
	local pid status=0

	: >"$tmp/enough"
	for pid in "${meanwhile_pids[@]}"; do
		wait "$pid" || status=1
	done
	meanwhile_pids=()
	[ $status = 0 ] || fail "something beside the test failed"
}

# ---- traffic ----

serve_all() {
	serve tcp 80
	serve udp 53
}

# clients NAME TCP UDP: so many at once; then they close, or reset. Whatever
# becomes of one of them, the next come.
clients() {
	local verb=(close reset)

	{
		peer "$cl" open "$1t" tcp $vip 80 count "$2" nowait \
			and open "$1u" udp $vip 53 count "$3" \
			and tell "$1u.*" hello
		peer "$cl" "${verb[RANDOM % 2]}" "$1*"
	} 2>/dev/null || true
}

# One connection after another; then what peer says of them.
load() { # SECONDS
	timeout -s TERM "$1" nsenter --net="/run/netns/$cl" \
		"$peer" load tcp $vip 80 || true
}

read_table() {
	on "$lb" cat /proc/net/leastconn >/dev/null
}

# ---- rules ----

# Without a moment in which there is none.
replace_rules() { # FILE
	# -w would take a file's name for seconds
	on "$lb" "$iptables-restore" -w <"$1"
}

rules_to() { # ADDR-ADDR
	cat <<-RULES
	*nat
	-A PREROUTING -d $vip/32 -p tcp --dport 80 -j LEASTCONN --to $1:80
	-A PREROUTING -d $vip/32 -p udp --dport 53 -j LEASTCONN --to $1:53
	-A PREROUTING -d $vip/32 -p tcp --dport 81 -j LEASTCONN --to 10.0.1.1-10.0.1.4
	COMMIT
	RULES
}

# ---- pools and states ----

leastconnctl=$here/../../ctl/leastconnctl

ctl() { # ARG...: on the balancer
	on "$lb" "$leastconnctl" "$@"
}

# All pools go, and then all states: of backends that no pool has any more.
without_pools_and_states() {
	local i

	for i in 1 2; do
		ctl save | awk '$1 == "pool" { print "pool del", $3 }
			$1 == "drain" || $1 == "down" { $1 = "ready"; print }' |
			ctl restore || return
	done
	[ -z "$(ctl save)" ]
}

# ---- what is left ----

# Newer kernels, and 6.12, free the memory of a namespace when the next one goes.
one_goes() {
	ip netns add "last-$id"
	ip netns del "last-$id"
}

objects_at_most() { # CACHE NUMBER
	[ "$(objects "$1")" -le "$2" ]
}

# The rules go, then pools and states, and with them every byte of ours.
nothing_is_left() {
	ipt -t nat -F
	# iptables-nft lets go of rules a little later.
	busywait 5000 without_pools_and_states 2>/dev/null ||
		fail "pools are left: $(ctl save)"
	busywait 30000 records_are 0 ||
		fail "$(objects leastconn_record) records are left"
	unload
}
