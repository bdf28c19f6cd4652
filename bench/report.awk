# SPDX-License-Identifier: GPL-2.0-only
# Rows of pairs (see guest) into a table, with figures.awk: what each way costs, and how that compares with one DNAT rule in the same run.
# Variable table: a file for the same, for machines.

BEGIN { FS = OFS = "\t" }

{
	key = $1 FS $2 FS $3 FS $4
	if (!(key in pairs))
		keys[++n] = key
	i = ++pairs[key]
	cost[key, i] = $5
	base[key, i] = $6
	ratio[key, i] = $6 > 0 ? $5 / $6 : 0
}

function print_row(at, c, b) {
	printf "%-14s %-12s %8d %8d %9.0f %9.0f   %6.3f %6.3f %6.3f\n", at[1],
		at[2] == "dnat" ? "dnat (A/A)" : at[2], at[3], at[4], c, b, least, median, most
	print at[1], at[2], at[3], at[4], sprintf("%.1f", c), sprintf("%.1f", b), sprintf("%.4f", least),
		sprintf("%.4f", median), sprintf("%.4f", most) >table
}

# What is not the cost of a packet or a connection has words of its own.
function explain(at, c, b,   work) {
	if (at[1] == "live-work") {
		work = (c - b) / at[4] * 100000
		said[++lines] = sprintf("Watching 100,000 live connections: %.1f million instructions a second, " \
			"%.2f %% of a processor that does 3000 million (measured with %d).", work / 1e6, share(c - b, at[4]), at[4])
	}
	if (at[1] == "live-longest")
		said[++lines] = sprintf("The longest that a packet needed meanwhile: %.1f us, with DNAT %.1f us.", c / 1000, b / 1000)
	if (at[1] == "live-memory")
		said[++lines] = sprintf("Memory of a live connection, besides conntrack's entry: %.1f bytes.", c)
	if (at[1] == "live-slabs")
		said[++lines] = sprintf("  of that in slab caches of ours: %.1f bytes.", c)
	if (at[1] == "backend-memory")
		said[++lines] = sprintf("Memory of a backend, with its part of rule and pool: %d bytes.", c)
}

END {
	if (!n) {
		print "bench: nothing was measured" >"/dev/stderr"
		exit 1
	}
	print "value", "way", "backends", "live", "cost", "dnat", "least", "median", "most" >table
	printf "%-14s %-12s %8s %8s %9s %9s   %6s %6s %6s\n", "", "", "", "", "instruc-", "of one", "ratio", "", ""
	printf "%-14s %-12s %8s %8s %9s %9s   %6s %6s %6s\n", "case", "way", "backends", "live", "tions",
		"DNAT rule", "least", "median", "most"
	for (k = 1; k <= n; k++) {
		key = keys[k]
		split(key, at, FS)
		spread(cost, key, pairs[key])
		c = median
		spread(base, key, pairs[key])
		b = median
		spread(ratio, key, pairs[key])
		if (at[1] ~ /^(live|backend)-/) {
			explain(at, c, b)
			print at[1], at[2], at[3], at[4], c, b, least, median, most >table
		} else {
			print_row(at, c, b)
		}
	}
	print ""
	for (i = 1; i <= lines; i++)
		print said[i]
}
