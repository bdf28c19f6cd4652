# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# User-Mode Linux as tests/vm/run's machine: a program of the host. Sourced by it, never run.
# shellcheck disable=SC2154 # here, stage and others are tests/vm/run's

# It has the host's root without help.
stage_uml() {
	mkdir "$stage/uml"
	cp "$here/guest/init.sh" "$stage/"
	cp "$here/guest/hostfs.sh" "$stage/first.sh"
	chmod 755 "$stage/first.sh"
}

# Console 0 is the command's, 1 the kernel log's. Its memory is a file, which should never see a disk. Its processes are
# the host's, too: in a namespace of their own, all of them end with it. It is not process 1 there, who could not abort.
# Its seccomp mode is quicker than ptrace, and several processors need it.
# Its kernel and its processes wait for each other all the time. With one processor, all of it on one of the host's, which
# tests/run names, takes a seventh less.
uml() {
	local input=null processors='' pinned=()
	[ -z "$tty" ] || input=fd:0
	if [ "$cpus" != 1 ]; then
		processors="ncpus=$cpus"
	elif [ -n "${LC_PROCESSOR-}" ]; then
		pinned=(taskset -c "$LC_PROCESSOR")
	fi
	[ ! -w /dev/shm ] || export TMPDIR=/dev/shm
	# shellcheck disable=SC2086 # words on purpose
	exec "${pinned[@]}" setpriv --pdeathsig KILL unshare --pid --fork --kill-child sh -c 'ulimit -c 0; "$@"; exit' sh \
		"$kernel_dir/linux" mem="${memory}M" \
		uml_dir="$stage/uml" con=null con0=$input,fd:1 con1=null,fd:2 console=tty1 \
		root=none rootfstype=hostfs rootflags=/ ro init="$stage/first.sh" panic=-1 panic_on_warn=1 oops=panic \
		print-fatal-signals=1 seccomp=on $more $processors \
		2> >(exec cat >>"$log")
}
