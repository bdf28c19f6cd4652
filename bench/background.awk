# SPDX-License-Identifier: GPL-2.0-only
# Rows of WAY PERCENT MICROSECONDS, separated by tabs, into a table.

{
	if (!($1 in n))
		ways[++count] = $1
	share[$1, ++n[$1]] = $2
	longest[$1, n[$1]] = $3
}

# Sets least, middle and most.
function spread(what, way,   i, j, v, list) {
	for (i = 1; i <= n[way]; i++) {
		v = what[way, i]
		for (j = i - 1; j && list[j] > v; j--)
			list[j + 1] = list[j]
		list[j + 1] = v
	}
	i = n[way]
	least = list[1]
	most = list[i]
	middle = (list[int((i + 1) / 2)] + list[int(i / 2) + 1]) / 2
}

END {
	printf "%-12s %8s %8s %8s %8s   %8s\n", "live", "of", "least",
		"median", "most", "longest"
	for (k = 1; k <= count; k++) {
		spread(longest, ways[k])
		wait = middle
		spread(share, ways[k])
		printf "%-12d %8s %7.2f%% %7.2f%% %7.2f%%   %5d us\n",
			ways[k] == "nobody" ? 0 : live, ways[k], least, middle,
			most, wait
		of[ways[k]] = middle
	}
	printf "LEASTCONN takes %.2f %% of a processor, for %d connections, beside DNAT\n",
		of["leastconn"] - of["dnat"], live
}
