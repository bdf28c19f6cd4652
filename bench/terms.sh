# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The terms of bench/failures, which both its sides know; sourced, never run.
# shellcheck disable=SC2034 # for those who source this

cases=(refusing blackholed slow added)
ways=(random nth ipvs-wlc leastconn leastconn-options)
options="--slow-start 10 --redispatch"	# besides what TCP has by default
rate=${LC_RATE:-200}	# new connections in a second
limit=5000		# milliseconds that a client waits
service=100		# milliseconds that a worker needs for a connection
workers=16		# of a backend
slower=10		# times: who is slow, or cold
cold=100		# connections until one that is new is warm

# When one is added, in seconds.
added_after() { # SECONDS of load
	echo $(($1 / 4))
}
