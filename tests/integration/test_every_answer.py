# SPDX-License-Identifier: Apache-2.0
"""docs/answers.md says what is answered to what: each of its rows is tried here."""

import contextlib
import re
import socket
from signal import SIGTERM

import pytest

import wire
from harness import SOURCE
from wire import chunked, event, get, head, post, sign

BODY = event("c-1")
SIGNED = ("X-Genesys-Signature", sign(BODY))
LENGTH = ("Content-Length", len(BODY))
CHUNKED = ("Transfer-Encoding", "chunked")
SMALL = {"server.max_body": "1KiB"}

ROW = re.compile(r"\| (.*) \| (none|\d{3})( html)? \| (kept|closed|) \| (?:`(\w+)`)? ?"
                 r"\| (no need|no|no event|yes|yes, in vain) \|")
# What another test tries, or none can.
ELSEWHERE = {
    "refused_no_memory": "test_no_memory.py: each allocation fails in turn",
    "refused_shutdown": "none: a body would have to end in the milliseconds between two of its steps",
    "not listening": "test_listen.py, test_drain.py: the connection is refused",
}


class Row:
    def __init__(self, cause, answer, html, connection, counter, again):
        self.cause, self.answer, self.html = cause, answer, bool(html)
        self.closed, self.counter, self.again = connection == "closed", counter, again

    @property
    def name(self):
        """By which a case is found: what counts it, and where that is not enough, the answer."""
        if self.counter == "refused_by_library":
            return f"{self.counter} {self.answer}"
        return self.counter or self.cause.split(":")[0]


def rows():
    lines = (SOURCE / "docs" / "answers.md").read_text(encoding="utf-8").split("\n")
    table = [line for line in lines if line.startswith("| ")][2:]
    found = [ROW.fullmatch(line) for line in table]
    assert all(found), [line for line, row in zip(table, found) if not row]
    return [Row(*row.groups()) for row in found]


def raw(*headers, line="POST /webhook HTTP/1.1", body=BODY):
    return "\r\n".join([line, *headers, "", ""]).encode("latin-1") + body


# --- cases: requests on a daemon with the settings given

SIMPLE = {
    "stored": ({}, post(BODY)),
    "skipped": ({}, post(b"{}")),
    "failures_acknowledged": ({"storage.on_update_failure": "acknowledge"},
                              post(event("c-1", "conversation:updated", timestamp=None))),
    "probes_ok": ({}, get("/healthz")),
    "refused_header_name": ({}, head("POST", wire.PATH, [LENGTH, SIGNED, ("X-Other ", 1)]) + BODY),
    "refused_header_value": ({}, head("POST", wire.PATH, [LENGTH, SIGNED, ("X", "\x01")]) + BODY),
    "refused_two_lengths": ({}, head("POST", wire.PATH, [LENGTH, LENGTH, SIGNED]) + BODY),
    "refused_length_and_encoding": ({}, head("POST", wire.PATH, [LENGTH, CHUNKED, SIGNED])),
    "refused_transfer_encoding": ({}, head("POST", wire.PATH, [("Transfer-Encoding", "gzip")])),
    "refused_http_1_0_encoding": ({}, head("POST", wire.PATH, [CHUNKED], "HTTP/1.0")),
    "refused_host": ({}, head("POST", wire.PATH, [LENGTH, SIGNED], host=None) + BODY),
    "refused_invalid_json": ({}, post(b"")),
    "refused_by_library 400": ({}, raw("Host: a", "no colon")),
    "refused_no_signature": ({}, post(BODY, signature=False)),
    "refused_two_signatures": ({}, post(BODY, headers=[SIGNED])),
    "refused_malformed_signature": ({}, post(BODY, signature="00")),
    "refused_wrong_signature": ({}, post(BODY, signature="0" * 64)),
    "refused_not_allowed": ({"server.allow": "192.0.2.0/24"}, post(BODY)),
    "refused_unknown_path": ({}, post(BODY, target="/none")),
    "refused_webhook_method": ({}, head("PUT", wire.PATH, [LENGTH]) + BODY),
    "refused_probe_method": ({}, post(BODY, target="/readyz")),
    "refused_request_timeout": ({"server.request_timeout": "1s"}, post(BODY)[:-1]),
    "refused_announced_length": (SMALL, post(b"x" * 1025)),
    "refused_body_length": (SMALL, chunked(b"x" * 1025, (600,))),
    "refused_endless_body": (SMALL, chunked(b"x" * 4000, (600,))[:-5]),
    "refused_by_library 413": ({}, raw("Host: a", "Content-Length: 99999999999999999999")),
    "refused_by_library 414": ({}, raw("Host: a", line=f"GET /{'x' * 20000} HTTP/1.1", body=b"")),
    "refused_header_size": ({}, post(BODY, headers=[("X-Other", "x" * 15000)])),
    "refused_by_library 431": ({}, raw("Host: a", "X-Other: " + "x" * 17000, body=b"")),
    "refused_unstorable_event": ({}, post(b"null")),
    "refused_by_library 505": ({}, raw("Host: a", line="POST /webhook HTTP/2.0")),
    "no HTTP at all": ({}, b"GARBAGE\r\n\r\n"),
    "no request within `idle_timeout`": ({"server.idle_timeout": "1s"}, b""),
}


# --- cases that need more: each a context in which the request is sent

@contextlib.contextmanager
def store_failure(spawn):
    daemon = spawn(faults=True).start()
    daemon.faults.set("writev", "ENOSPC 1")
    yield daemon, post(BODY)


@contextlib.contextmanager
def ambiguous_outcome(spawn):
    daemon = spawn(faults=True).start()
    daemon.faults.set("fdatasync", "EIO 1")
    yield daemon, post(BODY)


@contextlib.contextmanager
def one_connection(spawn, limit):
    """The first one holds all that there may be."""
    daemon = spawn({limit: 1}).start()
    holder = daemon.hold()
    yield daemon, post(BODY)
    holder.close()


@contextlib.contextmanager
def max_buffered(spawn):
    daemon = spawn({"server.max_body": "1MiB", "server.max_buffered": "1MiB"}).start()
    with daemon.client() as holder:
        holder.begin(event("first", padding="x" * 900_000))
        holder.send(b"x" * 800_000)
        daemon.wait_read(holder)
        yield daemon, chunked(event("second", padding="x" * 900_000), (500_000,))


@contextlib.contextmanager
def max_in_flight(spawn):
    daemon = spawn({"server.max_in_flight": 1}, faults=True).start()
    daemon.faults.set("fdatasync", "hang")
    with daemon.client() as holder:
        holder.send(post(event("first")))
        daemon.wait_read(holder)
        yield daemon, post(BODY)
        daemon.faults.clear("fdatasync")
        assert holder.response().status == 200


@contextlib.contextmanager
def full_queue(spawn):
    """A line repeats what becomes an attribute, so one such event is more than half of what may
    wait; the first one's client has its answer after 7 s, and its line waits on."""
    daemon = spawn({"server.max_body": "1MiB", "server.max_buffered": "1MiB"}, faults=True).start()
    daemon.faults.set("fdatasync", "hang")
    assert daemon.post(event("first", type="x" * 1_000_000)).status == 500
    yield daemon, post(event("second", type="x" * 1_000_000))
    daemon.faults.clear("fdatasync")


@contextlib.contextmanager
def not_ready(spawn):
    daemon = spawn({"server.drain_delay": "60s"}).start()
    daemon.signal(SIGTERM)
    daemon.wait_log("drain_delay")
    yield daemon, get("/readyz")


SPECIAL = {
    "refused_store_failure": store_failure,
    "refused_ambiguous_outcome": ambiguous_outcome,
    "refused_max_connections": lambda spawn: one_connection(spawn, "server.max_connections"),
    "refused_max_connections_per_ip":
        lambda spawn: one_connection(spawn, "server.max_connections_per_ip"),
    "refused_max_buffered": max_buffered,
    "refused_max_in_flight": max_in_flight,
    "refused_full_queue": full_queue,
    "probes_not_ready": not_ready,
}


@contextlib.contextmanager
def prepared(name, spawn):
    """A daemon, and what is to be sent to it."""
    if name in SPECIAL:
        with SPECIAL[name](spawn) as made:
            yield made
    else:
        settings, request = SIMPLE[name]
        yield spawn(settings).start(), request


def check_response(row, client):
    # The library's have no type, and it sends the header of some twice.
    response = client.response(kind=None if row.html else "application/json")
    assert response.status == int(row.answer)
    assert response.closes == row.closed
    assert (response.header("Retry-After") is not None) == (row.answer == "503")
    if row.html:
        assert b"<html>" in response.body
        client.rest()
    elif row.closed:
        client.expect_closed()
    else:
        assert client.get("/healthz").status == 200


def try_row(row, spawn):
    with prepared(row.name, spawn) as (daemon, request), daemon.client() as client:
        with contextlib.suppress(ConnectionError):
            client.send(request)
        if row.answer == "none":
            assert client.rest() == b""
        else:
            check_response(row, client)
    daemon.signal(SIGTERM)
    return daemon.stop()


@pytest.mark.parametrize("row", [row for row in rows() if row.name not in ELSEWHERE
                                 and row.name != "refused_store_rejection"],
                         ids=lambda row: row.name)
def test_a_row_of_the_table_holds(spawn, row):
    counters = try_row(row, spawn)
    if row.counter:
        assert counters[row.counter] >= 1, dict(counters)


def test_what_a_table_will_never_take_is_500(spawn, table):
    [row] = [row for row in rows() if row.name == "refused_store_rejection"]
    daemon = spawn(table.settings, environment=table.environment).start()
    with daemon.client() as client:
        client.send(post(event("c-1", note="x" * 400 * 1024)))
        check_response(row, client)
    assert daemon.stop()[row.counter] == 1


def test_each_row_has_one_case_and_each_case_a_row():
    names = [row.name for row in rows()]
    assert len(set(names)) == len(names)
    assert set(names) == {*SIMPLE, *SPECIAL, *ELSEWHERE, "refused_store_rejection"}


def test_genesys_sends_again_after_a_5xx_and_no_answer_alone():
    for row in rows():
        right = {"2": {"no need"}, "4": {"no"}, "5": {"yes", "yes, in vain", "no event"},
                 "n": {"yes", "yes, in vain", "no event"}}[row.answer[0]]
        assert row.again in right, row.cause


def test_a_closed_socket_is_no_answer(daemon):
    """What a client sees of a daemon that does not listen."""
    daemon.stop()
    with pytest.raises(ConnectionRefusedError), socket.socket() as probe:
        probe.connect(daemon.address)
