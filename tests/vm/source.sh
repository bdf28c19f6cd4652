# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Kernels built here, from Debian's source, for debug-kernel and uml-kernel; sourced after apt.sh, never run. They set
#	kind		the kernel's name
#	suite		Debian's, whose newest linux-source is taken
#	fragments	files of its configuration
#	version		raised with what is built of them
# and define install_image DIR.
# shellcheck disable=SC2154 # kind and others are theirs, vm_cache is lib.sh's

tools='gcc make bc bison flex libelf-dev libssl-dev xz-utils kmod'

# What make is told besides: another architecture.
kbuild_options=()

# The suite's linux-source package, linux-source-7.3 say; asked of the mirror once a day.
find_package() {
	local memory=$vm_cache/apt/$suite/source
	if [ -z "$(find "$memory" -mmin -1440 2>/dev/null)" ] && apt_update "$suite" &&
		package=$(dependency "$suite" linux-source '^linux-source-[0-9]'); then
		echo "$package" >"$memory"
	fi
	package=$(cat "$memory" 2>/dev/null) || die "no linux-source package in $suite, or no network to ask for it"
	source=$vm_cache/kernels/$package
}

# A kernel is built again when its configuration or its source changes. Each has a folder of its own, so that checkouts
# with different ones do not build each other's again.
recipe() {
	{ echo "$version $package"; cat "${fragments[@]}"; } | sha256sum | cut -c 1-16
}

# The source, unpacked, for all kinds. One unpacks; builds of other kinds don't wait for each other.
prepare_source() {
	local work
	exec 8>"$vm_cache/kernels/.lock-$package"
	[ -e "$source/Makefile" ] || flock 8
	if [ ! -e "$source/Makefile" ]; then
		work=$(mktemp -d "$vm_cache/.new-XXXXXX")
		apt_update "$suite" || die "no package lists for $suite"
		download "$suite" "$work/debs" "$package"
		extract_all "$work/debs" "$work/tree"
		say "unpacking $package"
		mkdir "$work/source"
		tar -x --strip-components=1 -C "$work/source" -f "$work/tree/usr/src/$package.tar.xz"
		rm -rf "$source"
		mv "$work/source" "$source"
		rm -rf "$work"
	fi
	exec 8>&-
}

kbuild() { # DIR ARG...
	make -s -C "$source" O="$1/build" "${kbuild_options[@]}" "${@:2}"
}

# The fragments as one: of an option that stands in several, the last.
merged() {
	awk '
		/^(# )?CONFIG_/ {
			option = $1 == "#" ? $2 : substr($0, 1, index($0, "=") - 1)
			if (!(option in line))
				order[++n] = option
			line[option] = $0
		}
		END {
			for (i = 1; i <= n; i++)
				print line[order[i]]
		}' "${fragments[@]}"
}

# Names the options of the fragments that are not in force: without them a kernel is not what it is for.
configure() { # DIR
	local option
	mkdir -p "$1/build"
	merged >"$1/fragment"
	echo "CONFIG_LOCALVERSION=\"-$kind\"" >>"$1/fragment"
	kbuild "$1" KCONFIG_ALLCONFIG="$1/fragment" allnoconfig >/dev/null
	grep -xE 'CONFIG_\w+=[ym]' "$1/fragment" | grep -vxFf "$1/build/.config" |
		while read -r option; do say "not in this kernel: $option"; done || true
}

build() { # DIR TARGET...
	local dir=$1 release
	say "building a $kind kernel, once; it goes to $final"
	configure "$dir"
	kbuild "$dir" -j"$(nproc)" "${@:2}" >"$dir/build.log" 2>&1 || {
		tail -n 40 "$dir/build.log" >&2
		die "the $kind kernel does not build"
	}
	release=$(kbuild "$dir" kernelrelease)
	kbuild "$dir" INSTALL_MOD_PATH="$dir" modules_install >/dev/null
	rm -f "$dir/lib/modules/$release"/{build,source}
	install_image "$dir"
	cp "$dir/build/.config" "$dir/config"
	echo "$release" >"$dir/version"
	# An external module needs no objects.
	find "$dir/build" -name '*.[oa]' ! -path '*/scripts/*' ! -path '*/tools/*' -delete
}

finish() { # DIR
	cat >"$1/kmake" <<EOF
#!/bin/sh
exec make -C "$final/build" ${kbuild_options[*]} "\$@"
EOF
	chmod +x "$1/kmake"
	sed -i "s|$1|$final|g" "$1/build/Makefile"
}

prepare() { # TARGET...
	local work
	# shellcheck disable=SC2086 # words on purpose
	"$here/deps" $tools
	prepare_source
	work=$(mktemp -d "$vm_cache/kernels/.new-XXXXXX")
	# shellcheck disable=SC2064 # the folder of now
	trap "rm -rf '$work'" EXIT
	build "$work" "$@"
	finish "$work"
	chmod 755 "$work"
	mv "$work" "$final"
	forget_old
}

# All but the three of this kind that were asked for last. The hash has 16 characters.
forget_old() {
	find "$vm_cache/kernels" -maxdepth 1 -name "$kind-????????????????" -printf '%T@ %p\n' |
		sort -rn | tail -n +4 | cut -d ' ' -f 2- | xargs -r rm -rf
}

# build_once CACHED TARGET...: in $final; where CACHED says anything, it is there or we end.
build_once() {
	find_package
	final=$vm_cache/kernels/$kind-$(recipe)
	touch -c "$final"
	[ ! -d "$final" ] || return 0
	[ -z "$1" ] || exit 1
	mkdir -p "$vm_cache/kernels"
	exec 9>"$vm_cache/kernels/.lock-$kind"
	flock 9
	# Who waited here for another's build finds it done.
	[ -d "$final" ] || prepare "${@:2}"
}
