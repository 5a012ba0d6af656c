#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints what each fault between the daemon and DynamoDB comes to, a row each: what the sender is
answered and when, and what the table then holds. Usage: GW_BUILD=BUILD fault_table.py

The tests say what must be; this says what is, for people.
"""

import contextlib
import dataclasses
import pathlib
import tempfile
import time

import aws_faults
from aws_backend import Backend
from aws_proxy import ALWAYS
from convergence import fold
from dynamodb import Dynalite
from harness import Daemon
from wire import event

BODY = event("c-1")


def played(fault, times):
    """A condition, a context of the table: the fault, so many times."""
    @contextlib.contextmanager
    def condition(table):
        table.proxy.play(fault, times=times)
        yield
        table.proxy.clear()

    return condition


@contextlib.contextmanager
def clock_off(table):
    table.proxy.skew_s = 3600
    yield


@contextlib.contextmanager
def keys_expired(table):
    """And their source, the environment, has no others."""
    right = table.proxy.keys
    table.proxy.keys = {name: dataclasses.replace(key, expires_at=0) for name, key in right.items()}
    yield
    table.proxy.keys = right


LASTING = {"503 with HTML": aws_faults.UNDONE["503 with HTML"],
           "500 with HTML": aws_faults.UNDONE["500 with HTML"],
           "ThrottlingException": aws_faults.UNDONE["ThrottlingException"],
           "reset before forwarding": aws_faults.reset_before,
           "reset after forwarding": aws_faults.reset_after,
           "hangs before forwarding": aws_faults.hang_before,
           "hangs after forwarding": aws_faults.hang_after, **aws_faults.FINAL}
CONDITIONS = {
    **{f"once: {name}": played(fault, 1)
       for name, fault in {**aws_faults.PASSING, **aws_faults.CURABLE}.items()},
    "our clock is an hour off": clock_off,
    **{f"lasts: {name}": played(fault, ALWAYS) for name, fault in LASTING.items()},
    "lasts: connections are refused": lambda table: table.proxy.refusing(),
    "lasts: the credentials have expired": keys_expired,
}


def holds(table):
    records = table.records()
    return "the event" if records == fold([BODY]) else "something else" if records else "nothing"


def post(daemon):
    began = time.monotonic()
    return daemon.post(BODY).status, time.monotonic() - began


def row(dynalite, folder, condition):
    with Backend(dynalite) as table:
        daemon = Daemon(folder, table.settings, table.environment).start()
        try:
            with condition(table):
                status, seconds = post(daemon)
                held = holds(table)
            again, _ = (status, 0) if status == 200 else post(daemon)
            return [status, f"{seconds:.2f} s", table.proxy.count(), held,
                    "" if status == 200 else f"{again}: {holds(table)}"]
        finally:
            daemon.end()


def main():
    print("| fault | answer | after | requests | the table holds | sent again when it is over |\n"
          "| --- | --- | --- | --- | --- | --- |")
    with Dynalite() as dynalite, tempfile.TemporaryDirectory() as top:
        for number, (name, condition) in enumerate(CONDITIONS.items()):
            folder = pathlib.Path(top, str(number))
            folder.mkdir()
            print("|", " | ".join(map(str, [name, *row(dynalite, folder, condition)])), "|",
                  flush=True)


if __name__ == "__main__":
    main()
