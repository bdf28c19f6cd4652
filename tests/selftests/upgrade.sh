#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Another version of the module comes in under load, by the three commands
# of Documentation/install.md: no connection is lost, and the counts are there with the rules.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

guide=$here/../../Documentation/install.md

# What the guide says, a command a line.
commands() {
	awk '/^## / { in_section = /^## Upgrade/ }
		in_section && /^    / { print substr($0, 5) }' "$guide"
}

# The commands call iptables; let that be the front end of this run.
call_front_end() {
	local name

	mkdir "$tmp/bin"
	for name in iptables ip6tables; do
		ln -s "$(command -v "${iptables/iptables/$name}")" "$tmp/bin/$name"
		ln -s "$(command -v "${iptables/iptables/$name}-save")" \
			"$tmp/bin/$name-save"
		ln -s "$(command -v "${iptables/iptables/$name}-restore")" \
			"$tmp/bin/$name-restore"
	done
	export PATH=$tmp/bin:$PATH
}

# The installed module becomes another version until the test is over: the same
# code under another version's name, which is what the kernel tells versions by.
install_another_version() {
	file=$(modinfo -n $module)
	old=$(modinfo -F version $module)
	new=${old%?}x
	cp "$file" "$tmp/module"
	# shellcheck disable=SC2064 # the file of now
	trap "cp '$tmp/module' '$file'" EXIT
	LC_ALL=C sed "s/\x00version=$old\x00/\x00version=$new\x00/" \
		"$tmp/module" >"$file"
	expect "$new" "$(modinfo -F version $module)" "version installed"
}

rules() {
	{ ipt -t nat -S && ip6t -t nat -S; } | grep LEASTCONN
}

connections_of_both_families() {
	serve tcp 80
	balance tcp 80 10.0.1.1:80,weight=2,10.0.1.2:80
	balance6 tcp 80 "[fd00:1::1]:80,[fd00:1::2]:80"
	peer "$cl" open long tcp $vip 80 count 9
	peer "$cl" open long6 tcp $vip6 80 count 4
	expect "6 3 2 2" "$(loads)" "the long ones"
}

# More connections were made than the long ones.
load_runs() {
	on "$lb" awk '{ total += $7 } END { exit total <= 13 }' \
		/proc/net/leastconn
}

test_three_commands_under_load() { # short
	local file old new before loader made failed why

	call_front_end
	# It may be the other version, of an earlier run.
	unload
	setup 2
	connections_of_both_families
	before=$(rules)
	install_another_version
	expect "$old" "$(loaded_version)" "version loaded"
	nsenter --net="/run/netns/$cl" "$peer" load tcp $vip 80 >"$tmp/load" &
	loader=$!
	busywait 5000 load_runs || fail "no load"

	expect 3 "$(commands | wc -l)" "commands in the guide"
	(cd "$tmp" && on "$lb" bash -ec "$(commands)") || fail "the commands"
	kill -TERM $loader
	expect_loads 1000 "6 3 2 2" "the long ones"
	wait $loader || fail "load: status $?"
	read -r made failed why <"$tmp/load"
	say "$made connections meanwhile"
	expect 0 "$failed" "connections that failed ($why)"
	expect "$new" "$(loaded_version)" "version loaded, afterwards"
	expect "$before" "$(rules)" "the rules"
	peer "$cl" say 'long.*' hello >"$tmp/answer"
	agree 1000
	expect "6 3 2 2" "$(loads)" "the long ones, afterwards"
}

run_tests "$@"
