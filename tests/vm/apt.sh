# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Packages of other suites, for kernel and others; sourced after lib.sh, never run. apt has a configuration of its own
# for each suite, so that the host's lists and suite stay what they are.
# shellcheck disable=SC2154 # vm_cache is lib.sh's

# The host's mirror. Both forms of sources are read; the security mirror is recognised by its name.
host_uris() {
	cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
		sed -nE 's/^deb +(\[[^]]*\] +)?([^ ]+) +([^ ]+).*/\2/p'
	sed -nE 's/^URIs: *//p' /etc/apt/sources.list.d/*.sources 2>/dev/null | tr ' ' '\n'
	true
}

host_mirror() {
	local uri
	uri=$(host_uris | grep -E '/debian/?$' | head -n 1) || true
	echo "${uri:-http://deb.debian.org/debian}"
}

host_security_mirror() {
	local uri
	uri=$(host_uris | grep -E 'debian-security/?$' | head -n 1) || true
	echo "${uri:-http://deb.debian.org/debian-security}"
}

host_keyring() {
	local key
	key=$({ sed -nE 's/^Signed-By: *(\/[^ ]+)$/\1/p' /etc/apt/sources.list.d/*.sources
		sed -nE 's/^deb +\[[^]]*signed-by=([^] ]+).*debian.*/\1/p' /etc/apt/sources.list /etc/apt/sources.list.d/*.list
	} 2>/dev/null | grep debian-archive | head -n 1) || true
	key=${key:-/usr/share/keyrings/debian-archive-keyring.gpg}
	[ -e "$key" ] || die "no Debian archive keyring at $key: install debian-archive-keyring"
	echo "$key"
}

sources_of() {
	local suite=$1 base=${1%-backports} key
	key=$(host_keyring)
	echo "deb [signed-by=$key] $(host_mirror) $suite main"
	[ "$suite" = "$base" ] || echo "deb [signed-by=$key] $(host_mirror) $base main"
	[ "$suite" = sid ] || echo "deb [signed-by=$key] $(host_security_mirror) $base-security main"
}

# apt_in SUITE PROGRAM ARG...: runs apt-get or apt-cache for a suite, as if nothing were installed.
apt_in() {
	local dir=$vm_cache/apt/$1 program=$2 release=()
	# Backports must be asked for. Not so for the others: it would rank the suite above its security updates.
	case $1 in *-backports) release=(-o "APT::Default-Release=$1") ;; esac
	shift 2
	"$program" -q "${release[@]}" -o Dir::Etc::sourcelist="$dir/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
		-o Dir::State="$dir/state" -o Dir::State::Lists="$dir/lists" -o Dir::State::status="$dir/status" \
		-o Dir::Cache="$dir/cache" -o APT::Sandbox::User="$(id -un)" \
		-o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
		-o APT::Install-Recommends=false -o Acquire::Retries=2 "$@"
}

apt_update() {
	local suite=$1 dir=$vm_cache/apt/$1
	mkdir -p "$dir/state" "$dir/lists/partial" "$dir/cache/archives/partial"
	: >"$dir/status"
	sources_of "$suite" >"$dir/sources.list"
	say "asking the mirror for $suite's packages"
	apt_in "$suite" apt-get update -o APT::Update::Error-Mode=any >"$dir/update.log" 2>&1
}

# dependency SUITE PACKAGE PATTERN: what the candidate version of PACKAGE depends on that looks like PATTERN.
dependency() {
	apt_in "$1" apt-cache show --no-all-versions "$2" 2>/dev/null | sed -n 's/^Depends: *//p' |
		sed 's/[,|]/\n/g' | awk -v pattern="$3" '$1 ~ pattern && !found { print $1; found = 1 } END { exit !found }'
}

# download SUITE DIR PACKAGE...: fetches into DIR; apt checks the signatures.
download() {
	local suite=$1 dir=$2
	shift 2
	say "downloading $* ($suite)"
	mkdir -p "$dir"
	(cd "$dir" && apt_in "$suite" apt-get download "$@" >download.log 2>&1) ||
		{ cat "$dir/download.log" >&2; die "download failed: $*"; }
}

extract_all() {
	local deb
	for deb in "$1"/*.deb; do dpkg-deb -x "$deb" "$2"; done
}
