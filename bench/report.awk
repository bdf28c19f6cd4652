# SPDX-License-Identifier: GPL-2.0-only
# Rows of pairs into a table: what each way costs, and how that compares with one DNAT rule in the same run.
# Rows: CASE WAY BACKENDS LIVE NS NS-OF-DNAT, separated by tabs, of a packet or a connection.

BEGIN { FS = "\t" }

{
	key = $1 FS $2 FS $3 FS $4
	if (!(key in pairs))
		keys[++n] = key
	i = ++pairs[key]
	cost[key, i] = $5
	base[key, i] = $6
	ratio[key, i] = $5 / $6
}

# Sets least, median and most of what[key, 1 ...].
function spread(what, key,   i, j, v, sorted) {
	for (i = 1; i <= pairs[key]; i++) {
		v = what[key, i]
		for (j = i - 1; j && sorted[j] > v; j--)
			sorted[j + 1] = sorted[j]
		sorted[j + 1] = v
	}
	i = pairs[key]
	least = sorted[1]
	most = sorted[i]
	median = (sorted[int((i + 1) / 2)] + sorted[int(i / 2) + 1]) / 2
}

END {
	printf "%-10s %-14s %8s %8s %9s %9s   %6s %6s %6s\n", "case", "way",
		"backends", "live", "cost", "DNAT's", "least", "median", "most"
	for (k = 1; k <= n; k++) {
		key = keys[k]
		split(key, at, FS)
		spread(cost, key)
		c = median
		spread(base, key)
		b = median
		spread(ratio, key)
		printf "%-10s %-14s %8d %8d %9.0f %9.0f   %6.3f %6.3f %6.3f\n",
			at[1], at[2] == "dnat" ? "DNAT (A/A)" : at[2], at[3],
			at[4], c, b, least, median, most
	}
}
