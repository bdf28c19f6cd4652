#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# First program of the guest: puts a writable layer over the host's root and goes there. Runs in the initramfs.
export PATH=/bin

fail() {
	echo "leastconn initramfs: $*" >/dev/kmsg
	poweroff -f
}

mount -t devtmpfs dev /dev
while read -r module; do
	insmod "/modules/$module" || fail "cannot load $module"
done </modules/order

mkdir -p /host /layer /new
mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 root /host || fail "cannot mount the host's root"
mount -t tmpfs -o size=75% layer /layer || fail "no tmpfs"
mkdir /layer/upper /layer/work
mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work overlay /new ||
	fail "cannot mount the overlay"

mount -t proc proc /new/proc
mount -t sysfs sys /new/sys
mount --move /dev /new/dev
mount -t tmpfs run /new/run
mkdir -p /new/run/leastconn
cp /init.sh /job /new/run/leastconn/
exec switch_root /new /bin/sh /run/leastconn/init.sh
