# SPDX-License-Identifier: GPL-2.0-only
# Rows of bench/failures into KTAP: what must hold. What was not measured has failed.

BEGIN { FS = "\t" }

FNR == 1 { next }

{
	rows++
	requests[$1, $2] = $3
	failed[$1, $2] = $4 + $5 + $6
	bad[$1, $2] = $11
	if ($12 > most)
		most = $12
}

function result(good, name, said) {
	printf "%sok %d %s\n# %s\n", good ? "" : "not ", ++number, name, said
	failures += !good
}

function options_help(kase,   lost, ours, random, measured) {
	measured = (kase, "leastconn-options") in bad && (kase, "random") in bad
	lost = failed[kase, "leastconn-options"]
	ours = bad[kase, "leastconn-options"]
	random = bad[kase, "random"]
	result(measured && !lost && ours < random, kase ": with its options LEASTCONN fails nobody, and avoids the bad one",
		measured ? lost " requests failed, " ours " % went there, at random " random " %" : "not measured")
}

function default_helps(kase,   lost, of) {
	lost = failed[kase, "leastconn"]
	of = requests[kase, "leastconn"]
	result(of && 100 * lost < of, kase ": without options LEASTCONN fails less than 1 %",
		of ? lost " of " of " requests failed" : "not measured")
}

END {
	print "KTAP version 1"
	print "1..5"
	result(rows && most <= 100, "requests began when they were planned", "99 % of each way's within " most + 0 " ms")
	options_help("refusing")
	options_help("blackholed")
	default_helps("refusing")
	default_helps("blackholed")
	printf "%d passed, %d failed\n", number - failures, failures
	exit failures > 0
}
