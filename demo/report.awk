# SPDX-License-Identifier: GPL-2.0-only
# Adds up the rounds of each variant and prints the comparison. Files are named VARIANT-ROUND; what is in them is
# written by wrk.lua and measure.sh. Variables: b, n: bold and normal; names: of the backends; slow: those of them that
# are; capacity: requests a second of all; work: a file to sort in.

FNR == 1 {
	name = FILENAME
	sub(/.*\//, "", name)
	sub(/-.*/, "", name)
	if (!(name in rounds))
		variant[++variants] = name
	rounds[name]++
}
$1 == "requests" { requests[name] += $2; last = $2 }
$1 == "microseconds" { time[name] += $2; rate[name, rounds[name]] = last / $2 * 1e6 }
$1 == "failed" { failed[name] += $2 }
$1 == "most" { for (i = 2; i <= NF; i++) if ($i > most[name]) most[name] = $i }
$1 == "served" { served[name, $2] += $3 }
$1 == "latency" { latency[name, $2] += $3; answers[name] += $3 }

# percentiles VARIANT: of all its rounds together, in milliseconds
function percentiles(v,   sort, key, at, k, seen) {
	sort = "sort -n >" work
	for (key in latency) {
		split(key, at, SUBSEP)
		if (at[1] == v)
			print at[2], latency[key] | sort
	}
	close(sort)
	while ((getline <work) > 0) {
		seen += $2
		for (k = 1; k <= 3; k++)
			if (!((v, k) in p) && seen >= answers[v] * share[k])
				p[v, k] = $1 / 1000
	}
	close(work)
}

# row TITLE FORMAT UNIT: one line of the table, from cell[]; the best is bold, if better is 1 (most) or -1 (least)
function row(title, format, unit, better,   i, best, text) {
	for (i = 2; i <= variants; i++)
		if (better * cell[i] > better * cell[best ? best : 1])
			best = i
	if (!best)
		best = 1
	text = sprintf("  %-34s", title)
	for (i = 1; i <= variants; i++)
		text = text (better && i == best ? b : "") sprintf("%12s", sprintf(format, cell[i])) n
	print text (unit ? " " unit : "")
	if (better && cell[ours] != cell[best])
		lost = lost (lost ? ", " : "") title
}

function title(web) {
	return web (index(" " slow " ", " " web " ") ? " (slow)" : "")
}

function each(array,   i) {
	for (i = 1; i <= variants; i++)
		cell[i] = array[variant[i]]
}

function table(   i, k, r, text) {
	text = sprintf("  %-34s", "")
	for (i = 1; i <= variants; i++)
		text = text b sprintf("%12s", variant[i]) n
	print text
	for (k = 1; k <= webs; k++) {
		for (i = 1; i <= variants; i++)
			cell[i] = served[variant[i], web[k]] + 0
		row("requests answered by " title(web[k]), "%d", "", 0)
	}
	each(most)
	row("most connections on one backend", "%d", "", -1)
	for (i = 1; i <= variants; i++)
		cell[i] = total[i] = requests[variant[i]] / time[variant[i]] * 1e6
	row("requests per second", "%.1f", "", 1)
	for (r = 1; r <= rounds[variant[1]]; r++) {
		for (i = 1; i <= variants; i++)
			cell[i] = rate[variant[i], r]
		row("  in round " r, "%.1f", "", 0)
	}
	for (k = 1; k <= 3; k++) {
		for (i = 1; i <= variants; i++)
			cell[i] = p[variant[i], k]
		row("latency, p" share[k] * 100, "%.0f", "ms", -1)
	}
	each(failed)
	row("failed requests", "%d", "", -1)
}

function verdict() {
	print ""
	printf "  %sLEASTCONN answered %.1f times the requests of random, %.1f times those of nth%s,\n", b,
		total[ours] / total[1], total[ours] / total[2], n
	printf "  with at most %d connections on one backend instead of %d and %d.\n",
		most[variant[ours]], most[variant[1]], most[variant[2]]
	printf "  The four backends can answer %d requests a second.\n", capacity
	if (lost)
		printf "  It did not win: %s.\n", lost
	print "  Two of four backends are slow here, which is what it is for: where all are"
	print "  equally fast, expect no such difference."
}

END {
	webs = split(names, web)
	ours = 3
	split("0.5 0.9 0.99", share)
	for (i = 1; i <= variants; i++)
		percentiles(variant[i])
	table()
	verdict()
}
