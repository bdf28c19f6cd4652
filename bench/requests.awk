# SPDX-License-Identifier: GPL-2.0-only
# requests.awk ARRIVALS LOG: a row of bench/failures from what one way of one case left (see outage). Variables: kase, way;
# from: milliseconds from which on requests count.

BEGIN { FS = OFS = "\t" }

# The last of them is the bad one.
FILENAME == ARGV[1] {
	sent += $2
	bad = $2
	next
}

{ all++ }
$1 < from { next }

{
	n++
	late[$2]++
	if ($4 == "answered") {
		answered++
		latency[$3]++
	} else if ($4 == "timeout") {
		timeouts++
	} else if ($4 == "ECONNREFUSED") {
		refused++
	} else {
		other++
	}
}

# The least value that this share of count has, or less; values are whole numbers.
function quantile(values, share, count,   value, seen) {
	for (value = 0; value < 100000; value++) {
		if (value in values)
			seen += values[value]
		if (seen >= share * count)
			return value
	}
	return "failed"
}

END {
	if (!n || sent < all) {
		printf "bench: %s, %s: %d requests, but SYNs of %d\n", kase, way, all, sent >"/dev/stderr"
		exit 1
	}
	print kase, way, n, refused + 0, timeouts + 0, other + 0, quantile(latency, 0.5, n), quantile(latency, 0.99, n),
		quantile(latency, 0.5, answered), quantile(latency, 0.99, answered), sprintf("%.2f", 100 * bad / n),
		quantile(late, 0.99, n)
}
