# SPDX-License-Identifier: GPL-2.0-only
# Rows of pairs of several machines, a file each, into a table, and into the file that tsv names; with
# figures.awk.
# Rows: CASE WAY BACKENDS LIVE NS NS-OF-DNAT, separated by tabs, of a packet or a connection.

BEGIN { FS = OFS = "\t" }

FNR == 1 { boot++ }

{
	key = $1 FS $2 FS $3 FS $4
	if (!(key in known)) {
		known[key] = 1
		keys[++n] = key
	}
	# Two of a round, A B and B A: what its place in the order costs is in the
	# sums of both.
	if (++pairs[boot, key] % 2) {
		first[key] = $5
		first_base[key] = $6
		next
	}
	i = pairs[boot, key] / 2
	cost[boot, key, i] = ($5 + first[key]) / 2
	base[boot, key, i] = ($6 + first_base[key]) / 2
	ratio[boot, key, i] = cost[boot, key, i] / base[boot, key, i]
}

function of_boot(what, boot, key) {
	spread(what, boot SUBSEP key, int(pairs[boot, key] / 2))
	return median
}

# How far two DNAT rules are from each other in this machine, in as many
# connections; its rows count if that is little.
function is_void(boot, key,   at, aa) {
	split(key, at, FS)
	aa = of_boot(ratio, boot, at[1] FS "dnat" FS 1 FS at[4])
	return aa < 0.98 || aa > 1.02
}

# To the file, and what counts of it to costs, bases and ratios.
function boot_row(boot, key,   c, b, r, bad) {
	if (!((boot, key) in pairs))
		return
	c = of_boot(cost, boot, key)
	b = of_boot(base, boot, key)
	r = of_boot(ratio, boot, key)
	bad = is_void(boot, key)
	print key, boot, sprintf("%.1f\t%.1f\t%.4f", c, b, r),
		bad ? "void" : "valid" >tsv
	if (bad) {
		voids++
		return
	}
	costs[key, ++valid] = c
	bases[key, valid] = b
	ratios[key, valid] = r
}

function row(key,   at, c, b) {
	split(key, at, FS)
	voids = valid = 0
	for (boot = 1; boot <= boots; boot++)
		boot_row(boot, key)
	all_voids += voids
	printf "%-10s %-14s %8d %8d ", at[1],
		at[2] == "dnat" ? "DNAT (A/A)" : at[2], at[3], at[4]
	if (valid) {
		spread(costs, key, valid)
		c = median
		spread(bases, key, valid)
		b = median
		spread(ratios, key, valid)
		printf "%9.0f %9.0f   %6.3f %6.3f %6.3f", c, b, least, median,
			most
	} else {
		printf "%9s %9s   %6s %6s %6s", "-", "-", "-", "void", "-"
	}
	print voids ? "   " voids " of " voids + valid " void" : ""
}

END {
	boots = boot
	print "case", "way", "backends", "live", "boot", "ns", "ns of DNAT",
		"ratio", "state" >tsv
	printf "%-10s %-14s %8s %8s %9s %9s   %6s %6s %6s\n", "case", "way",
		"backends", "live", "ns", "DNAT's", "least", "median", "most"
	for (k = 1; k <= n; k++)
		row(keys[k])
	if (all_voids)
		print "void: two DNAT rules were more than 2 % apart in that machine"
}
