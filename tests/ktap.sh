# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# What shell scripts print of their tests, in KTAP. A script sources this.

ktap_number=0
ktap_failed=0

ktap_plan() { # COUNT
	echo "KTAP version 1"
	echo "1..$1"
}

# For a whole script that cannot run here.
ktap_skip_all() { # REASON
	echo "KTAP version 1"
	echo "1..0 # SKIP $1"
	exit 4
}

# Lines of stdin as diagnostics, whatever they look like.
ktap_diagnose() {
	sed 's/^\(# \)\?/# /'
}

# ktap_result STATUS NAME: stdin is shown if STATUS is not 0.
ktap_result() {
	ktap_number=$((ktap_number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $ktap_number $2"
	else
		ktap_diagnose
		echo "not ok $ktap_number $2"
		ktap_failed=$((ktap_failed + 1))
	fi
}

ktap_skip() { # NAME REASON
	ktap_number=$((ktap_number + 1))
	echo "ok $ktap_number $1 # SKIP $2"
}

# The script's verdict, as its last command.
ktap_end() {
	[ "$ktap_failed" = 0 ]
}
