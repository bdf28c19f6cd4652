# SPDX-License-Identifier: GPL-2.0-only
# verdict.awk BOUNDS TABLE: KTAP, a result for each bound, and one for whether DNAT compared with itself is the same. What
# was not measured has failed.

FNR == 1 { file++ }
file == 1 && !/^(#|$)/ { bounds[++n] = $0 }
file == 2 && $2 == "leastconn" { cost[$1, $3] = $5; base[$1, $3] = $6; live[$1, $3] = $4 }
# Batches in the same place of the order are compared, so all pairs count.
file == 2 && $2 == "dnat" { aa++; off = $8 > 1 ? $8 - 1 : 1 - $8; if (off > worst) worst = off }

function sum(what, values, backends,   i, k, name, total) {
	k = split(values, name, "+")
	for (i = 1; i <= k; i++) {
		if (!((name[i], backends) in what))
			missing = missing " " name[i]
		total += what[name[i], backends]
	}
	return total
}

function ratio(values, backends,   b) {
	b = sum(base, values, backends)
	return b > 0 ? sum(cost, values, backends) / b : 0
}

function result(name, value, format, most) {
	number++
	if (missing != "") {
		printf "not ok %d %s # not measured:%s\n", number, name, missing
		failed++
		return
	}
	good = value <= most
	printf "%sok %d %s\n", good ? "" : "not ", number, name
	printf "# " format ", at most " format "\n", value, most
	failed += !good
}

function judge(line,   f, k, value) {
	k = split(line, f)
	missing = ""
	if (f[1] == "ratio")
		result(f[2] ", " f[3] " backends", ratio(f[2], f[3]), "%.3f of one DNAT rule", f[4])
	else if (f[1] == "growth")
		result(f[2] ", from " f[3] " to " f[4] " backends", sum(cost, f[2], f[4]) - sum(cost, f[2], f[3]),
			"%d instructions more", f[5])
	else if (f[1] == "bytes")
		result(f[2], sum(cost, f[2], f[3]), "%.1f bytes", f[4])
	else if (f[1] == "share") {
		value = sum(cost, f[2], f[3]) - sum(base, f[2], f[3])
		result(f[2], missing ? 0 : share(value, live[f[2], f[3]]), "%.2f %% of a processor", f[4])
	} else if (f[1] == "longer")
		result(f[2], ratio(f[2], f[3]), "%.2f times DNAT's", f[4])
	else {
		missing = " no bound is called " f[1]
		result(line, 0, "%d", 0)
	}
}

END {
	print "KTAP version 1"
	print "1.." n + 1
	missing = aa ? "" : " DNAT beside DNAT"
	result("DNAT beside DNAT", worst, "%.4f off", 0.01)
	for (i = 1; i <= n; i++)
		judge(bounds[i])
	printf "%d passed, %d failed\n", number - failed, failed
	exit failed > 0
}
