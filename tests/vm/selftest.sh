#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# selftest.sh [OPTION...]: does the virtual machine tell the truth? Proves tests/vm/run itself, in KTAP, with the default
# kernel or what OPTIONs of it say: --kernel uml.
set -u

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source-path=SCRIPTDIR source=../ktap.sh
. "$here/../ktap.sh"
options=("$@")

# guest NAME WANTED-STATUS OPTION... -- COMMAND...: output in $work/out, ours in $work/err.
guest() {
	local name=$1 wanted=$2 status=0
	shift 2
	"$here/run" "${options[@]}" "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
	check "$name: exit status $wanted" test "$status" = "$wanted"
}

# check NAME COMMAND...: one line of KTAP; what run said is shown with a failure.
check() {
	local status=0

	"${@:2}" || status=$?
	ktap_result $status "$1" < <(tail -n 15 "$work/out" "$work/err")
}

says() { grep -qF -e "$1" "$work/out"; }
complains() { grep -qF -e "$1" "$work/err"; }
without_cr() { ! grep -q $'\r' "$work/out"; }
quicker_than() { [ $((SECONDS - $2)) -lt "$1" ]; }

# One boot for all that a healthy guest must do; the script is outside the checkout on purpose.
test_healthy() {
	cat >"$work/healthy.sh" <<-'EOF'
		echo "arguments: $1|$2"
		echo "to stderr" >/dev/stderr
		pwd
		iptables-nft -t nat -L >/dev/null && echo nft-works
		iptables-legacy -t nat -L >/dev/null && echo legacy-works
		conntrack -L >/dev/null 2>&1 && echo conntrack-works
		echo kept >"$LC_OUT/file"
		touch /etc/vanishes && echo writable
		iptables-nft -t nat -A PREROUTING -p tcp --dport 80 -j LEASTCONN --to 10.0.0.1:80 && echo loaded-by-rule
		sleep 1000 &
		exit 7
	EOF
	guest healthy 7 --out "$work/shared" -- sh "$work/healthy.sh" 'a  b' "it's"
	check "arguments arrive whole" says "arguments: a  b|it's"
	check "stderr comes too, through /dev/stderr" says "to stderr"
	check "the command starts in the checkout" says "$(cd "$here/../.." && pwd)"
	check "lines end as they were written" without_cr
	check "iptables-nft has its nat table" says nft-works
	check "iptables-legacy has its nat table" says legacy-works
	check "conntrack works" says conntrack-works
	check "a rule loads the module" says loaded-by-rule
	check "the guest can write anywhere" says writable
	check "but not to the host" test ! -e /etc/vanishes
	check "except to --out" test -s "$work/shared/file"
}

test_success() {
	guest success 0 --no-build -- true
	check "success is silent on stdout" test ! -s "$work/out"
}

# A line that looks like one is enough: panic_on_warn is the kernel's own, the scan is ours.
test_warning() {
	guest "a warning" 126 --no-build -- sh -c 'echo "WARNING: CPU: 0 PID: 1 at selftest.c:1" >/dev/kmsg'
	check "a warning shows the log" complains "Linux version"
	check "a warning is named" complains "KERNEL SPLAT"
}

test_panic() {
	# Who carries it needs the processor for a moment; there may be but one.
	guest "a panic" 126 --no-build -- sh -c 'echo before; sleep 0.2; echo c >/proc/sysrq-trigger'
	check "output before a panic arrives" says before
	check "a panic shows its trace" complains "sysrq"
}

test_hang() {
	local start=$SECONDS
	guest "a hang" 124 --no-build --timeout 12 -- sleep 1000
	check "a hang ends in time" quicker_than 15 "$start"
}

test_interrupt() {
	local pid
	"$here/run" "${options[@]}" --no-build --log "$work/log" -- sh -c 'echo started; sleep 1000' >"$work/out" 2>"$work/err" </dev/null &
	pid=$!
	for _ in $(seq 300); do says started && break; sleep 0.1; done
	kill -TERM "$pid"
	wait "$pid"
	check "a signal ends the machine: exit status 143" test $? = 143
}

ktap_plan 23
test_healthy
test_success
test_warning
test_panic
test_hang
test_interrupt
[ "$ktap_number" = 23 ] || {
	echo "# ran $ktap_number tests, not what the plan says"
	exit 1
}
ktap_end
