#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What needs no kernel to run: versions, what a build says, the packages' form.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

packages=$packages/this

# copy FOLDER: the checkout without what was built in it
copy() {
	mkdir "$1"
	cp -r Kbuild Makefile VERSION dkms.conf kmod include xtables-ext ctl \
		tests bench debian "$1/"
	rm -rf "$1/tests/packaging/out" "$1/xtables-ext/libxt_LEASTCONN.so" \
		"$1/ctl/leastconnctl"
}

# refused SENTENCE COMMAND...: it fails, and says so
refused() {
	! "${@:2}" >"$tmp/said" 2>&1 || fail "no refusal: ${*:2}"
	grep -qF "$1" "$tmp/said" || fail "no word of \"$1\": $(cat "$tmp/said")"
}

test_one_version() {
	expect "$version" "$(bash -c '. ./dkms.conf; echo "$PACKAGE_VERSION"')" \
		dkms.conf
	expect "$version" "$(dpkg-parsechangelog -S Version)" debian/changelog
	expect "$version" "$(sed -n 's/^## \([^,]*\).*/\1/p' CHANGELOG.md | head -n 1)" \
		CHANGELOG.md
}

test_a_kernel_is_told_what_it_lacks() {
	local option

	copy "$tmp/told"
	for option in NF_CONNTRACK NF_NAT NETFILTER_XTABLES; do
		headers "$tmp/without-$option" "/^CONFIG_$option=/d"
		refused "LEASTCONN needs CONFIG_$option, which this kernel (" \
			make -C "$tmp/told" module KDIR="$tmp/without-$option"
	done
	refused "No kernel headers in $tmp/none." \
		make -C "$tmp/told" module KDIR="$tmp/none"
}

test_an_old_kernel_is_told() {
	copy "$tmp/old"
	headers "$tmp/5.9"
	refused "LEASTCONN needs Linux 5.10 or later" \
		make -C "$tmp/old" module KDIR="$tmp/5.9" VERSION=5 PATCHLEVEL=9
	refused "LEASTCONN needs Linux 5.10 or later" \
		make -C "$tmp/old" module KDIR="$tmp/5.9" VERSION=4 PATCHLEVEL=19
}

test_clean_asks_for_nothing() {
	copy "$tmp/clean"
	headers "$tmp/lacking" "/^CONFIG_NF_NAT=/d"
	: >"$tmp/clean/kmod/main.o"
	make -s -C "$tmp/clean" clean KDIR="$tmp/lacking" VERSION=5 PATCHLEVEL=4
	[ ! -e "$tmp/clean/kmod/main.o" ] || fail "an object is left"
}

# It has the module alone.
test_clean_works_where_dkms_builds() {
	make -s dkms-source DESTDIR="$tmp/dkms"
	make -s -C "$tmp/dkms/usr/src/leastconn-$version" clean KDIR="$tmp/none"
}

test_a_kernel_of_clang_gets_clang() {
	copy "$tmp/clang"
	headers_of_clang "$tmp/of-clang"
	make -C "$tmp/clang" module KDIR="$tmp/of-clang" V=1 >"$tmp/build" 2>&1
	readelf -p .comment "$tmp/clang/xt_LEASTCONN.ko" | grep clang
	grep -q '^ *ld.lld .*xt_LEASTCONN.ko' "$tmp/build" || fail "another linker"
}

test_install_and_uninstall() {
	copy "$tmp/install"
	headers "$tmp/kernel"
	make -s -C "$tmp/install" install KDIR="$tmp/kernel" DESTDIR="$tmp/root"
	find "$tmp/root" -name 'xt_LEASTCONN.ko*' | grep .
	find "$tmp/root" -name libxt_LEASTCONN.so | grep .
	"$tmp/root/usr/sbin/leastconnctl" --version | grep " $version\$"
	find "$tmp/root" -path '*/man8/leastconnctl.8' | grep .
	modinfo "$tmp/install/xt_LEASTCONN.ko" | grep -E 'alias: +ipt_LEASTCONN$'
	modinfo "$tmp/install/xt_LEASTCONN.ko" | grep -E 'alias: +ip6t_LEASTCONN$'
	make -s -C "$tmp/install" uninstall KDIR="$tmp/kernel" DESTDIR="$tmp/root"
	# modules_install itself leaves lists of modules.
	expect "" "$(find "$tmp/root" -iname '*leastconn*')" "files left"
}

# Where depmod must look: the name by which the kernel goes when it runs.
test_the_release_is_that_of_the_running_kernel() {
	headers "$tmp/release"
	expect "$(cat "$(tests/vm/kernel)/version")" "$(
		make -s --eval='say: ; @echo $(release)' say KDIR="$tmp/release"
	)" "release"
}

test_lintian_has_nothing_to_say() {
	lintian --allow-root --display-info --pedantic --tag-display-limit 0 \
		--fail-on error,warning,info,pedantic "$packages"/*.changes
}

# field DEB FIELD, with the commas that grep looks for
field() {
	echo "$(dpkg-deb -f "$packages/$1"_*.deb "$2"),"
}

test_packages_depend_on_what_they_use() {
	field leastconn-dkms Depends | grep -E '(^|, )dkms( \(.*\))?,'
	field leastconn-tools Depends | grep -E '(^|, )libxtables12( \(.*\))?,'
	field leastconn-tools Depends | grep -E '(^|, )libmnl0( \(.*\))?,'
	field leastconn-tools Depends | grep -E '(^|, )iptables,'
	field leastconn-tools Recommends | grep -E '(^|, )leastconn-dkms,'
	field leastconn-dkms Recommends | grep -E '(^|, )leastconn-tools,'
}

test_no_package_script_unloads_the_module() {
	dpkg-deb -e "$packages"/leastconn-dkms_*.deb "$tmp/scripts"
	grep -q dkms "$tmp/scripts/postinst" || fail "a postinst without DKMS"
	! grep -rE 'rmmod|modprobe +-r|--remove' "$tmp/scripts" || fail "it does"
}

test_module_source_is_all_that_it_needs() {
	dpkg-deb -x "$packages"/leastconn-dkms_*.deb "$tmp/source"
	headers "$tmp/of-source"
	make -s -C "$tmp/source/usr/src/leastconn-$version" module \
		KDIR="$tmp/of-source"
}

test_tools_are_complete() {
	local path

	dpkg-deb -x "$packages"/leastconn-tools_*.deb "$tmp/tools"
	for path in usr/sbin/leastconnctl usr/share/man/man8/leastconnctl.8.gz \
		usr/share/bash-completion/completions/leastconnctl \
		usr/share/zsh/vendor-completions/_leastconnctl \
		lib/systemd/system/leastconn-pools.service etc/leastconn; do
		[ -e "$tmp/tools/$path" ] || fail "no $path"
	done
	# All that it names must be there, where it will be.
	sed "s|/usr/sbin/leastconnctl|$tmp/tools&|" \
		"$tmp/tools/lib/systemd/system/leastconn-pools.service" \
		>"$tmp/leastconn-pools.service"
	expect "" "$(systemd-analyze verify --man=no \
		"$tmp/leastconn-pools.service" 2>&1)" "what systemd says"
}

# At the next boot, if there are saved pools; now it is not started.
test_the_unit_is_enabled_and_no_more() {
	dpkg-deb -e "$packages"/leastconn-tools_*.deb "$tmp/tools-scripts"
	grep -q "deb-systemd-helper enable 'leastconn-pools.service'" \
		"$tmp/tools-scripts/postinst" || fail "it is not enabled"
	! grep -rE "deb-systemd-invoke" "$tmp/tools-scripts" || fail "it is started"
}

test_make_deb_says_what_it_lacks() {
	copy "$tmp/deb"
	sed -i 's/^ libxtables-dev,/ libnobodyhas-dev,/' "$tmp/deb/debian/control"
	refused "Unmet build dependencies: libnobodyhas-dev" \
		make -C "$tmp/deb" deb O="$tmp/dist"
	[ ! -e "$tmp/dist" ] || fail "it went on"
}

run_tests "$@"
