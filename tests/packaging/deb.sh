#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The life of the packages on a running machine, with dpkg and DKMS as a user
# has them: install, balance, upgrade under live connections, purge. In the
# guest, with the packages that ./prepare built on the host. Each test goes on
# where the one before it ended.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

kernel=$(uname -r)

# mandb would read all of the host's manual pages at each installation.
rm -f /var/lib/man-db/auto-update

install_version() { # this|next
	ccache -z >/dev/null
	dpkg -i "$packages/$1"/leastconn-{dkms,tools}_*.deb >"$tmp/dpkg" 2>&1 ||
		fail "$(cat "$tmp/dpkg")"
	# What ./dkms.sh has compiled is found, or it takes many minutes.
	say "compiler's cache: $(ccache -s | grep -i -m 1 hits)"
}

installed_version() {
	modinfo -F version $module
}

# Four servers, a rule, eight connections that stay.
setup_balanced() {
	modprobe -n -q xt_LEASTCONN || skip "it is not installed"
	setup 4
	serve tcp 80
	balance tcp 80 10.0.1.1-10.0.1.4:80
	peer "$cl" open long tcp $vip 80 count 8
	expect_loads 2000 "2 2 2 2" "loads"
}

long_ones_work() {
	local i

	for ((i = 1; i <= 8; i++)); do
		expect "hello $i" "$(peer "$cl" say "long.$i" "hello $i")" \
			"connection $i"
	done
}

test_install_and_balance() {
	need dpkg dkms
	[ -e "/lib/modules/$kernel/build/Makefile" ] ||
		skip "the headers are for another compiler"
	[ ! -e "/lib/modules/$kernel/updates" ] || fail "a module is there already"
	files >"$packages/before"
	install_version this
	dkms status leastconn | grep "^leastconn/$version, $kernel, .*: installed$"
	expect "$version" "$(installed_version)" "version on disk"
	! loaded || fail "loaded by the installation"
	setup_balanced
	expect "$version" "$(loaded_version)" "version loaded by the first rule"
	man leastconn | grep '^LEASTCONN(8)'
	man leastconnctl | grep '^LEASTCONNCTL(8)'
	on "$lb" leastconnctl list | grep "10.0.1.4:80"
}

test_loaded_by_alias_and_at_boot() {
	local name

	for name in ipt_LEASTCONN ip6t_LEASTCONN; do
		unload
		modprobe "$name"
		expect "$version" "$(loaded_version)" "version loaded by $name"
	done
	unload
	[ -x /lib/systemd/systemd-modules-load ] || skip "no systemd"
	# All of the folder's files, as at boot: others' may fail in the guest.
	/lib/systemd/systemd-modules-load || true
	expect "$version" "$(loaded_version)" "version loaded at boot"
	unload
}

# One connection a second, until $tmp/enough is there: a line for each. More of
# them would take the processors that DKMS needs.
visitors() {
	local n=0

	until [ -e "$tmp/enough" ]; do
		n=$((n + 1))
		if peer "$cl" open "visitor$n" tcp $vip 80 &&
			is "hello $n" peer "$cl" say "visitor$n" "hello $n" &&
			peer "$cl" close "visitor$n"; then
			echo came
		else
			echo lost
		fi
		read -rt 1 -u "$nap" || true
	done >"$tmp/visitors"
}

test_upgrade_under_live_connections() {
	local come

	setup_balanced
	visitors &
	come=$!
	install_version next
	# Nothing has changed for those who are connected, or connect.
	expect "$version" "$(loaded_version)" "version loaded"
	expect "$next" "$(installed_version)" "version on disk"
	dkms status leastconn | grep "^leastconn/$next, $kernel, .*: installed$"
	expect 1 "$(dkms status leastconn | wc -l)" "versions that DKMS has"
	: >"$tmp/enough"
	wait $come
	say "$(wc -l <"$tmp/visitors") short connections meanwhile"
	expect came "$(sort -u "$tmp/visitors")" "what became of them"
	long_ones_work
	expect_loads 5000 "2 2 2 2" "loads"
	# Each second one of the visitors leaves conntrack's table for good.
	agree 10000
	# The new plugin still knows the old module's rule.
	ipt -t nat -S PREROUTING | grep -- "-j LEASTCONN --to 10.0.1.1"
	ipt -t nat -F PREROUTING
	unload
	balance tcp 80 10.0.1.1-10.0.1.4:80
	expect "$next" "$(loaded_version)" "version loaded by the next rule"
	long_ones_work
}

test_purge_leaves_only_what_is_loaded() {
	local path

	setup_balanced
	dpkg -L leastconn-dkms leastconn-tools >"$tmp/owned"
	dpkg -P leastconn-dkms leastconn-tools >"$tmp/dpkg" 2>&1 ||
		fail "$(cat "$tmp/dpkg")"
	while read -r path; do
		[ -d "$path" ] || [ ! -e "$path" ] || fail "still there: $path"
	done <"$tmp/owned"
	files | diff "$packages/before" - || fail "not all is as before"
	# The rule that stands goes on: the module is in the kernel.
	long_ones_work
	peer "$cl" open more tcp $vip 80 count 4
	expect_loads 2000 "3 3 3 3" "loads"
}

run_tests "$@"
