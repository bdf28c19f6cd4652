#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""after.py OTHER NETNS ADDR TIMES: on one processor, a datagram in the namespace NETNS to
ADDR, port 80, each from another port; first by itself, then each after one from the same
port in the namespace OTHER. Prints the two medians of what the first one takes, in
microseconds."""

import ctypes
import os
import socket
import statistics
import sys
import time

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def enter(netns):
    fd = os.open(f"/run/netns/{netns}", os.O_RDONLY)
    if libc.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), f"setns {netns}")
    os.close(fd)


def send(sock, to):
    try:
        sock.sendto(b"x", to)
    except OSError:
        pass    # a filter drops it


def main():
    other_netns, netns, addr, times = sys.argv[1:]
    to = (addr, 80)
    os.sched_setaffinity(0, {0})
    enter(other_netns)
    other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    other.bind(("", 5555))
    enter(netns)
    for before in (None, other):
        took = []
        for _ in range(int(times)):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            if before:
                send(before, to)
            begun = time.perf_counter_ns()
            send(sock, to)
            took.append((time.perf_counter_ns() - begun) // 1000)
            sock.close()
        print(int(statistics.median(took)), end=" ")
    print()


main()
