# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Load, what is seen while it runs, and what came of it. Sourced in the guest, by one who has fail().
#
# What is compared comes from those who have no part in it: connections from the socket counters of the backends' own
# network stacks (what `ss -s` shows there), everything else from the client: who answered, how often and how fast.

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=hosts.sh
. "$here/hosts.sh"

results=$www/results
connections=24
seconds=8
full='' b='' dim='' n=''
bar='########################'
if [ "${LC_DEMO_UTF8-}" = 1 ]; then bar=████████████████████████; fi
if [ "${LC_DEMO_LIVE-}" = 1 ]; then full=1 b=$'\e[1m' dim=$'\e[2m' n=$'\e[0m'; fi

# --- looking, without starting a process: each costs as much as ten requests

exec {nap}<> <(:)

pause() { # SECONDS
	read -rt "$1" -u "$nap" || true
}

milliseconds() {
	now=${EPOCHREALTIME/[.,]/}
	now=${now::-3}
}

# Sets held: the connections that each backend holds.
look_at_sockets() {
	local i lines word
	for i in "${!webs[@]}"; do
		mapfile -t lines <"/proc/${pids[i]}/net/sockstat"
		read -ra word <<<"${lines[1]}"
		held[i]=$((word[2] - listeners[i]))
		if [ "${held[i]}" -gt "${most[i]}" ]; then most[i]=${held[i]}; fi
	done
}

# nginx's listening sockets are in the count too.
prepare_looking() {
	local i
	pids=() held=() listeners=(0 0 0 0) most=(0 0 0 0)
	for i in "${!webs[@]}"; do pids+=("$(<"$www/${webs[i]}/pid")"); done
	look_at_sockets
	listeners=("${held[@]}")
	# somebody who lives in the balancer, so that its /proc/net can be read from here
	become balancer sleep infinity &
	balancer=$!
}

# What `cat /proc/net/leastconn` shows on the balancer.
look_at_table() {
	local line word i
	mapfile -t table <"/proc/$balancer/net/leastconn"
	for line in "${table[@]:1}"; do
		read -ra word <<<"$line"
		i=$((${word[2]##*.} - 101))
		active[i]=${word[4]} inactive[i]=${word[5]} total[i]=${word[6]}
	done
}

# --- showing

# add FORMAT ARGUMENT...: to the picture, which is then shown at once, never half drawn
add() {
	local piece
	# shellcheck disable=SC2059 # the callers' formats
	printf -v piece "$@"
	picture+=$piece
}

add_head() {
	local source="connections that the backends hold"
	if [ "$variant" = LEASTCONN ]; then source="/proc/net/leastconn"; fi
	add '  %s%-9s%s  round %d   %-38s%s%d of %d s%s\e[K\n' "$b" "$variant" "$n" "$round" "$source" \
		"$dim" $((elapsed / 1000)) "$seconds" "$n"
	add '%s  backend                    active' "$dim"
	if [ "$variant" = LEASTCONN ]; then add '%-26sinactive  total' ''; fi
	add '%s\e[K\n' "$n"
}

# With bars. In the other variants nobody counts but the backends' sockets.
add_backend() { # INDEX
	local i=$1 length=${active[$1]}
	if [ "$length" -gt ${#bar} ]; then length=${#bar}; fi
	add '  %s  192.168.1.%d:80  %-4s %5d  %s%*s' "${webs[i]}" $((101 + i)) "${pace[i]}" "${active[i]}" \
		"${bar:0:length}" $((${#bar} - length)) ''
	if [ "$variant" = LEASTCONN ]; then add '%8d %6d' "${inactive[i]}" "${total[i]}"; fi
	add '\e[K\n'
}

# Without line wrap: on a narrow terminal the picture is cut, not torn.
draw() {
	local picture=$up$'\e[?7l' i
	add_head
	for i in "${!webs[@]}"; do add_backend "$i"; done
	printf '%s\e[?7h' "$picture"
	up=$'\r\e[6A'
}

print_line() {
	local i line
	printf -v line '  %(%H:%M:%S)T  %-10s' -1 "$variant"
	for i in "${!webs[@]}"; do printf -v line '%s   %s %2d' "$line" "${webs[i]}" "${active[i]}"; done
	if [ "$variant" = LEASTCONN ]; then line+="   total ${total[*]}"; fi
	echo "$line"
}

show() {
	if [ "$variant" = LEASTCONN ]; then look_at_table; else active=("${held[@]}"); fi
	if [ -n "$full" ]; then draw; else print_line; fi
}

# watch PID: looks ten times a second, shows four times a second or every other one, until the process is gone.
watch() {
	local begin next interval=2000 elapsed up=''
	if [ -n "$full" ]; then interval=250; fi
	milliseconds
	begin=$now next=$((now + (full ? 0 : interval)))
	while kill -0 "$1" 2>/dev/null; do
		look_at_sockets
		milliseconds
		elapsed=$((now - begin))
		if [ "$now" -ge "$next" ] && [ $elapsed -lt $((seconds * 1000 + 300)) ]; then
			show
			next=$((next + interval))
		fi
		pause 0.1
	done
}

# --- measuring

http_load() {
	become client wrk -t 1 -c "$connections" -d "${seconds}s" --timeout 20s \
		-H 'Connection: close' -s "$here/wrk.lua" "http://$vip/" -- "$connections"
}

# Nothing of the round before may weigh on the next: neither connections nor the backends' queues.
fresh_start() {
	rules_down
	on balancer conntrack -F 2>/dev/null
	rules_up "$variant"
	milliseconds
	while [ "$now" -lt "$rested" ]; do
		pause 0.1
		milliseconds
	done
	most=(0 0 0 0)
}

# Sets rested: when the backends' queues must be empty again, whoever waited in them having gone.
rested_at() {
	local i wait
	milliseconds
	rested=$now
	for i in "${!webs[@]}"; do
		wait=$((now + 1000 * most[i] / capacity[i]))
		if [ "$wait" -gt "$rested" ]; then rested=$wait; fi
	done
}

measure() { # VARIANT ROUND
	local variant=$1 round=$2 active=(0 0 0 0) inactive=(0 0 0 0) total=(0 0 0 0)
	local out=$results/$1-$2 load status=0
	fresh_start
	http_load >"$out" 2>&1 &
	load=$!
	watch $load
	wait $load || status=$?
	rested_at
	if [ $status != 0 ] || ! grep -q '^requests' "$out"; then
		cat "$out"
		fail "wrk failed, status $status"
	fi
	printf 'most %s\n' "${most[*]}" >>"$out"
}
