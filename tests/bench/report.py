#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""report.py FOLDER TICKS_A_SECOND: run.sh's measurements as Markdown.

FOLDER holds what each part left, one measurement a line: load (round, peer, connections, body,
events, microseconds, CPU ticks, p50 and p99 in us), memory (peer, connections, RSS and PSS in KiB
before and with them) and startup (what, ms). A ratio is the median of the rounds' ratios: the two
it compares ran seconds apart, so that what slows the machine for a minute slows both.
"""

import pathlib
import statistics
import sys

LABELS = {
    "nginx": "nginx, constant answer",
    "bare": "bare libmicrohttpd, constant answer",
    "node": "the same logic in Node",
    "webhookd": "**genesys-webhookd**",
    "webhookd_nosync": "genesys-webhookd, `sync=never`",
}
BODIES = {"event-1083": "1,083 bytes", "event-116k": "116 KB"}

LOAD_HEAD = """
| {body}, {connections:,} connections | events/s (lowest to highest) | of nginx | of Node \
| CPU an event | of bare | p50 | p99 |
| --- | --- | --- | --- | --- | --- | --- | --- |"""
MEMORY_HEAD = """
| memory | RSS | PSS | with {count:,} idle connections: RSS | PSS | a connection |
| --- | --- | --- | --- | --- | --- |"""
STARTUP_HEAD = """
| events file | start to /readyz, median |
| --- | --- |"""
GOALS_HEAD = """
| goal | is | |
| --- | --- | --- |"""

# (text, measure, (peer, load), over (peer, load), at least or at most, bound)
AT_64, AT_256, AT_1024, LARGE = ((64, "event-1083"), (256, "event-1083"), (1024, "event-1083"),
                                 (16, "event-116k"))
GOALS = [
    ("nginx's rate at 256", "rate", ("webhookd", AT_256), ("nginx", AT_256), ">=", 0.45),
    ("bare libmicrohttpd's CPU at 64", "cpu", ("webhookd", AT_64), ("bare", AT_64), "<=", 2.5),
    ("bare libmicrohttpd's CPU at 256", "cpu", ("webhookd", AT_256), ("bare", AT_256), "<=", 2.5),
    ("Node's rate at 64", "rate", ("webhookd", AT_64), ("node", AT_64), ">=", 3.5),
    ("Node's rate at 116 KB", "rate", ("webhookd", LARGE), ("node", LARGE), ">=", 3.5),
    ("at 1,024, its own rate at 256", "rate", ("webhookd", AT_1024), ("webhookd", AT_256),
     ">=", 0.8),
]


def rows(path):
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def read_load(path, ticks_a_second):
    """{(peer, load): {measure: [a value a round]}}, in the order in which they ran."""
    table = {}
    for _, peer, connections, body, *numbers in rows(path):
        events, microseconds, ticks, p50, p99 = map(int, numbers)
        cell = table.setdefault((peer, (int(connections), body)),
                                {"rate": [], "cpu": [], "p50": [], "p99": []})
        cell["rate"].append(events * 1e6 / microseconds)
        cell["cpu"].append(ticks * 1e6 / ticks_a_second / events)
        cell["p50"].append(p50 / 1000)
        cell["p99"].append(p99 / 1000)
    return table


def ratio(table, measure, one, other):
    """The median of the rounds' ratios; None where one of the two did not run."""
    if one not in table or other not in table:
        return None
    return statistics.median(
        a / b for a, b in zip(table[one][measure], table[other][measure]))


def shown(value):
    return "" if value is None else f"{value:.2f}"


def load_row(table, peer, load):
    cell = table[peer, load]
    middle = {measure: statistics.median(values) for measure, values in cell.items()}
    ratios = [shown(ratio(table, measure, (peer, load), (other, load)))
              for measure, other in [("rate", "nginx"), ("rate", "node"), ("cpu", "bare")]]
    rates = f"{middle['rate']:,.0f} ({min(cell['rate']):,.0f} to {max(cell['rate']):,.0f})"
    return (f"| {LABELS[peer]} | {rates} | {ratios[0]} | {ratios[1]} | {middle['cpu']:.1f} us "
            f"| {ratios[2]} | {middle['p50']:.1f} ms | {middle['p99']:.1f} ms |")


def print_load(table):
    for load in dict.fromkeys(load for _, load in table):
        connections, body = load
        print(LOAD_HEAD.format(body=BODIES.get(body, body), connections=connections))
        for peer, at in table:
            if at == load:
                print(load_row(table, peer, load))


def print_goals(table):
    reached = [(goal, ratio(table, *goal[1:4])) for goal in GOALS]
    if all(value is None for _, value in reached):
        return
    print(GOALS_HEAD)
    for (text, _, _, _, sign, bound), value in reached:
        if value is not None:
            met = value >= bound if sign == ">=" else value <= bound
            print(f"| {text}: {sign} {bound} | {value:.2f} | {'met' if met else '**missed**'} |")


def print_memory(measurements):
    if measurements:
        print(MEMORY_HEAD.format(count=int(measurements[0][1])))
    for peer, *numbers in measurements:
        count, rss, pss, rss_idle, pss_idle = map(int, numbers)
        mib = " | ".join(f"{kib / 1024:.1f} MiB" for kib in (rss, pss, rss_idle, pss_idle))
        print(f"| {LABELS[peer]} | {mib} | {(pss_idle - pss) / count:.1f} KiB |")


def print_startup(measurements):
    if measurements:
        print(STARTUP_HEAD)
    for what, milliseconds in measurements:
        print(f"| {what.replace('-', ' ')} | {milliseconds} ms |")


def main(folder, ticks_a_second):
    folder = pathlib.Path(folder)
    table = read_load(folder / "load", int(ticks_a_second))
    print_load(table)
    print_goals(table)
    print_memory(rows(folder / "memory"))
    print_startup(rows(folder / "startup"))


if __name__ == "__main__":
    main(*sys.argv[1:])
