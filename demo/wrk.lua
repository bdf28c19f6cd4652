-- SPDX-License-Identifier: GPL-2.0-only
-- What wrk measured, for a program to read: who answered how often, and every latency with its count, so that rounds
-- can be added up. The backends' page ends in their name.

local threads = {}

function setup(thread)
	table.insert(threads, thread)
end

function init(args)
	connections = tonumber(args[1])
	served = ""
	count = {}
end

function response(status, headers, body)
	local name = body:match("(%w+)\n$")
	if status == 200 and name then
		count[name] = (count[name] or 0) + 1
		-- as text, because that is what another thread can get
		served = ""
		for web, n in pairs(count) do
			served = served .. web .. " " .. n .. "\n"
		end
	end
end

-- wrk adds the requests that it thinks a slow answer kept it from sending ("coordinated omission"). We want those that
-- were sent, so this is wrk's stats_correct() backwards, from the longest latency down.
local function undo_correction(values, count, summary)
	local expected = math.floor(summary.duration / math.floor(summary.requests / connections))
	for i = #values, 1, -1 do
		local value = values[i]
		if value < 2 * expected then
			break
		end
		for earlier = value - expected, expected + 1, -expected do
			count[earlier] = count[earlier] - count[value]
		end
	end
end

local function total(values, count)
	local sum = 0
	for _, value in ipairs(values) do
		sum = sum + count[value]
	end
	return sum
end

function done(summary, latency, requests)
	local e = summary.errors
	local values, count = {}, {}
	connections = threads[1]:get("connections")
	for i = 1, #latency do
		local value, n = latency(i)
		values[i] = tonumber(value)
		count[values[i]] = tonumber(n)
	end
	if total(values, count) > summary.requests then
		undo_correction(values, count, summary)
	end
	if total(values, count) ~= summary.requests - e.timeout then
		print("latencies: " .. total(values, count) .. " of " .. summary.requests .. " requests")
		return
	end
	print("requests", summary.requests)
	print("microseconds", summary.duration)
	print("failed", e.connect + e.read + e.write + e.timeout + e.status)
	for _, value in ipairs(values) do
		if count[value] > 0 then
			print("latency", value, count[value])
		end
	end
	for _, thread in ipairs(threads) do
		for web, n in thread:get("served"):gmatch("(%w+) (%d+)") do
			print("served", web, n)
		end
	end
end
