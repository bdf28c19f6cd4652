-- SPDX-License-Identifier: GPL-2.0-only
-- What wrk measured, for a program to read: every latency with its count, so that rounds can be added up.

function done(summary, latency, requests)
	local e = summary.errors
	print("requests", summary.requests)
	print("microseconds", summary.duration)
	print("failed", e.connect + e.read + e.write + e.timeout + e.status)
	for i = 1, #latency do
		print("latency", latency(i))
	end
end
