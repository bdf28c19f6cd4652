#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# First program of User-Mode Linux, on the host's root, which it cannot write to: puts a writable layer over it and goes
# there. tests/vm/run copies it, job and init.sh to a folder of the run.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
stage=$(dirname "$0")

fail() {
	echo "leastconn initramfs: $*"
	exec /bin/busybox poweroff -f
}

# Any folder that all hosts have will do, and it is covered in this machine alone.
mount -t tmpfs -o size=75% layer /mnt || fail "no tmpfs"
mkdir /mnt/upper /mnt/work /mnt/new
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work overlay /mnt/new || fail "cannot mount the overlay"
cd /mnt/new || fail "no overlay"
mount -t proc proc proc
mount -t sysfs sys sys
mount -t devtmpfs dev dev
mount -t tmpfs run run
mkdir -p run/leastconn/stage
mount -t hostfs -o "$stage" stage run/leastconn/stage
cp "$stage/init.sh" "$stage/job" run/leastconn/
# Root by a mount, not by chroot alone: who is in a chroot may not make user namespaces.
mount -n --move . / || fail "cannot move the overlay"
exec chroot . /bin/sh /run/leastconn/init.sh
