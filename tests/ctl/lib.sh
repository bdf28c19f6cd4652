# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the tests in this folder share: the tool with a kernel of paper, see
# paper.c.

# shellcheck source=tests/ext/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../ext/lib.sh"

# shellcheck disable=SC2034 # the suites call it
paper=$ext_top/tests/ctl/paper
export LC_PAPER=$ext_tmp/paper LC_TOLD=$ext_tmp/told

# A refusal ends the program where it stands, with status 1, which is the
# sanitizer's too unless it is given another.
export ASAN_OPTIONS=detect_leaks=0:exitcode=99 UBSAN_OPTIONS=exitcode=99

must_build "the tool" -C "$ext_top/tests" ctl/paper

# A web pool with one backend of each kind, another pool, one without backends,
# two equal rules, three more of which two have ejected their backend, one as an older
# kernel would and one as a later, and backends that are in none of them.
some_pools() {
	cat <<'PAPER'
pools pool=web rules=1 members=6 max-fails=3 fail-timeout=30 slow-start=0 redispatch=1 persistent=0 persistent-mask=128
pools pool=web family=2 address=10.0.0.1 port=80 proto=6 weight=3 max-conns=0 backup=0 health=0 state=0 active=12 inactive=3 total=120 fails=2
pools pool=web family=2 address=10.0.0.2 port=80 proto=6 weight=1 max-conns=7 backup=0 state=1 active=7 inactive=0 total=99
pools pool=web family=2 address=10.0.0.3 port=80 proto=6 weight=1 max-conns=0 backup=1 state=0 active=0 inactive=0 total=0
pools pool=web family=2 address=10.0.0.4 port=80 proto=6 weight=1 max-conns=0 backup=0 health=1 reason=1 state=0 active=0 inactive=0 total=3 fails=3
pools pool=web family=2 address=10.0.0.5 port=80 proto=6 weight=1 max-conns=0 backup=0 health=2 reason=2 state=0 active=1 inactive=0 total=4 fails=4
pools pool=web family=2 address=10.0.0.6 port=80 proto=6 weight=1 max-conns=0 backup=0 health=1 reason=3 state=2 active=0 inactive=0 total=5 fails=4294967295
pools pool=dns rules=0 members=1 max-fails=4294967295 fail-timeout=10 slow-start=60 redispatch=0 persistent=300 persistent-mask=64
pools pool=dns family=10 address=fd00::1 port=53 proto=17 weight=1 max-conns=0 backup=0 state=2 active=0 inactive=0 total=5
pools pool=empty rules=2 members=0 max-fails=4294967295 fail-timeout=10 slow-start=0 redispatch=0 persistent=0 persistent-mask=128
pools rule=17 members=1 max-fails=0 fail-timeout=10 slow-start=0 redispatch=0 persistent=0 persistent-mask=32
pools rule=17 family=2 address=10.0.0.7 port=0 proto=0 weight=1 max-conns=0 backup=0 state=0 active=4 inactive=0 total=18446744073709551615
pools rule=18 members=1 max-fails=0 fail-timeout=10 slow-start=0 redispatch=0 persistent=0 persistent-mask=32
pools rule=18 family=2 address=10.0.0.7 port=0 proto=0 weight=1 max-conns=0 backup=0 state=0 active=4 inactive=0 total=18446744073709551615
pools rule=19 members=1 max-fails=1 fail-timeout=10 slow-start=0 redispatch=0 persistent=0 persistent-mask=24
pools rule=19 family=2 address=10.0.0.7 port=0 proto=0 weight=1 max-conns=0 backup=0 health=1 state=0 active=4 inactive=0 total=18446744073709551615
pools rule=20 members=1 max-fails=1 fail-timeout=10 slow-start=0 redispatch=0 persistent=0 persistent-mask=24
pools rule=20 family=2 address=10.0.0.7 port=0 proto=0 weight=1 max-conns=0 backup=0 health=0 state=0 active=4 inactive=0 total=18446744073709551615
pools rule=21 members=1 max-fails=1 fail-timeout=10 slow-start=0 redispatch=0 persistent=0 persistent-mask=24
pools rule=21 family=2 address=10.0.0.7 port=0 proto=0 weight=1 max-conns=0 backup=0 health=1 reason=9 state=0 active=4 inactive=0 total=18446744073709551615
backends family=2 address=10.0.0.1 port=80 proto=6 state=0 active=12 inactive=3 total=120 fails=2
backends family=2 address=10.0.0.2 port=80 proto=6 state=1 active=7 inactive=0 total=99
backends family=2 address=10.0.0.3 port=80 proto=6 state=0 active=0 inactive=0 total=0
backends family=2 address=10.0.0.4 port=80 proto=6 state=0 active=0 inactive=0 total=3 fails=3
backends family=2 address=10.0.0.5 port=80 proto=6 state=0 active=1 inactive=0 total=4 fails=4
backends family=2 address=10.0.0.6 port=80 proto=6 state=2 active=0 inactive=0 total=5 fails=4294967295
backends family=10 address=fd00::1 port=53 proto=17 state=2 active=0 inactive=0 total=5
backends family=2 address=10.0.0.7 port=0 proto=0 state=0 active=4 inactive=0 total=18446744073709551615
backends family=2 address=10.0.0.9 port=80 proto=17 state=1 active=0 inactive=0 total=1
backends family=2 address=10.0.0.9 port=0 proto=0 state=2 active=0 inactive=0 total=1
event event=1 pool=web rules=0 members=0 max-fails=3 fail-timeout=10 slow-start=0 redispatch=0 persistent=0 persistent-mask=128
event event=10 pool=web rules=0 members=0 max-fails=4294967295 fail-timeout=10 slow-start=0 redispatch=1 persistent=0 persistent-mask=24
event event=3 pool=web family=2 address=10.0.0.1 port=80 proto=6 weight=1 max-conns=0 backup=0
event event=6 family=2 address=10.0.0.1 port=80 proto=6 state=1
lost
event event=7 family=2 address=10.0.0.1 port=80 proto=6
event event=11 pool=web family=2 address=10.0.0.1 port=80 proto=6 state=0 active=3 fails=7
event event=11 pool=web family=2 address=10.0.0.1 port=80 proto=6 state=0 active=3 fails=8 health=1 reason=3
event event=12 rule=17 family=2 address=10.0.0.1 port=80 proto=6 state=0 active=4 fails=7
event event=2 pool=web rules=0 members=1 max-fails=3 fail-timeout=10
event event=99
PAPER
}

some_clients() {
	cat <<-'PAPER'
	clients family=2 client=10.7.1.0 client-prefix=24 service=203.0.113.10 service-port=80 service-proto=6 address=10.0.0.1 port=80 proto=6 expires=59
	clients family=10 client=fd00:7:: client-prefix=64 service=2001:db8::10 service-port=53 service-proto=17 address=fd00::1 port=53 proto=17 expires=300
	clients family=2 client=10.7.0.1 client-prefix=32 service=203.0.113.10 service-port=0 service-proto=1 address=10.0.0.2 port=0 proto=0 expires=1
	PAPER
}

# Every function test_...
run_tests() {
	local test name
	local -a tests

	mapfile -t tests < <(compgen -A function test_)
	ktap_plan ${#tests[@]}
	for test in "${tests[@]}"; do
		name=${test#test_}
		"$test" >"$ext_tmp/out" 2>&1
		ktap_result $? "${name//_/ }" <"$ext_tmp/out"
	done
	ktap_end
}
