#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""idle.py PORT COUNT BODY_FILE SIGNATURE PID...

Opens COUNT keep-alive connections, sends the event once on each, and prints what the processes
hold while all are idle: "RSS PSS" in KiB, before the first connection and with the last.
"""

import pathlib
import socket
import sys

BATCH = 100  # requests under way at once


def request(body, signature):
    head = ("POST /webhook HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nX-Genesys-Signature: {signature}\r\n\r\n")
    return head.encode() + body


def read_reply(connection):
    reply = connection.recv(4096)
    while reply and not reply.endswith(b"}"):
        reply += connection.recv(4096)
    if not reply.startswith(b"HTTP/1.1 200 "):
        raise SystemExit(f"idle.py: expected a 200, got {reply[:80]!r}")


def use_once(connections, message):
    for connection in connections:
        connection.sendall(message)
    for connection in connections:
        read_reply(connection)


def memory(pids):
    total = {"Rss": 0, "Pss": 0}
    for pid in pids:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
            name, value = line.split(":")
            if name in total:
                total[name] += int(value.split()[0])
    return total["Rss"], total["Pss"]


def main(port, count, body_file, signature, *pids):
    message = request(pathlib.Path(body_file).read_bytes(), signature)
    before = memory(pids)
    held = []
    while len(held) < int(count):
        fresh = [socket.create_connection(("127.0.0.1", int(port)), 10)
                 for _ in range(min(BATCH, int(count) - len(held)))]
        use_once(fresh, message)
        held += fresh
    print(*before, *memory(pids))


main(*sys.argv[1:])
