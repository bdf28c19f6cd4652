# SPDX-License-Identifier: GPL-2.0-only
# Rows of WAY PERCENT MICROSECONDS, separated by tabs, into a table, with figures.awk.

{
	if (!($1 in n))
		ways[++count] = $1
	lost[$1, ++n[$1]] = $2
	longest[$1, n[$1]] = $3
}

END {
	printf "%-12s %8s %8s %8s %8s   %8s\n", "live", "of", "least",
		"median", "most", "longest"
	for (k = 1; k <= count; k++) {
		spread(longest, ways[k], n[ways[k]])
		wait = median
		spread(lost, ways[k], n[ways[k]])
		printf "%-12d %8s %7.2f%% %7.2f%% %7.2f%%   %5d us\n",
			ways[k] == "nobody" ? 0 : live, ways[k], least, median,
			most, wait
		of[ways[k]] = median
	}
	printf "LEASTCONN takes %.2f %% of a processor, for %d connections, beside DNAT\n",
		of["leastconn"] - of["dnat"], live
}
