#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Real DKMS, on this machine but in folders that vanish: several kernels, new
# ones, unfit ones. That what it builds works is deb.sh's, in the guest.
[ "${LC_PRIVATE-}" = yes ] || exec "$(dirname "$0")/private" "$0" "$@"

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

kernel=$LC_KERNEL
KDIR=/lib/modules/$kernel/build

# another NAME: a kernel of that name, whose headers are in $tmp/NAME
another() {
	cp -r "/lib/modules/$kernel" "/lib/modules/$1"
	rm -rf "/lib/modules/$1/updates"
	ln -sfn "$tmp/$1" "/lib/modules/$1/build"
	sed -i "s/$kernel/$1/" "$tmp/$1/include/generated/utsrelease.h" \
		"$tmp/$1/.kernelvariables"
}

# installed KERNEL [VERSION]: DKMS says so, and there is a module
installed() {
	dkms status leastconn | grep "^leastconn/${2-$version}, $1, .*: installed$"
	modinfo -F version "/lib/modules/$1/updates/dkms/xt_LEASTCONN.ko" |
		grep -x "${2-$version}"
}

not_installed() { # KERNEL
	! dkms status leastconn | grep ", $1, " || fail "DKMS has it for $1"
	expect "" "$(find "/lib/modules/$1/" -name '*LEASTCONN*')" "modules of $1"
}

install_ours() {
	make dkms-install KDIR="$KDIR" >"$tmp/make" 2>&1 || fail "$(cat "$tmp/make")"
}

test_make_dkms_install_and_remove() {
	local path

	files >"$tmp/before"
	install_ours
	installed "$kernel"
	# What asks for it when a rule does: iptables for both families.
	for path in ipt_LEASTCONN ip6t_LEASTCONN; do
		modprobe -S "$kernel" --show-depends $path |
			grep updates/dkms/xt_LEASTCONN.ko
	done
	[ -e "$(pkg-config --variable=xtlibdir xtables)/libxt_LEASTCONN.so" ] ||
		fail "no plugin"
	make -s dkms-remove KDIR="$KDIR"
	not_installed "$kernel"
	files | diff "$tmp/before" - || fail "not all is as before"
}

test_install_again_replaces() {
	install_ours
	install_ours
	installed "$kernel"
	expect 1 "$(dkms status leastconn | wc -l)" "lines of dkms status"
}

# The hooks by which kernel packages tell DKMS.
test_a_new_kernel_gets_it_and_gives_it_back() {
	local new=6.1.0-999-amd64

	headers "$tmp/$new"
	another $new
	/etc/kernel/postinst.d/dkms $new
	installed $new
	installed "$kernel"
	/etc/kernel/prerm.d/dkms $new
	not_installed $new
	installed "$kernel"
}

test_an_unfit_kernel_is_passed_over() {
	local unfit=6.1.0-998-amd64 status=0

	headers "$tmp/$unfit" /^CONFIG_NF_NAT=/d
	another $unfit
	dkms build -m leastconn -v "$version" -k $unfit >"$tmp/said" 2>&1 || status=$?
	expect 77 $status "dkms' status, which Debian's scripts pass over,"
	grep BUILD_EXCLUSIVE "$tmp/said"
	/etc/kernel/postinst.d/dkms $unfit || say "DKMS's hook fails: status $?"
	not_installed $unfit
	installed "$kernel"
	! make dkms-install KDIR="/lib/modules/$unfit/build" >"$tmp/said" 2>&1 ||
		fail "make dkms-install went on"
	grep "LEASTCONN needs CONFIG_NF_NAT, which this kernel (" "$tmp/said"
}

test_a_kernel_of_clang() {
	local clang=6.1.0-997-amd64

	install_ours
	headers_of_clang "$tmp/$clang"
	another $clang
	dkms install -m leastconn -v "$version" -k $clang >"$tmp/said" 2>&1 ||
		fail "$(cat "$tmp/said" "/var/lib/dkms/leastconn/$version/build/make.log")"
	installed $clang
	readelf -p .comment "/lib/modules/$clang/updates/dkms/xt_LEASTCONN.ko" |
		grep clang
}

test_a_newer_version_takes_its_place() {
	install_ours
	dpkg-deb --fsys-tarfile "$packages/next"/leastconn-dkms_*.deb |
		tar -x -C / ./usr/src
	dkms install -m leastconn -v "$next" -k "$kernel" >"$tmp/said" 2>&1 ||
		fail "$(cat "$tmp/said")"
	installed "$kernel" "$next"
	# Both are there now, and both go.
	make -s dkms-remove KDIR="$KDIR"
	expect "" "$(find /usr/src /var/lib/dkms -name 'leastconn*')" "files"
	not_installed "$kernel"
}

run_tests "$@"
