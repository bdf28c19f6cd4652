# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the suites of packaging share. A script here sources this.

# shellcheck source=../selftests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../selftests/lib.sh"

top=$(cd "$here/../.." && pwd)
cd "$top" || exit 1
# shellcheck disable=SC2034 # for those who source this
packages=$top/tests/packaging/out
version=$(cat VERSION)
# shellcheck disable=SC2034
next=$version.1

# One compiler's work for all: here, in the private folders, and in the guest,
# where it is slow. Debian's headers ask for ccache by this name.
export DEBIAN_KERNEL_USE_CCACHE=yes
export CCACHE_DIR=$packages/ccache

# headers FOLDER [SED-SCRIPT]: the kernel's headers, configuration edited
headers() {
	local dir

	dir=$(echo "$(tests/vm/kernel)"/headers/usr/src/linux-headers-*-amd64)
	[ -e "$dir/.config" ] || skip "the headers are for another compiler"
	cp -r "$dir" "$1"
	ln -sfn "$dir/scripts" "$1/scripts"
	ln -sfn "$dir/tools" "$1/tools"
	sed -i -e "${2-}" "$1/.config" "$1/include/config/auto.conf"
}

# As if clang 14 had built that kernel: gcc's own options go.
headers_of_clang() { # FOLDER
	headers "$1" 's/^CONFIG_CC_IS_GCC=/CONFIG_CC_IS_CLANG=/
		s/^CONFIG_GCC_VERSION=.*/CONFIG_GCC_VERSION=0/
		s/^CONFIG_CLANG_VERSION=.*/CONFIG_CLANG_VERSION=140006/
		s/-Wimplicit-fallthrough=5/-Wimplicit-fallthrough/
		/^CONFIG_CC_VERSION_TEXT=/d
		/^CONFIG_\(RETHUNK\|INIT_STACK_ALL_ZERO\|FTRACE_MCOUNT_USE_CC\)=/d'
	echo CONFIG_LD_IS_LLD=y >>"$1/.config"
	sed -i '/^CC =/d' "$1/.kernelvariables"
}

# Names of files where packages and DKMS put some. DKMS's own key stays.
files() {
	find /etc /usr/src /usr/lib/modules /usr/lib/modules-load.d /var/lib/dkms \
		/usr/lib/systemd "$(pkg-config --variable=xtlibdir xtables)" \
		/usr/share/man/man8 /usr/sbin \
		/usr/share/bash-completion /usr/share/zsh /usr/share/lintian /var/lib/dpkg/info \
		! -name 'mok.*' 2>/dev/null | LC_ALL=C sort
}
