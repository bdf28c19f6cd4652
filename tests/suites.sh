# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Which suites there are, and what the name of one says:
#
#	FOLDER/NAME[:nft|:legacy][:short][@KERNEL]
#
# :nft and :legacy name the front end; without it a suite takes the system's, or
# both where it is about front ends. :short leaves the tests that are marked as
# short. The kernel is one of tests/vm/kernel; without it a suite that needs one
# runs in User-Mode Linux, or on Debian's kernel if it has to. Sourced, never run.
# shellcheck disable=SC2034 # for the scripts that source this

# These need no kernel of ours.
here_suites=(unit/select unit/table unit/health unit/reach unit/spec ctl/errors ctl/output
	ctl/watch ctl/damage ctl/answers fuzz/plugin fuzz/ctl ext/abi ext/errors)

# These run in a guest: i386 programs do not run in User-Mode Linux.
guest_suites=(ext/run ext/roundtrip ext/completion ext/bits32)
emulated_suites=(ext/bits32)

# These are run when they are named, see tests/steps.sh and tests/debug. In the guest
# of bare ones nothing of ours is installed.
packaging_suites=(packaging/build packaging/dkms packaging/deb)
bare_suites=(packaging/deb)
hostile_suites=()

# These, and the hostile ones, are about what happens on two processors at once. The others
# have one, where User-Mode Linux does the same in half of the time; the kernels of
# tests/matrix have two.
two_processor_suites=(selftests/balance selftests/counts selftests/limits selftests/pool-load
	selftests/scale)

for script in tests/{selftests,hostile}/*.sh; do
	name=${script#tests/}
	case $name in
	*/lib*.sh) ;;
	hostile/*) hostile_suites+=("${name%.sh}") ;;
	*) guest_suites+=("${name%.sh}") ;;
	esac
done
unset script name

is_one_of() { # WORD WORD...
	[[ " ${*:2} " == *" $1 "* ]]
}

# suite_name SUITE: FOLDER/NAME alone
suite_name() {
	local name=${1%@*}

	echo "${name%%:*}"
}

suite_exists() { # SUITE
	is_one_of "$(suite_name "$1")" "${here_suites[@]}" "${guest_suites[@]}" \
		"${packaging_suites[@]}" "${hostile_suites[@]}"
}

suite_command() { # SUITE
	local name

	name=$(suite_name "$1")
	case $name in
	selftests/* | hostile/* | packaging/* | fuzz/*) echo "tests/$name.sh" ;;
	*) echo "tests/$name" ;;
	esac
}

# suite_with SUITE SHORT KERNEL: SHORT is :short or nothing; KERNEL is for suites that
# need one, and do not name one.
suite_with() {
	local kernel=${1#"${1%@*}"} name=${1%@*}

	[[ -z $2 || $name: == *:short:* ]] || name+=$2
	if [ -z "$kernel" ] && [ -n "$3" ] && [ "$(suite_kernel "$1")" != here ]; then
		kernel=@$3
	fi
	echo "$name$kernel"
}

suite_is_short() { # SUITE
	[[ ${1%@*}: == *:short:* ]]
}

suite_front_end() { # SUITE
	case ${1%@*}: in
	*:nft:*) echo iptables-nft ;;
	*:legacy:*) echo iptables-legacy ;;
	*) echo iptables ;;
	esac
}

# suite_kernel SUITE: "here" is none of ours, "debian" that of the host's suite.
suite_kernel() {
	local name

	name=$(suite_name "$1")
	if [[ $1 == *@* ]]; then
		echo "${1#*@}"
	elif is_one_of "$name" "${emulated_suites[@]}" "${bare_suites[@]}"; then
		echo debian
	elif is_one_of "$name" "${here_suites[@]}" "${packaging_suites[@]}"; then
		echo here
	elif is_one_of "$name" "${two_processor_suites[@]}" "${hostile_suites[@]}"; then
		echo uml
	else
		echo uml-up
	fi
}

# What "make test" runs. A kernel that looks for errors takes what is about memory,
# locks, and the ends of namespaces and of the module. A million new inputs of the fuzzers
# are for tests/all.
default_suites() {
	local suite

	for suite in "${here_suites[@]}" "${guest_suites[@]}"; do
		case $suite in
		selftests/lifetime | selftests/malformed | selftests/model | \
		selftests/replace | selftests/upgrade)
			echo "$suite@uml-kasan" ;;
		fuzz/*) echo "$suite:short" ;;
		# On other kernels, see tests/matrix.
		ext/bits32) ;;
		*) echo "$suite" ;;
		esac
	done
	printf '%s:short@uml-kasan\n' hostile/audit hostile/ends hostile/races
}
