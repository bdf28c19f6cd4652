# SPDX-License-Identifier: GPL-2.0-only
# Rows of bench/failures into its table.

BEGIN {
	FS = "\t"
	what["refusing"] = "One of four refuses"
	what["blackholed"] = "One of four drops what it is sent"
	what["slow"] = "One of four is slow"
	what["added"] = "A fourth, cold, is added under load"
	name["leastconn"] = "LEASTCONN, no options"
	name["leastconn-options"] = "LEASTCONN, options"
	name["ipvs-wlc"] = "IPVS wlc"
}

FNR == 1 { next }

$1 != last {
	printf "\n%-36s %8s %8s   %9s %9s %9s\n", what[$1], "failed", "", "p50", "p99", "to the"
	printf "%-36s %8s %8s   %9s %9s %9s\n", "", "requests", "", "", "", "bad one"
	last = $1
}

function ms(value) {
	return value == "failed" ? value : value " ms"
}

{
	failed = $4 + $5 + $6
	printf "  %-34s %8d %6.1f %%   %9s %9s %7.1f %%\n", ($2 in name) ? name[$2] : $2, failed, 100 * failed / $3,
		ms($7), ms($8), $11
}
