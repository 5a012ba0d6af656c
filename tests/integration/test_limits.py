# SPDX-License-Identifier: Apache-2.0
"""Limits hold over all workers together; what is beyond gets 503 with Retry-After, and room that
comes free is used again."""

import contextlib
import resource

import pytest

import wire
from harness import eventually
from wire import event, post


def expect_503(response):
    assert response.status == 503 and list(response.json()) == ["error"]
    assert int(response.header("Retry-After")) > 0


def attempt(daemon, request=None):
    """The status of one request on a new connection; 0 where that was cut."""
    try:
        return daemon.ask(request or post(event("late"))).status
    except (wire.Closed, ConnectionError):
        return 0


def hold_all(daemon, count):
    return [daemon.hold() for _ in range(count)]


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_connections_beyond_the_limit_get_503(spawn, workers):
    daemon = spawn({"server.max_connections": 20, "server.workers": workers}).start()
    clients = hold_all(daemon, 20)
    for _ in range(5):
        expect_503(daemon.post(event("refused")))
    assert all(client.post(event("kept")).status == 200 for client in clients)
    clients[0].close()
    eventually(lambda: attempt(daemon) == 200, "the freed connection is used")
    daemon.stop().check(lines=21)


def test_a_503_for_a_connection_reaches_its_client_every_time(spawn):
    daemon = spawn({"server.max_connections": 1}).start()
    holders = hold_all(daemon, 1)
    for _ in range(200):
        expect_503(daemon.post(event("c-1", padding="x" * 20000)))
    assert holders[0].post(event("c-2")).status == 200
    daemon.stop().check(lines=1)


def test_probes_are_answered_beyond_max_connections(spawn):
    daemon = spawn({"server.max_connections": 2}).start()
    holders = hold_all(daemon, 2)
    for target in ("/healthz", "/readyz"):
        for method in ("GET", "HEAD"):
            response = daemon.get(target, method)
            assert response.status == 200 and response.closes
    expect_503(daemon.get("/none"))
    expect_503(daemon.get(wire.PATH))
    expect_503(daemon.post(event("refused"), target="/readyz"))
    assert all(holder.post(event("kept")).status == 200 for holder in holders)
    counters = daemon.stop().check(lines=2)
    assert counters["reply_503"] == counters["refused_max_connections"] == 3


@pytest.mark.parametrize("workers", [1, 3])
def test_one_address_has_no_more_than_its_share(spawn, workers):
    daemon = spawn({"server.max_connections_per_ip": 5, "server.workers": workers}).start()
    clients = hold_all(daemon, 5)
    for _ in range(3):
        expect_503(daemon.post(event("refused")))
    assert daemon.get("/healthz").closes, "a probe is answered, and no more"
    with wire.Client(daemon.address, source="127.0.0.2") as other:
        assert other.post(event("kept")).status == 200
    assert all(client.post(event("kept")).status == 200 for client in clients)
    clients[0].close()
    eventually(lambda: attempt(daemon) == 200, "the freed connection is used")
    counters = daemon.stop().check(lines=7)
    assert counters["reply_503"] == counters["refused_max_connections_per_ip"] >= 3
    assert counters["refused_max_connections"] == 0


def test_one_that_floods_is_turned_away_unread_and_others_are_served(spawn):
    daemon = spawn({"server.max_connections_per_ip": 5}).start()
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(daemon.client())
        assert "max_connections_per_ip" in daemon.wait_log("turned away unread")["reason"]
        for number in range(20):
            with wire.Client(daemon.address, source="127.0.0.2") as other:
                assert other.post(event(f"c-{number}")).status == 200
    daemon.wait_no_connection()
    daemon.stop().check(lines=20)


def test_a_trusted_proxy_has_as_many_as_it_wants(spawn):
    daemon = spawn({"server.max_connections_per_ip": 2,
                    "server.trusted_proxies": "127.0.0.1"}).start()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(daemon.client()) for _ in range(20)]
        assert {client.post(event("c-1")).status for client in clients} == {200}


def test_a_reload_changes_how_many_one_address_may_have(spawn):
    daemon = spawn({"server.max_connections_per_ip": 1}).start()
    holder = hold_all(daemon, 1)[0]
    expect_503(daemon.post(event("refused")))
    daemon.configure(**{"server.max_connections_per_ip": 2})
    daemon.signal(1)
    daemon.wait_log('"reloaded"')
    assert daemon.post(event("c-1")).status == 200
    assert holder.post(event("c-2")).status == 200


def test_bodies_beyond_max_buffered_get_503(spawn):
    daemon = spawn({"server.max_body": "1MiB", "server.max_buffered": "2MiB"}).start()
    bodies = [event(f"c-{number}", padding="x" * 900_000) for number in range(2)]
    third = post(event("third", padding="x" * 900_000))
    with daemon.client() as first, daemon.client() as second:
        for client, body in zip((first, second), bodies):
            client.send(post(body)[:-10])
            daemon.wait_read(client)
        expect_503(daemon.ask(third))
        for client, body in zip((first, second), bodies):
            assert client.ask(body[-10:]).status == 200
    assert attempt(daemon, third) == 200
    counters = daemon.stop().check(lines=3)
    assert counters["reply_503"] == counters["refused_max_buffered"] == 1


def test_a_refused_body_lets_the_connection_live_or_says_that_it_closes(spawn):
    daemon = spawn({"server.max_body": "1MiB", "server.max_buffered": "1MiB"}).start()
    big = event("big", padding="x" * 900_000)
    with daemon.client() as holder, daemon.client() as client:
        holder.send(post(big)[:-10])
        daemon.wait_read(holder)
        last = client.ask(post(big))
        expect_503(last)
        if last.closes:
            client.expect_closed()
        else:
            assert client.get("/healthz").status == 200
        assert holder.ask(big[-10:]).status == 200


def test_writes_beyond_max_in_flight_get_503(spawn):
    daemon = spawn({"server.max_in_flight": 4, "server.workers": 2}, faults=True).start()
    daemon.faults.set("fdatasync", "hang")
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(daemon.client()) for _ in range(10)]
        for number, client in enumerate(clients):
            client.send(post(event(f"c-{number}")))
        refused = eventually(lambda: six_answered(clients), "six of ten get an answer")
        for client in refused:
            expect_503(client.response())
        daemon.faults.clear("fdatasync")
        accepted = [client for client in clients if client not in refused]
        assert [client.response().status for client in accepted] == [200] * 4
        # A 503 is no end: the same connection serves again.
        assert accepted[0].post(event("later")).status == 200
    counters = daemon.stop().check(lines=5)
    assert (counters["stored"], counters["failed"], counters["reply_503"]) == (5, 6, 6)
    assert counters["refused_max_in_flight"] == 6


def six_answered(clients):
    answered = [client for client in clients if client.answered()]
    return answered if len(answered) == 6 else None


def test_the_limit_of_open_files_is_raised_to_what_is_needed(spawn):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]

    def lower():
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))

    daemon = spawn({"server.max_connections": 400}, preexec_fn=lower).start()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(daemon.client()) for _ in range(300)]
        assert all(client.get("/healthz").status == 200 for client in clients)
    assert resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)[0] >= min(400, hard)


def test_where_files_are_too_few_fewer_connections_are_taken(spawn):
    """512 are kept for connections that wait for their 503, and for all else."""
    def lower():
        resource.setrlimit(resource.RLIMIT_NOFILE, (532, 532))

    daemon = spawn({"server.max_connections": 400}, preexec_fn=lower).start()
    said = daemon.wait_log("raise LimitNOFILE")
    assert (said["wanted"], said["granted"], said["max_connections"]) == (912, 532, 20)
    clients = hold_all(daemon, 20)
    expect_503(daemon.post(event("refused")))
    assert all(client.post(event("kept")).status == 200 for client in clients)
    daemon.stop().check(lines=20)


def test_running_out_of_descriptors_is_survived(spawn):
    daemon = spawn({"server.max_connections": 100},
                   preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))).start()
    with contextlib.ExitStack() as stack:
        for _ in range(90):
            stack.enter_context(daemon.client())
    eventually(lambda: attempt(daemon) == 200, "it serves again")
    daemon.stop().check(lines=len(daemon.records()))


def test_an_unlimited_flood_of_connections_leaves_no_descriptor(spawn):
    daemon = spawn({"server.max_connections": 10}).start()
    for _ in range(300):
        client = daemon.client()
        client.send(wire.get("/healthz"))
        client.close()
    daemon.wait_no_connection()
    eventually(lambda: attempt(daemon) == 200, "it serves again")
