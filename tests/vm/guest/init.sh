#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154 # the names that job sets
# Process 1 of the guest, on the host's root with a writable layer over it: makes it a system, runs the command, says
# how it ended through a port of its own, and switches off.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root

# made by tests/vm/run: lc_version lc_modules lc_iptables lc_plugin lc_plugin_dir lc_tool lc_out lc_uml lc_coverage lc_tty lc_rows lc_columns, run_command()
# shellcheck disable=SC1091
. /run/leastconn/job

log() {
	echo "leastconn init: $*" >/dev/kmsg
}

mount_out() {
	if [ -n "$lc_uml" ]; then
		mount -t hostfs -o "$lc_out" out /mnt/out
	else
		mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 out /mnt/out
	fi
}

mount_filesystems() {
	mkdir -p /dev/shm /dev/pts /run/lock /run/netns
	mount -t tmpfs shm /dev/shm
	mount -t devpts -o mode=620,ptmxmode=666 pts /dev/pts
	mount -t cgroup2 cgroup /sys/fs/cgroup
	mount -t debugfs debug /sys/kernel/debug 2>/dev/null
	mount -t tracefs trace /sys/kernel/tracing 2>/dev/null
	ln -sf /proc/self/fd /dev/fd
	ln -sf fd/0 /dev/stdin
	ln -sf fd/1 /dev/stdout
	ln -sf fd/2 /dev/stderr
	if [ -n "$lc_out" ]; then
		mkdir -p /mnt/out
		mount_out || log "cannot mount /mnt/out"
		export LC_OUT=/mnt/out
	fi
}

# Their libraries are in the cache, which may be root's alone; in the tests
# others run them too. The guest's layer takes this, not the host.
open_path() { # FOLDER: everybody may pass through it
	dir=$1
	while [ "$dir" != / ]; do
		chmod o+x "$dir"
		dir=$(dirname "$dir")
	done
}

install_ours() {
	mkdir -p "/lib/modules/$lc_version"
	mount --bind "$lc_modules" "/lib/modules/$lc_version"
	if [ -n "$lc_iptables" ]; then
		open_path "$lc_iptables"
		mount --bind "$lc_iptables/extensions" "$lc_plugin_dir"
		for program in xtables-legacy-multi xtables-nft-multi; do
			mount --bind "$lc_iptables/$program" "/usr/sbin/$program"
		done
	fi
	if [ -n "$lc_plugin" ]; then
		cp "$lc_plugin" "$lc_plugin_dir/"
		export XTABLES_LIBDIR="$lc_plugin_dir"
	fi
	[ -z "$lc_tool" ] || cp "$lc_tool" /usr/local/sbin/
}

# port NAME: waits for the virtio port of that name and prints its device. User-Mode Linux has others.
port() {
	case $lc_uml$1 in
	1*.out) echo /dev/tty0; return ;;
	1*.verdict) echo /run/leastconn/stage/verdict; return ;;
	esac
	while :; do
		for name in /sys/class/virtio-ports/*/name; do
			read -r it <"$name" 2>/dev/null || continue
			[ "$it" = "$1" ] || continue
			name=${name%/name}
			[ -c "/dev/${name##*/}" ] && echo "/dev/${name##*/}" && return
		done
		sleep 0.02
	done
}

# Whatever the command left running would hold its output open, and we would wait for it for ever.
kill_leftovers() {
	for process in /proc/[0-9]*; do
		pid=${process#/proc/}
		[ "$pid" = 1 ] || [ "$pid" = "$output" ] || [ ! -e "$process/exe" ] || kill -9 "$pid" 2>/dev/null
	done
}

# A pipe rather than the port itself: a port cannot be opened a second time, and programs do open /dev/stderr.
run_piped() {
	out=$(port leastconn.out)
	mkfifo /run/leastconn/pipe
	[ -z "$lc_uml" ] || stty -F "$out" raw
	cat /run/leastconn/pipe >"$out" &
	output=$!
	(run_command) </dev/null >/run/leastconn/pipe 2>&1
	status=$?
	kill_leftovers
	wait "$output"
	# It waits until all is written.
	[ -z "$lc_uml" ] || stty -F "$out" raw
}

run_on_terminal() {
	terminal=/dev/hvc0
	[ -z "$lc_uml" ] || terminal=/dev/tty0
	until [ -c "$terminal" ]; do sleep 0.02; done
	stty -F "$terminal" sane rows "$lc_rows" cols "$lc_columns"
	setsid -c -w sh -c '. /run/leastconn/job && run_command' <>"$terminal" >&0 2>&1
	status=$?
	output=
	kill_leftovers
}

# Debug kernels only. kmemleak reports what is older than five seconds, so the scan that counts comes after that.
scan_leaks() {
	leaks=/sys/kernel/debug/kmemleak
	[ -e "$leaks" ] || return
	echo scan >"$leaks" 2>/dev/null || return
	sleep 6
	echo scan >"$leaks"
	# All of it, and a line a write.
	echo on >/proc/sys/kernel/printk_devkmsg
	sed -u 's/^/kmemleak: /' "$leaks" >/dev/kmsg
}

# What the kernel has counted, of modules that are unloaded too. Files of debugfs are to be read, not copied: their size
# is not known before.
collect_coverage() {
	[ -n "$lc_coverage" ] || return
	find /sys/kernel/debug/gcov -path '*/kmod/*.gcda' | while read -r file; do
		cat "$file" >"/run/leastconn/stage/coverage/${file##*/}"
	done
}

# The kernel patches its own code when the first socket asks for time stamps, as ping does, and after the last one. An
# emulated processor can meet that half-way (seen on 6.12: "Oops: int3" in netif_rx_internal). So one always asks.
keep_time_stamps() {
	ping -q -i 86400 127.0.0.1 >/dev/null 2>&1 &
}

mount_filesystems
install_ours
hostname leastconn
ip link set lo up
[ -n "$lc_uml" ] || keep_time_stamps
read -r uptime _ </proc/uptime
log "ready after $uptime s"
if [ -n "$lc_tty" ]; then run_on_terminal; else run_piped; fi
collect_coverage
scan_leaks
log "the command ended with status $status"
echo "$status" >"$(port leastconn.verdict)"
/bin/busybox poweroff -f
sleep 60
