# SPDX-License-Identifier: Apache-2.0
"""A stop loses nothing that was accepted: all of it is stored and answered before exit 0."""

import contextlib
import os
import signal
import time

import pytest

import wire
from harness import eventually
from load import Load, check_stored
from wire import event, post


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_under_load_answers_everything_that_was_stored(spawn, number):
    daemon = spawn().start()
    with Load(daemon.address, connections=16) as load:
        load.wait_acked(500)
        counters = daemon.stop(number)
        load.join()
    ids = daemon.ids()
    check_stored(load, ids)
    assert not load.refused, load.summary()
    # A request that the server never read may be lost with its connection; one that was stored
    # must have been answered.
    assert set(ids) == set(load.acked)
    counters.check(lines=sum(ids.values()))
    assert counters["stored"] == len(load.acked)


def test_no_request_of_a_closed_loop_is_lost_by_a_stop(spawn):
    """The answer with Connection: close is where each of the connections ends."""
    daemon = spawn().start()
    with Load(daemon.address, connections=8) as load:
        load.wait_acked(200)
        daemon.stop()
        load.join()
    assert load.closing == 8 and not load.unknown, load.summary()


def until_closing(client, request, method="POST"):
    """Asks until the answer says that it is the last one on the connection; all answers."""
    answers = []

    def closing():
        answers.append(client.ask(request, method))
        return answers[-1].closes

    eventually(closing, "an answer with Connection: close")
    client.expect_closed()
    return answers


def test_while_draining_it_is_not_ready_but_serves_what_is_open(daemon):
    body = event("begun")
    with daemon.client() as begun, daemon.client() as open_one, daemon.client() as probe:
        begun.begin(body)
        daemon.signal(signal.SIGTERM)
        ready = until_closing(probe, wire.get("/readyz"), "GET")
        assert ready[-1].status == 503
        served = until_closing(open_one, post(event("open")))
        assert {answer.status for answer in served} == {200}
        eventually(lambda: refuses(daemon), "new connections are refused")
        response = begun.ask(body)
        assert response.status == 200 and response.closes
        begun.expect_closed()
    assert daemon.wait_exit() == 0
    daemon.counters().check(lines=1 + len(served))


def refuses(daemon):
    try:
        wire.Client(daemon.address).close()
    except ConnectionError:  # in the moment of closing it may also be a reset
        return True
    return False


def test_connections_long_idle_are_still_served_when_the_drain_begins(spawn):
    """A sender may reuse one in the very moment, and Genesys repeats nothing after a reset."""
    daemon = spawn().start()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(daemon.client()) for _ in range(20)]
        for client in clients:
            assert client.get("/healthz").status == 200
        assert not clients[0].answered(1.5)  # longer than a drain lingers
        daemon.signal(signal.SIGTERM)
        eventually(lambda: refuses(daemon), "new connections are refused")
        for number, client in enumerate(clients):
            response = client.post(event(f"c-{number}"))
            assert response.status == 200 and response.closes
    assert daemon.wait_exit() == 0
    daemon.counters().check(lines=20)


def test_requests_that_arrive_at_the_end_of_drain_timeout_are_answered_or_cut(spawn):
    """Some are suspended, the disk hangs, and others arrive in the moment of the stop."""
    daemon = spawn({"server.drain_timeout": "1s"}, faults=True).start()
    daemon.faults.set("fdatasync", "hang")
    with Load(daemon.address, connections=32, reconnect=True) as load:
        eventually(lambda: daemon.events.stat().st_size > 0, "the first batch is written")
        daemon.signal(signal.SIGTERM)
        daemon.wait_exit(20)
        load.stop()
    daemon.check_log()
    daemon.counters().check()


def test_requests_that_wait_for_the_disk_are_answered(spawn):
    daemon = spawn(faults=True).start()
    daemon.faults.set("fdatasync", "hang")
    clients = [daemon.client() for _ in range(50)]
    for number, client in enumerate(clients):
        client.send(post(event(f"c-{number}")))
    eventually(lambda: daemon.events.stat().st_size > 0, "the first batch is written")
    daemon.signal(signal.SIGTERM)
    eventually(lambda: refuses(daemon), "new connections are refused")
    daemon.faults.clear("fdatasync")
    for client in clients:
        response = client.response()
        assert response.status == 200 and response.closes
        client.expect_closed()
    assert daemon.wait_exit() == 0
    daemon.counters().check(lines=50)


def test_a_request_without_end_holds_the_stop_no_longer_than_drain_timeout(spawn):
    daemon = spawn({"server.drain_timeout": "1s"}).start()
    with daemon.client() as client:
        client.begin(event("begun"))
        began = time.monotonic()
        daemon.stop()
        assert time.monotonic() - began < 15
    daemon.counters().check(lines=0)


def test_idle_connections_do_not_hold_the_stop(spawn):
    daemon = spawn({"server.drain_timeout": "60s", "server.idle_timeout": "60s"}).start()
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            assert stack.enter_context(daemon.client()).get("/healthz").status == 200
        silent = stack.enter_context(daemon.client())
        began = time.monotonic()
        daemon.stop()
        assert time.monotonic() - began < 30
        silent.rest()


def test_a_hung_disk_holds_the_stop_no_longer_than_drain_timeout(spawn):
    daemon = spawn({"server.drain_timeout": "2s"}, faults=True).start()
    daemon.faults.set("fdatasync", "hang")
    clients = [daemon.client() for _ in range(20)]
    for number, client in enumerate(clients):
        client.send(post(event(f"c-{number}")))
    daemon.wait_read(*clients)
    eventually(lambda: daemon.events.stat().st_size > 0, "some are written")
    daemon.signal(signal.SIGTERM)
    for client in clients:
        response = client.response()
        assert (response.status, response.body) == (500, b'{"error":"Internal Server Error"}')
        assert response.closes
        client.expect_closed()
    daemon.wait_exit(20)
    daemon.check_log()
    counters = daemon.counters().check(lines=len(daemon.records()))
    assert counters["reply_500"] == counters["refused_ambiguous_outcome"] == 20


def test_a_hung_worker_holds_the_stop_no_longer_than_drain_timeout(spawn):
    # ThreadSanitizer would have it that a thread which is left behind is a leak; so it is meant.
    tsan = os.environ.get("TSAN_OPTIONS", "") + ":report_thread_leaks=0"
    daemon = spawn({"server.drain_timeout": "1s", "server.workers": 1}, faults=True,
                   environment={"TSAN_OPTIONS": tsan}).start()
    assert daemon.post(event("c-1")).status == 200
    with daemon.client() as client:
        client.begin(event("begun"))  # so that the worker has to wait once more
        daemon.faults.set("epoll_wait", "hang gw-worker-0")
        daemon.signal(signal.SIGTERM)
        assert daemon.wait_exit(20) == 1
    assert any(entry["message"].startswith("a worker hangs") for entry in daemon.log())
    daemon.check_log()
    daemon.counters().check(lines=1)


def test_a_second_signal_changes_nothing(daemon):
    body = event("begun")
    with daemon.client() as begun:
        begun.begin(body)
        daemon.signal(signal.SIGTERM)
        eventually(lambda: refuses(daemon), "new connections are refused")
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
            daemon.signal(number)
        assert begun.ask(body).status == 200
    assert daemon.wait_exit() == 0
    daemon.counters().check(lines=1)


def test_start_and_stop_without_a_request(spawn):
    for _ in range(5):
        counters = spawn().start().stop()
        counters.check(lines=0)
        assert counters["refused_by_library"] == 0


def test_in_the_delay_before_a_drain_it_is_not_ready_but_serves_as_ever(spawn):
    daemon = spawn({"server.drain_delay": "1h"}).start()
    daemon.signal(signal.SIGTERM)
    daemon.wait_log("drain_delay")
    assert daemon.get("/readyz").status == 503
    with daemon.client() as client:
        for number in range(3):
            answer = client.post(event(f"c-{number}"))
            assert answer.status == 200 and not answer.closes
    daemon.signal(signal.SIGTERM)
    daemon.wait_log('"draining"')
    assert daemon.wait_exit() == 0
    assert len(daemon.ids()) == 3


def test_when_the_delay_is_over_the_drain_begins(spawn, notify):
    daemon = spawn({"server.drain_delay": "300ms"},
                   environment={"NOTIFY_SOCKET": notify.path}).start()
    daemon.signal(signal.SIGTERM)
    assert daemon.wait_exit() == 0
    log = daemon.log_text()
    assert log.index("drain_delay") < log.index('"draining"') < log.index('"stopped"')
    assert notify.count("STOPPING=1") == 1
