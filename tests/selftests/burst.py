#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""burst.py ADDR PORT RATE SECONDS FROM: begins RATE connections each second, each from an
address of its own, FROM and those that follow. Prints how many it has begun, and how many
of them are connected half a second after the last one."""
import errno
import ipaddress
import resource
import socket
import sys
import time


def begin(server, source):
    sock = socket.socket()
    sock.setblocking(False)
    sock.bind((str(source), 0))
    if sock.connect_ex(server) not in (0, errno.EINPROGRESS):
        sys.exit(f'burst.py: no connection from {source} can begin')
    return sock


def is_connected(sock):
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


def main():
    addr, port, rate, seconds, first = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_NOFILE, (60000, 60000))
    start = time.monotonic()
    socks = []
    while len(socks) < float(rate) * float(seconds):
        while len(socks) > (time.monotonic() - start) * float(rate):
            time.sleep(0.001)
        socks.append(begin((addr, int(port)), ipaddress.ip_address(first) + len(socks)))
    time.sleep(0.5)
    print(len(socks), sum(map(is_connected, socks)))


main()
