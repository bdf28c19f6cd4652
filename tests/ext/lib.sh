# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the tests in this folder share: KTAP, the plugin to test, front ends.

ext_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
ext_tmp=$(mktemp -d)
ext_number=0
ext_failed=0
trap 'rm -rf "$ext_tmp"' EXIT

PATH=$PATH:/usr/sbin:/sbin

ktap_plan() {
	echo "KTAP version 1"
	echo "1..$1"
}

# For a whole script that cannot run here.
ktap_skip_all() {
	echo "KTAP version 1"
	echo "1..0 # SKIP $1"
	exit 4
}

ktap_diagnose() {
	sed 's/^/# /'
}

# ktap_result STATUS NAME: stdin is shown if STATUS is not 0.
ktap_result() {
	ext_number=$((ext_number + 1))
	if [[ $1 == 0 ]]; then
		cat >/dev/null
		echo "ok $ext_number $2"
	else
		ktap_diagnose
		echo "not ok $ext_number $2"
		ext_failed=$((ext_failed + 1))
	fi
}

ktap_skip() {
	ext_number=$((ext_number + 1))
	echo "ok $ext_number $1 # SKIP $2"
}

ktap_end() {
	exit $((ext_failed > 0))
}

# same EXPECTED ACTUAL
same() {
	if [[ $1 != "$2" ]]; then
		printf 'expected:\n%s\ngot:\n%s\n' "$1" "$2"
		return 1
	fi
}

# refuses STATUS COMMAND...
refuses() {
	local expected=$1 status=0
	shift
	"$@" || status=$?
	same "$expected" "$status"
}

# The checkout's plugin, unless the caller says which by XTABLES_LIBDIR: an
# installed one may be older than what is to be tested.
use_plugin() {
	if [[ -n ${XTABLES_LIBDIR-} ]]; then
		return
	fi
	if ! make -s -C "$ext_top/xtables-ext" "O=$ext_tmp/plugin" \
		>"$ext_tmp/make.log" 2>&1; then
		ktap_plan 1
		ktap_result 1 "build the plugin" <"$ext_tmp/make.log"
		ktap_end
	fi
	export XTABLES_LIBDIR
	XTABLES_LIBDIR=$ext_tmp/plugin:$(pkg-config --variable=xtlibdir xtables)
}

# The checkout's leastconnctl, for the pools of --pool, as $ext_ctl.
use_tool() {
	# shellcheck disable=SC2034 # for those who source this
	ext_ctl=$ext_top/ctl/leastconnctl
	if ! make -s -C "$ext_top/ctl" >"$ext_tmp/make.log" 2>&1; then
		ktap_plan 1
		ktap_result 1 "build leastconnctl" <"$ext_tmp/make.log"
		ktap_end
	fi
}

need_root() {
	if ((EUID != 0)) || ! unshare -n true 2>/dev/null; then
		ktap_skip_all "needs root and network namespaces"
	fi
}

# Only a module that is nowhere is a reason to skip: one that does not load is
# a failure.
need_module() {
	if [[ ! -d /sys/module/xt_LEASTCONN ]] &&
		! modprobe -n -q xt_LEASTCONN 2>/dev/null; then
		ktap_skip_all "no module xt_LEASTCONN for kernel $(uname -r)"
	fi
}

# has_nat COMMAND: legacy's nat table is not in every kernel.
has_nat() {
	unshare -n "$1" -t nat -S >/dev/null 2>&1
}
