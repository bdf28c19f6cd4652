# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What is to be known of a plan, here and in the guest; sourced, never run.

most_live() { # PLAN
	awk '/^[^#]/ { n = split($4, live, ","); while (n) { if (live[n] > most) most = live[n]; n-- } }
		END { print most + 0 }' "$1"
}
