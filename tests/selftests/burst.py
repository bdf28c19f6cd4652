#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""burst.py ADDR PORT RATE SECONDS FROM [CLIENTS [HOLD]]: begins RATE connections each second,
from CLIENTS addresses in turn, FROM and those that follow (default: each from an address of
its own). Each is reset HOLD seconds after it was begun (default: it stays). Prints how many it
has begun, and how many of them were connected until then, or half a second after the last one.
"""
import errno
import ipaddress
import resource
import socket
import struct
import sys
import time

RESET = struct.pack('ii', 1, 0)


def begin(server, source):
    sock = socket.socket()
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
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


def end(sock):
    connected = is_connected(sock)
    sock.close()
    return connected


def main():
    addr, port, rate, seconds, first, *rest = sys.argv[1:]
    clients = int(rest[0]) if rest else 1 << 24
    hold = float(rest[1]) if rest[1:] else float('inf')
    resource.setrlimit(resource.RLIMIT_NOFILE, (60000, 60000))
    start = time.monotonic()
    begun = connected = 0
    socks = []
    while begun < float(rate) * float(seconds):
        while begun > (time.monotonic() - start) * float(rate):
            time.sleep(0.001)
        source = ipaddress.ip_address(first) + begun % clients
        socks.append((time.monotonic(), begin((addr, int(port)), source)))
        begun += 1
        while socks and time.monotonic() - socks[0][0] > hold:
            connected += end(socks.pop(0)[1])
    time.sleep(0.5)
    print(begun, connected + sum(is_connected(sock) for _, sock in socks))


main()
