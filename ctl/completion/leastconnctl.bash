# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Completion of leastconnctl for bash, which needs the package bash-completion:
# commands, their arguments, pools and backends. Pools and backends are offered to
# root only: leastconnctl needs CAP_NET_ADMIN.

_leastconnctl_pools() {
	leastconnctl save 2>/dev/null | awk '$1 == "pool" { print $3 }'
}

_leastconnctl_members() { # POOL
	leastconnctl save 2>/dev/null |
		awk -v pool="$1" '$1 == "add" && $2 == pool { print $3 }'
}

# Backends of pools and rules. In JSON each backend has a line of its own.
_leastconnctl_backends() {
	leastconnctl list --json 2>/dev/null | sed -nE \
		-e 's/.*"address": "([^"]*)", "port": 0, .*/\1/p' \
		-e 's/.*"address": "([^":]*)", "port": ([0-9]+), .*/\1:\2/p' \
		-e 's/.*"address": "([^"]*)", "port": ([0-9]+), .*/[\1]:\2/p' |
		sort -u
}

# The words that are not on the command line yet, from word FIRST on.
_leastconnctl_unused() { # FIRST WORD...
	local first=$1 word

	for word in "${@:2}"; do
		[[ " ${words[*]:first:cword-first} " == *" $word "* ]] ||
			printf "%s\n" "$word"
	done
}

_leastconnctl_terms() { # FIRST WORD...
	case $prev in
	proto) echo tcp udp sctp dccp udplite ;;
	state) echo ready drain down ;;
	max-fails) echo default ;;
	weight | max-conns | for | --timeout | fail-timeout | slow-start | \
		persistent | persistent-mask) ;;
	*) _leastconnctl_unused "$@" ;;
	esac
}

# A pool; after a pool or where an option begins, the options.
_leastconnctl_show() { # OPTION...
	if [[ $cword == 2 && $cur != -* ]]; then
		_leastconnctl_pools
	else
		_leastconnctl_unused 2 "$@"
	fi
}

# After "pool add", "pool set" or "pool del".
_leastconnctl_pool() {
	local settings="max-fails fail-timeout slow-start persistent
		persistent-mask redispatch"

	# shellcheck disable=SC2086 # words
	case ${words[2]}:$cword in
	set:3 | del:3) _leastconnctl_pools ;;
	add:3 | del:*) ;;
	add:*) _leastconnctl_terms 4 $settings ;;
	set:*) _leastconnctl_terms 4 $settings no-redispatch ;;
	esac
}

# Candidates for the word at the cursor.
_leastconnctl_words() {
	case ${words[1]}:$cword in
	*:1)
		echo list watch monitor pool add set del drain down ready eject \
			kill wait save restore clients metrics help version
		;;
	list:*) _leastconnctl_show --json -n ;;
	clients:2) [[ $cur == -* ]] || echo flush; _leastconnctl_show --json ;;
	clients:*)
		if [[ ${words[2]} != flush ]]; then
			_leastconnctl_show --json
		elif [[ $cword == 3 ]]; then
			_leastconnctl_pools
		fi
		;;
	watch:*) [ "$prev" = --interval ] || _leastconnctl_show --interval ;;
	pool:2) echo add set del ;;
	pool:*) _leastconnctl_pool ;;
	add:2 | set:2 | del:2) _leastconnctl_pools ;;
	add:3) _leastconnctl_backends ;;
	set:3 | del:3) _leastconnctl_members "${words[2]}" ;;
	add:*) _leastconnctl_terms 4 proto weight max-conns backup state ;;
	set:*) _leastconnctl_terms 4 proto weight max-conns backup no-backup state ;;
	del:*) _leastconnctl_terms 4 proto --kill ;;
	drain:2 | down:2 | ready:2 | eject:2 | kill:2 | wait:2) _leastconnctl_backends ;;
	wait:*) _leastconnctl_terms 3 proto --timeout ;;
	eject:*) _leastconnctl_terms 3 proto for ;;
	drain:* | down:* | ready:* | kill:*) _leastconnctl_terms 3 proto ;;
	esac
}

_leastconnctl() {
	local cur prev words cword

	# Do not split a backend with a port at its colon.
	_get_comp_words_by_ref -n : cur prev words cword
	if [[ ${words[1]} == restore && $cword == 2 ]]; then
		_filedir
		return
	fi
	mapfile -t COMPREPLY < <(compgen -W "$(_leastconnctl_words)" -- "$cur")
	__ltrim_colon_completions "$cur"
}

complete -F _leastconnctl leastconnctl
