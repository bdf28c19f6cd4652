# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the tests share that send rules which no honest front end would: rawrule
# and the honest front ends, and what may be left behind.

# shellcheck source-path=SCRIPTDIR source=../selftests/lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../selftests/lib.sh"

rawrule=${LC_RAWRULE:-$here/../rawrule/rawrule}
leastconnctl=$here/../../ctl/leastconnctl
door='' family=''	# of the test, as rawrule has them

# Aborted transactions, hooks and modules wait for RCU grace periods, and no
# test here is about a race.
expedite_rcu

raw() { # ARG...: rawrule, through the door and in the family of the test
	on "$lb" "$rawrule" "$door" "$family" "$@"
}

front() { # [-restore|-save] ARG...: the honest front end of the same door
	local name=iptables tool=''

	[ "$family" = 4 ] || name=ip6tables
	case $1 in -restore | -save) tool=$1; shift ;; esac
	on "$lb" "$name-$door$tool" "$@"
}

# fuzz ROUNDS SEED [FROM]: nothing is loaded for the names that it makes up. The
# kernel's log has all of its lines.
fuzz() {
	local modprobe status=0

	modprobe=$(cat /proc/sys/kernel/modprobe)
	echo >/proc/sys/kernel/modprobe
	echo on >/proc/sys/kernel/printk_devkmsg
	raw fuzz "$@" || status=$?
	echo ratelimit >/proc/sys/kernel/printk_devkmsg
	echo "$modprobe" >/proc/sys/kernel/modprobe
	[ $status = 0 ] || fail "status $status, $door, IPv$family, seed $2"
}

# ---- what is left behind ----

tracing=/sys/kernel/tracing
trace=$tracing/instances/leastconn
listed=''		# hooks when counting began, if they are listed

# See what registers and unregisters netfilter hooks, and for which namespace:
# one where tracking is still on looks like any other. User-Mode Linux has no kprobes:
# there the hooks of the balancer's namespace are listed.
count_hooks() {
	[ -e $tracing/kprobe_events ] || mount -t tracefs trace $tracing 2>/dev/null || true
	uncount_hooks
	if {
		echo 'p:leastconn/hook_get __nf_register_net_hook net=%di:x64' &&
			echo 'p:leastconn/hook_put __nf_unregister_net_hook net=%di:x64'
	} 2>/dev/null >>$tracing/kprobe_events; then
		mkdir $trace
		echo 1 >$trace/events/leastconn/enable
	else
		listed=$(hooks_listed) || skip "hooks can be neither traced nor listed"
	fi
}

hooks_listed() {
	on "$lb" nft list hooks | awk '/^\t\t[+-]/ { n++ } END { print n + 0 }'
}

uncount_hooks() {
	listed=''
	[ ! -e $trace ] || rmdir $trace
	[ -e $tracing/events/leastconn ] || return 0
	echo '-:leastconn/hook_get' >>$tracing/kprobe_events
	echo '-:leastconn/hook_put' >>$tracing/kprobe_events
}

# Hooks registered since count_hooks(), and references to modules. A namespace
# that only gives back is a dead one.
held() {
	local files=(/proc/modules) now=0

	[ ! -e $trace ] || files+=("$trace/trace")
	[ -z "$listed" ] || now=$(($(hooks_listed) - listed))
	awk -v n="$now" '/^(xt_LEASTCONN|nf_conntrack|nf_nat) / { print $1, $3 }
		/ hook_get: / { got[$NF]++ }
		/ hook_put: / { put[$NF]++ }
		END {
			for (net in got)
				n += got[net] - put[net]
			print "hooks", n + 0
		}' "${files[@]}"
}

held_is() { # WANTED
	[ "$(held)" = "$1" ]
}

# All tables of the door are there, chains to send rules to, and no LEASTCONN.
make_tables() {
	front -restore <<-RULES
	*filter
	COMMIT
	*mangle
	COMMIT
	*nat
	:PREROUTING ACCEPT
	:INPUT ACCEPT
	:OUTPUT ACCEPT
	:POSTROUTING ACCEPT
	:from-pre - [0:0]
	:from-post - [0:0]
	:unused - [0:0]
	-A PREROUTING -i none -j ACCEPT
	-A PREROUTING -j from-pre
	-A from-pre -i none -j RETURN
	-A POSTROUTING -j from-post
	COMMIT
	RULES
}

standing_rule() { # -A|-D
	local backend=192.0.2.1:80

	[ "$family" = 4 ] || backend='[2001:db8::1]:80'
	front -t nat "$1" OUTPUT -o none -p tcp -j LEASTCONN --to "$backend"
}

rules() { # without what they counted
	front -save | sed '/^#/d; s/ \[[0-9]*:[0-9]*\]$//'
}

# Namespaces that were deleted before take their hooks with them in their own
# time, batch after batch: when a device of the second has gone, the first, with
# all that was deleted until now, is done.
await_dead_namespaces() {
	local i

	for i in 1 2; do
		ip netns add "last-$id"
		ip link add "last-$id" type veth peer name eth0 netns "last-$id"
		ip netns del "last-$id"
		busywait 10000 [ ! -e "/sys/class/net/last-$id" ] ||
			fail "a namespace does not end"
	done
}

# leaves_nothing COMMAND...: beside a rule that stands, COMMAND changes
# nothing; and when that goes, nothing is held, and the module can go.
leaves_nothing() {
	local before held

	host_add "$lb"
	unload
	# xt_nat has DNAT, a name that fuzz makes up, and holds nf_nat.
	modprobe -a xt_LEASTCONN xt_nat
	make_tables
	await_dead_namespaces
	honest_rule_leaves_nothing || fail "an honest rule leaves $(held)"
	# It holds the module until it is deleted.
	on "$lb" "$leastconnctl" pool add web
	held=$(held)
	standing_rule -A
	before=$(rules)

	"$@"

	expect "$before" "$(rules)" "rules"
	busywait 2000 loads_are 0 || fail "backends left: $(on "$lb" cat /proc/net/leastconn)"
	standing_rule -D
	busywait 2000 held_is "$held" || fail "held before:
$held
and now:
$(held)"
	expect "" "$(loads)" "backends in the end"
	# Refused if a rule still used it.
	on "$lb" "$leastconnctl" pool del web
	uncount_hooks
	unload
}

# The first rule may load modules of the front end's.
honest_rule_leaves_nothing() {
	count_hooks
	standing_rule -A
	[[ $(held) != *"hooks 0" ]] ||
		fail "no hook is counted"
	standing_rule -D
	busywait 2000 hooks_are 0 || { keeps_defrag && hooks_are 2; }
}

# Older kernels (5.10) never take back what puts fragments together: 2 hooks.
keeps_defrag() {
	! grep -q ' nf_defrag_ipv4_disable' /proc/kallsyms
}

hooks_are() { # NUMBER
	[[ $(held) == *"xt_LEASTCONN 0"*"hooks $1" ]]
}

# ---- an honest rule, or as good as one ----

two_balanced() {
	local vip=$vip

	[ "$family" = 4 ] || vip=$vip6
	peer "$cl" open a tcp "$vip" 80
	peer "$cl" open b tcp "$vip" 80
	expect "1 1" "$(loads)" "loads, $door, IPv$family"
	peer "$cl" reset '*'
}
