# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# How long each suite took the last time that it passed here: "SUITE SECONDS" in a
# file of the cache; on a new machine what it takes elsewhere, in tests/times. Sourced
# with $top set, never run.
# shellcheck disable=SC2154 # top

times=${XDG_CACHE_HOME:-$HOME/.cache}/leastconn/times

# times_of SUITE...: "SECONDS SUITE" of each. A suite without a time may be the
# longest one.
times_of() {
	{
		sed '/^#/d' "$top/tests/times"
		cat "$times" 2>/dev/null
		printf '%s\n' "$@"
	} | awk '
		NF == 2 { seconds[$1] = $2; next }
		{ print ($1 in seconds ? seconds[$1] : 999), $1 }'
}

# times_record STREAM: from what tests/run printed
times_record() {
	mkdir -p "${times%/*}"
	{
		cat "$times" 2>/dev/null
		awk '
			/^# [^ ]+: [0-9]+ s$/ { name = $2; seconds = $3 }
			/^ok / && $3 ":" == name { print $3, seconds }
		' "$1"
	} | awk '{ seconds[$1] = $2 } END { for (s in seconds) print s, seconds[s] }' |
		sort >"$times.$$" && mv "$times.$$" "$times"
}
