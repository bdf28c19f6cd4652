#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Sends a TCP segment that no socket of this host would send.

	segment.py FROM PORT TO PORT FLAGS [options]

FLAGS are letters of SAFPR; with "options" an IPv6 packet has destination options.
"""
import socket
import struct
import sys

BITS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16}


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def main(source, sport, to, dport, flags, *options):
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    bits = sum(BITS[flag] for flag in flags)
    tcp = struct.pack("!HHIIBBHHH", int(sport), int(dport), 1000, 1, 5 << 4, bits, 65535, 0, 0)
    ends = socket.inet_pton(family, source) + socket.inet_pton(family, to)
    pseudo = ends + struct.pack("!II", len(tcp), socket.IPPROTO_TCP)
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    if family == socket.AF_INET6:
        extension = struct.pack("!BBBBI", socket.IPPROTO_TCP, 0, 1, 4, 0) if options else b""
        following = socket.IPPROTO_DSTOPTS if options else socket.IPPROTO_TCP
        header = struct.pack("!IHBB", 6 << 28, len(extension + tcp), following, 64) + ends
        packet = header + extension + tcp
    else:
        packet = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0) + ends + tcp
    raw = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
    raw.sendto(packet, (to, 0))


main(*sys.argv[1:])
