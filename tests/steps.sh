# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Commands one after another, each of which prints the count of its tests at its end; a
# table of them, and one line for all. Sourced by .ci/run and tests/all, never run.

log=$(mktemp)
trap 'rm -f "$log"' EXIT
steps=() counts=() failed_steps=0

# Status 1 if it failed; what follows is run all the same.
step() { # COMMAND...
	local status counted

	echo "# $*"
	SECONDS=0
	"$@" </dev/null 2>&1 | tee "$log"
	status=${PIPESTATUS[0]}
	counted=$(grep -xE '[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?' "$log" | tail -n 1)
	# What died without a line of its own has failed.
	if [ "$status" != 0 ] && [[ $counted != *", "[1-9]*" failed"* ]]; then
		counted="0 passed, 1 failed"
	fi
	steps+=("$(printf '%4d:%02d  %-40s %s' $((SECONDS / 60)) $((SECONDS % 60)) "$*" "$counted")")
	counts+=("$counted")
	[ "$status" = 0 ] || failed_steps=$((failed_steps + 1))
	return "$status"
}

# Packages and DKMS; when they pass, tests/packaging/changed knows.
step_packaging() {
	! step tests/run packaging/build packaging/dkms packaging/deb ||
		tests/packaging/changed --passed
}

# The table and the closing line; status 1 if a step failed.
close_steps() {
	printf '#\n# minutes\n'
	printf '# %s\n' "${steps[@]}"
	printf '%s\n' "${counts[@]}" | awk '
		{ passed += $1; failed += $3; skipped += $5 }
		END {
			printf "%d passed, %d failed", passed, failed
			if (skipped)
				printf ", %d skipped", skipped
			print ""
		}'
	return $((failed_steps > 0))
}
