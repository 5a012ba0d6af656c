# SPDX-License-Identifier: Apache-2.0
"""However a body arrives, it is the same body; and it costs memory only as it arrives."""

import time

import pytest

import wire
from harness import sanitized
from wire import chunked, event, get, head, post, sign

LIMIT = 64 * 1024


def padded(identity, size):
    return event(identity, padding="x" * (size - len(event(identity, padding=""))))


@pytest.fixture
def limited(spawn):
    return spawn({"server.max_body": "64KiB"}).start()


@pytest.mark.parametrize("sizes", [(), (1,) * 100, (1, 2, 3, 50), (7, 1)])
def test_a_chunked_body_is_put_together(daemon, sizes):
    body = event("c-1", padding="\u00e9" * 3000)
    assert daemon.ask(chunked(body, sizes)).status == 200
    assert daemon.records()[0]["payload"] == wire.json.loads(body)


def test_chunk_extensions_and_trailers_change_nothing(daemon):
    body = event("c-1")
    start = chunked(body, ()).split(b"\r\n\r\n")[0] + b"\r\n\r\n"
    request = start + b"%x;name=value\r\n%s\r\n0\r\nX-Trailer: 1\r\n\r\n" % (len(body), body)
    with daemon.client() as client:
        assert client.ask(request).status == 200
        assert client.post(event("c-2")).status == 200


def test_pipelined_requests_are_answered_in_order(daemon):
    bodies = [event(f"c-{number}") for number in range(50)]
    requests = [post(body) for body in bodies]
    requests.insert(10, get("/healthz"))
    requests.insert(20, post(b"{"))
    requests.insert(30, chunked(event("chunked"), (5, 5)))
    with daemon.client() as client:
        client.send(b"".join(requests))
        answers = [client.response() for _ in requests]
    statuses = [answer.status for answer in answers]
    assert statuses == [200] * 20 + [400] + [200] * 32
    ids = [answer.json()["eventId"] for answer in answers if "eventId" in answer.json()]
    assert [name for name in ids if name != "chunked"] == [f"c-{n}" for n in range(50)]
    daemon.stop().check(lines=51)


@pytest.mark.parametrize("make", [post, lambda body: chunked(body, (3, 1, 4))],
                         ids=["with a length", "chunked"])
def test_a_request_may_come_byte_by_byte(daemon, make):
    with daemon.client() as client:
        for byte in make(event("c-1")):
            client.send(bytes([byte]))
        assert client.response().status == 200
        assert client.post(event("c-2")).status == 200
    daemon.stop().check(lines=2)


def test_a_body_as_large_as_the_limit_is_stored(daemon):
    body = padded("c-1", 6 << 20)
    assert len(body) == 6 << 20
    assert daemon.post(body).status == 200
    assert daemon.ask(chunked(padded("c-2", 6 << 20), (1 << 20,) * 3)).status == 200
    assert daemon.post(body + b" ").status == 413
    daemon.stop().check(lines=2)


def test_an_announced_body_gets_its_100_continue(daemon):
    body = event("c-1")
    with daemon.client() as client:
        client.begin(body)
        assert client.ask(body).status == 200


def test_a_body_over_the_limit_is_refused_before_it_is_sent(limited):
    announced = head("POST", wire.PATH, [("Content-Length", LIMIT + 1), ("Expect", "100-continue"),
                                         ("X-Genesys-Signature", "0" * 64)])
    with limited.client() as client:
        response = client.ask(announced)
        assert response.status == 413 and response.closes
        client.expect_closed()


def test_a_413_reaches_a_client_that_does_not_wait_for_it(limited):
    with limited.client() as client:
        client.send(head("POST", wire.PATH, [("Content-Length", LIMIT * 4)]))
        response = client.response()
        assert response.status == 413 and response.closes


def test_a_chunked_body_over_the_limit_is_413(limited):
    fits = padded("c-1", LIMIT)
    assert limited.ask(chunked(fits, (1000,) * 10)).status == 200
    response = limited.ask(chunked(fits + b" ", (1000,) * 10))
    assert response.status == 413
    counters = limited.stop().check(lines=1)
    assert (counters["reply_413"], counters["verified"]) == (1, 1)


def endless(client, bound=wire.TIMEOUT):
    """Sends chunks until the server does something about it."""
    client.send(head("POST", wire.PATH, [("Transfer-Encoding", "chunked"),
                                         ("X-Genesys-Signature", "0" * 64)]))
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    deadline = time.monotonic() + bound
    sent = 0
    try:
        while not client.answered():
            assert time.monotonic() < deadline, f"{sent} bytes taken without an end"
            client.send(chunk)
            sent += len(chunk)
    except OSError:
        pass
    return sent


def test_an_endless_chunked_body_is_cut_off(limited):
    before = limited.memory()
    with limited.client() as client:
        endless(client)
    assert sanitized() or limited.memory() < before + (32 << 20)
    assert limited.post(event("c-1")).status == 200


def test_an_empty_body_is_400_when_signed(daemon):
    assert daemon.post(b"").status == 400
    assert daemon.ask(head("POST", wire.PATH, [("X-Genesys-Signature", sign(b""))])).status == 400
    assert daemon.ask(head("POST", wire.PATH, [("Transfer-Encoding", "chunked"),
                                               ("X-Genesys-Signature", sign(b""))])
                      + b"0\r\n\r\n").status == 400
    assert daemon.post(b"", signature=False).status == 401


@pytest.mark.skipif(sanitized(), reason="a sanitizer's memory says nothing of ours")
def test_an_announced_length_takes_no_memory(daemon):
    """200 clients announce 6 MiB each and send 1 KiB of it."""
    announced = head("POST", wire.PATH, [("Content-Length", 6 << 20),
                                         ("X-Genesys-Signature", "0" * 64)]) + b"x" * 1024
    before = daemon.memory()
    clients = [daemon.client() for _ in range(200)]
    for client in clients:
        client.send(announced)
    daemon.wait_read(*clients)
    assert daemon.post(event("c-1")).status == 200
    assert daemon.memory() < before + 200 * (128 << 10)
    for client in clients:
        client.close()
    daemon.stop().check(lines=1)


@pytest.mark.skipif(sanitized(), reason="a sanitizer's memory says nothing of ours")
def test_memory_does_not_grow_with_the_requests(daemon):
    body = padded("c-1", 256 << 10)
    with daemon.client() as client:
        for _ in range(50):
            assert client.post(body).status == 200
        before = daemon.memory()
        for _ in range(300):
            assert client.post(body).status == 200
    assert daemon.memory() < before + (16 << 20)
