# SPDX-License-Identifier: Apache-2.0
"""A client can be slow, silent or gone; none of it holds anything for ever."""

import signal
import time

import pytest

import wire
from harness import eventually
from load import Load, check_stored
from wire import chunked, event, get, head, post, trickle

SHORT = {"server.request_timeout": "1s", "server.idle_timeout": "20s"}
BODY = event("c-1", padding="x" * 5000)
REQUEST = post(BODY)
HEADERS = REQUEST[:-len(BODY)]


@pytest.fixture
def hasty(spawn):
    return spawn(SHORT).start()


def expect_408(client):
    response = client.response()
    assert response.status == 408 and list(response.json()) == ["error"]
    assert response.closes
    client.expect_closed()


@pytest.mark.parametrize("at_once", [1, len(HEADERS) - 40, len(HEADERS), len(HEADERS) + 100],
                         ids=["from the first byte", "in the headers", "after the headers",
                              "in the body"])
def test_a_trickling_client_is_answered_408(hasty, at_once):
    with hasty.client() as client:
        client.send(REQUEST[:at_once])
        trickle(client, REQUEST[at_once:])
        expect_408(client)
    assert hasty.stop().check(lines=0)["reply_408"] == 1


@pytest.mark.parametrize("at_once", [1, 2, 20, len(HEADERS), len(HEADERS) + 100])
def test_a_client_that_stops_in_a_request_is_answered_408(hasty, at_once):
    with hasty.client() as client:
        client.send(REQUEST[:at_once])
        expect_408(client)
    counters = hasty.stop().check(lines=0)
    assert counters["reply_408"] == counters["refused_request_timeout"] == 1


def test_a_trickled_chunked_body_is_answered_408(hasty):
    with hasty.client() as client:
        client.send(head("POST", wire.PATH, [("Transfer-Encoding", "chunked"),
                                             ("X-Genesys-Signature", "0" * 64)]))
        trickle(client, b"1\r\nx\r\n" * 1000)
        expect_408(client)


@pytest.mark.parametrize("at_once", [1, len(HEADERS) - 40, len(HEADERS) + 100])
def test_a_later_request_of_a_connection_is_timed_too(hasty, at_once):
    with hasty.client() as client:
        assert client.post(event("c-0")).status == 200
        assert client.get("/healthz").status == 200
        client.send(REQUEST[:at_once])
        trickle(client, REQUEST[at_once:])
        expect_408(client)
    counters = hasty.stop().check(lines=1)
    assert counters["reply_408"] == 1


BEFORE = {"with a length": post, "chunked": lambda body: chunked(body, (20,) * 3)}


@pytest.mark.parametrize("make", BEFORE.values(), ids=BEFORE.keys())
def test_a_later_request_that_stops_is_timed_too(hasty, make):
    with hasty.client() as client:
        for number in range(3):
            assert client.ask(make(event(f"c-{number}"))).status == 200
        client.send(HEADERS[:-10])
        expect_408(client)
    assert hasty.stop().check(lines=3)["reply_408"] == 1


@pytest.mark.parametrize("make", BEFORE.values(), ids=BEFORE.keys())
@pytest.mark.parametrize("before, behind", [(b"\r\n", b""), (b"", b"\r\n"), (b"\r\n", b"\r\n")])
def test_an_empty_line_around_a_request_begins_no_other(hasty, make, before, behind):
    """RFC 9112, section 2.2."""
    with hasty.client() as client:
        for number in range(5):
            assert client.ask(before + make(event(f"c-{number}"))).status == 200
            client.send(behind)
        assert not client.answered(2.5), "answered without a request"
        assert client.post(event("last")).status == 200
    assert hasty.stop().check(lines=6)["reply_408"] == 0


def test_a_request_that_was_answered_408_is_not_stored_when_the_rest_of_it_is_read(spawn):
    """The worker is held up, and meanwhile the time runs out and the body arrives; of that it reads
    a part before it looks at the time, and the rest afterwards."""
    daemon = spawn({"server.request_timeout": "1s", "server.workers": 1}, faults=True).start()
    body = event("c-1", padding="x" * 60_000)
    with daemon.client() as client:
        client.begin(body)
        daemon.faults.set("epoll_wait", "hang gw-worker-0")
        client.send(body)
        time.sleep(1.5)  # until its time has run out
        daemon.faults.clear("epoll_wait")
        expect_408(client)
    assert daemon.stop().check(lines=0)["verified"] == 0


def test_waiting_between_requests_is_not_counted_as_the_request(spawn):
    daemon = spawn({"server.request_timeout": "1s", "server.idle_timeout": "60s"}).start()
    with daemon.client() as client:
        for number in range(3):
            assert client.post(event(f"c-{number}")).status == 200
            assert not client.answered(1.5), "closed while it was idle"


def test_an_idle_connection_is_closed_without_a_word(spawn):
    daemon = spawn({"server.idle_timeout": "1s", "server.request_timeout": "20s"}).start()
    with daemon.client() as client:
        assert client.post(event("c-1")).status == 200
        client.expect_closed()
    daemon.wait_no_connection()
    assert daemon.stop().check(lines=1)["reply_408"] == 0


def test_a_connection_that_never_says_anything_is_closed(spawn):
    daemon = spawn({"server.idle_timeout": "1s", "server.request_timeout": "1s"}).start()
    with daemon.client() as client:
        client.rest()
    daemon.wait_no_connection()


GONE = {
    "in the request line": REQUEST[:10],
    "in the headers": HEADERS[:-10],
    "in the body": REQUEST[:-10],
    "before anything": b"",
    "after a whole request": REQUEST,
}


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("sent", GONE.values(), ids=GONE.keys())
def test_a_client_that_goes_away_leaks_nothing(spawn, sent, how):
    daemon = spawn({"server.request_timeout": "2s"}).start()
    for _ in range(40):
        client = daemon.client()
        client.send(sent)
        getattr(client, how)()
    daemon.wait_no_connection()
    assert daemon.post(event("last")).status == 200
    daemon.stop().check(lines=len(daemon.records()))


def test_clients_that_leave_under_load_are_all_accounted_for(spawn):
    """Some are gone before their event is read, some while the store has it."""
    daemon = spawn({"server.workers": 1}).start()
    with Load(daemon.address, connections=4) as load:
        for number in range(400):
            client = daemon.client()
            client.send(post(event(f"gone-{number}")))
            client.reset()
        load.stop()
    daemon.wait_no_connection()
    counters = daemon.stop()
    ids = daemon.ids()
    counters.check(lines=sum(ids.values()))
    check_stored(load, ids)
    assert counters["stored"] == counters["verified"]


def test_clients_that_leave_while_the_store_has_their_event_hold_no_drain(spawn):
    daemon = spawn({"server.workers": 1}, faults=True).start()
    daemon.faults.set("fdatasync", "hang")
    for number in range(100):
        client = daemon.client()
        client.send(post(event(f"gone-{number}")))
        daemon.wait_read(client)
        client.reset()
    daemon.signal(signal.SIGTERM)
    daemon.wait_log("draining")
    daemon.faults.clear("fdatasync")
    assert daemon.wait_exit(20) == 0
    counters = daemon.counters().check(lines=100)
    assert counters["stored"] + counters["ambiguous"] == 100


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_client_that_goes_away_while_suspended_leaks_nothing(spawn, how):
    daemon = spawn(faults=True).start()
    daemon.faults.set("fdatasync", "hang")
    clients = [daemon.client() for _ in range(40)]
    for number, client in enumerate(clients):
        client.send(post(event(f"c-{number}")))
    eventually(lambda: daemon.events.stat().st_size > 0, "the first batch is written")
    for client in clients:
        getattr(client, how)()
    daemon.faults.clear("fdatasync")
    daemon.wait_no_connection()
    assert daemon.post(event("last")).status == 200
    daemon.stop().check(lines=len(daemon.records()))


@pytest.mark.parametrize("request_bytes", [get("/healthz"), post(event("c-1"))])
def test_a_half_closed_client_holds_nothing(daemon, request_bytes):
    """To libmicrohttpd a client that closes its side has gone: it may be answered or not, but its
    event is whole or not there, and its connection is closed well before idle_timeout."""
    for _ in range(50):
        with daemon.client() as client:
            client.send(request_bytes)
            client.socket.shutdown(wire.socket.SHUT_WR)
            client.rest()
    daemon.wait_no_connection()
    daemon.stop().check(lines=len(daemon.records()))


@pytest.mark.parametrize("whole", [get("/healthz"), chunked(event("c-1"), (20,) * 3)],
                         ids=["without a body", "chunked"])
def test_half_a_request_behind_a_whole_one_is_ended_too(spawn, whole):
    """They come in one piece, and the library keeps to itself what it has read of the second: so
    at the latest the idle time-out ends it."""
    daemon = spawn({"server.request_timeout": "1s", "server.idle_timeout": "3s"}).start()
    with daemon.client() as client:
        client.send(whole + HEADERS[:-10])
        assert client.response().status == 200
        assert client.rest()[:13] in (b"", b"HTTP/1.1 408 ")
    daemon.wait_no_connection()
