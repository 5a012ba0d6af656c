#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""report_dynamodb.py FOLDER TICKS_A_SECOND: what dynamodb.sh measured as Markdown.

FOLDER holds dynamodb (round, peer, connections, events, microseconds, CPU ticks, p50 and p99 in us,
connections to the backend) and dynamodb_half (round, peer; events, microseconds, p50 and p99; the
same four of the backend alone). Ratios and differences are medians of the rounds', as in report.py.
"""

import pathlib
import statistics
import sys

from report import GOALS_HEAD, rows

LABELS = {
    "sdk": "Node with AWS's SDK",
    "sdk_tls": "Node with AWS's SDK, TLS",
    "dynamodb": "**genesys-webhookd**",
    "dynamodb_tls": "**genesys-webhookd**, TLS",
    "one": "one worker, immediate backend",
    "one_slow": "one worker, backend that takes 10 ms",
}
SDK_AT = 64
MANY = 1000
SLOW_BACKEND_S = 0.010

LOAD_HEAD = """
| DynamoDB: 1,083 bytes, {connections:,} connections | events/s (lowest to highest) \
| CPU an event | events/s a core | of the SDK's at {sdk_at} | p50 | p99 | to the backend |
| --- | --- | --- | --- | --- | --- | --- | --- |"""
HALF_HEAD = """
| DynamoDB at half load | events/s | p50 | p99 | backend alone: events/s | p50 | p99 |
| --- | --- | --- | --- | --- | --- | --- |"""


def read_load(path, ticks_a_second):
    """{(peer, connections): {measure: [a value a round]}}"""
    table = {}
    for _, peer, connections, *numbers in rows(path):
        events, microseconds, ticks, p50, p99, opened = map(int, numbers)
        cell = table.setdefault((peer, int(connections)), {})
        cpu = ticks * 1e6 / ticks_a_second / events
        for measure, value in [("rate", events * 1e6 / microseconds), ("cpu", cpu),
                               ("core", 1e6 / cpu), ("p50", p50 / 1000), ("p99", p99 / 1000),
                               ("opened", opened)]:
            cell.setdefault(measure, []).append(value)
    return table


def read_half(path):
    """{peer: [(rate, p50, p99, the backend's three) a round]}"""
    table = {}
    for _, peer, *numbers in rows(path):
        values = []
        for events, microseconds, p50, p99 in (map(int, numbers[:4]), map(int, numbers[4:])):
            values += [events * 1e6 / microseconds, p50 / 1000, p99 / 1000]
        table.setdefault(peer, []).append(values)
    return table


def against_sdk(table, peer, connections):
    sdk = table["sdk_tls" if peer.endswith("_tls") else "sdk", SDK_AT]
    return statistics.median(
        a / b for a, b in zip(table[peer, connections]["core"], sdk["core"]))


def load_row(table, peer, connections):
    cell = table[peer, connections]
    middle = {measure: statistics.median(values) for measure, values in cell.items()}
    rates = f"{middle['rate']:,.0f} ({min(cell['rate']):,.0f} to {max(cell['rate']):,.0f})"
    return (f"| {LABELS[peer]} | {rates} | {middle['cpu']:.1f} us | {middle['core']:,.0f} "
            f"| {against_sdk(table, peer, connections):.1f} | {middle['p50']:.1f} ms "
            f"| {middle['p99']:.1f} ms | {max(cell['opened'])} |")


def print_load(table):
    for connections in dict.fromkeys(connections for _, connections in table):
        print(LOAD_HEAD.format(connections=connections, sdk_at=SDK_AT))
        for peer, at in table:
            if at == connections:
                print(load_row(table, peer, connections))


def print_half(table):
    print(HALF_HEAD)
    for peer, values in table.items():
        rate, p50, p99, *alone = map(statistics.median, zip(*values))
        print(f"| {LABELS[peer]} | {rate:,.0f} | {p50:.1f} ms | {p99:.1f} ms "
              f"| {alone[0]:,.0f} | {alone[1]:.1f} ms | {alone[2]:.1f} ms |")


def print_goal(text, value, sign, bound, form):
    met = value >= bound if sign == ">=" else value <= bound
    print(f"| {text}: {sign} {form.format(bound)} | {form.format(value)} "
          f"| {'met' if met else '**missed**'} |")


def print_goals(table, half):
    print(GOALS_HEAD)
    for peer, way, cpu in [("dynamodb", "HTTP", 80), ("dynamodb_tls", "TLS", 110)]:
        print_goal(f"{way}: events/s a core, of the SDK's", against_sdk(table, peer, SDK_AT), ">=",
                   10, "{:.1f}")
        print_goal(f"{way}: CPU an event", statistics.median(table[peer, SDK_AT]["cpu"]), "<=", cpu,
                   "{:.0f} us")
        print_goal(f"{way}: p99 at half load, less the backend's",
                   statistics.median(value[2] - value[5] for value in half[peer]), "<=", 2,
                   "{:.1f} ms")
    kept = statistics.median(
        slow / min(immediate, MANY / SLOW_BACKEND_S)
        for slow, immediate in zip(table["one_slow", MANY]["rate"], table["one", MANY]["rate"]))
    print_goal("one worker, 1,000 connections: rate before 10 ms, of that before an immediate one",
               kept, ">=", 0.9, "{:.2f}")


def main(folder, ticks_a_second):
    folder = pathlib.Path(folder)
    table = read_load(folder / "dynamodb", int(ticks_a_second))
    half = read_half(folder / "dynamodb_half")
    print_load(table)
    print_half(half)
    print_goals(table, half)


main(*sys.argv[1:])
