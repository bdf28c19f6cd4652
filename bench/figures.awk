# SPDX-License-Identifier: GPL-2.0-only
# What the reports share.

# Sets least, median and most of what[key, 1 ... count].
function spread(what, key, count,   i, j, v, sorted) {
	for (i = 1; i <= count; i++) {
		v = what[key, i]
		for (j = i - 1; j && sorted[j] > v; j--)
			sorted[j + 1] = sorted[j]
		sorted[j + 1] = v
	}
	least = sorted[1]
	most = sorted[count]
	median = (sorted[int((count + 1) / 2)] + sorted[int(count / 2) + 1]) / 2
}

# Per cent of a processor that does 3000 million instructions a second, for
# 100,000 live connections: so many of them take that work in a second.
function share(work, live) {
	return work / live * 100000 / 3e9 * 100
}
