# SPDX-License-Identifier: Apache-2.0
"""What systemd is told: state, and a watchdog that stops when something is stuck for good."""

import signal
import time

import pytest

from harness import eventually
from wire import event, post

WATCHDOG = "WATCHDOG=1"


@pytest.fixture
def watched(spawn, notify):
    """One under a watchdog of 1 s, with the shim loaded."""
    return spawn(faults=True, environment={"NOTIFY_SOCKET": notify.path,
                                           "WATCHDOG_USEC": "1000000"}).start()


@pytest.fixture
def notifying(spawn, notify):
    return spawn(environment={"NOTIFY_SOCKET": notify.path}).start()


def test_it_says_ready_when_it_serves(spawn, notify):
    daemon = spawn(environment={"NOTIFY_SOCKET": notify.path}).launch()
    notify.wait("READY=1")
    assert daemon.post(event("c-1")).status == 200
    notify.wait("STATUS=.+")


def test_it_says_nothing_of_ready_when_it_cannot_start(spawn, notify):
    daemon = spawn({"server.workers": "many"}, environment={"NOTIFY_SOCKET": notify.path}).launch()
    assert daemon.wait_exit() == 78
    assert notify.count("READY=1") == 0


def test_a_reload_is_announced_with_its_time_and_then_ready(notifying, notify):
    for times in (1, 2):
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        notifying.signal(signal.SIGHUP)
        notify.wait("RELOADING=1", times)
        stamp = int(notify.wait(r"MONOTONIC_USEC=\d+", times).split("=")[1])
        notify.wait("READY=1", times + 1)
        assert before <= stamp <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    together = [lines for _, lines in notify.messages if "RELOADING=1" in lines]
    assert all(any(line.startswith("MONOTONIC_USEC=") for line in lines) for lines in together)


def test_a_reload_that_fails_ends_ready_too(notifying, notify):
    notifying.configure(**{"server.max_body": "many"})
    notifying.signal(signal.SIGHUP)
    notify.wait("RELOADING=1")
    notify.wait("READY=1", 2)


def test_the_status_tells_what_was_done(notifying, notify):
    for number in range(3):
        assert notifying.post(event(f"c-{number}")).status == 200
    notify.wait(r"STATUS=.*\b3\b.*")


def test_a_stop_is_announced(notifying, notify):
    notifying.signal(signal.SIGTERM)
    notify.wait("STOPPING=1")
    assert notifying.wait_exit() == 0


def test_a_reload_while_draining_is_passed_over(notifying, notify):
    """systemd must not be told READY after STOPPING."""
    body = event("begun")
    with notifying.client() as client:
        client.begin(body)
        notifying.signal(signal.SIGTERM)
        notify.wait("STOPPING=1")
        notifying.signal(signal.SIGHUP)
        notifying.wait_log("not reloaded: draining")
        assert client.ask(body).status == 200
    assert notifying.wait_exit() == 0
    assert notify.count("RELOADING=1") == 0 and notify.count("READY=1") == 1


def test_a_drain_asks_for_the_time_that_it_needs(spawn, notify):
    daemon = spawn({"server.drain_timeout": "20s"},
                   environment={"NOTIFY_SOCKET": notify.path}).start()
    body = event("begun")
    with daemon.client() as client:
        client.begin(body)
        daemon.signal(signal.SIGTERM)
        notify.wait("STOPPING=1")
        notify.wait(r"EXTEND_TIMEOUT_USEC=\d{6,}")
        assert client.ask(body).status == 200
    assert daemon.wait_exit() == 0


def test_the_watchdog_is_fed(watched, notify):
    notify.wait(WATCHDOG, times=5)
    watched.stop()


def test_no_watchdog_is_fed_where_none_is_asked_for(notifying, notify):
    notifying.stop()
    assert notify.count(WATCHDOG) == 0


def silent(notify, seconds):
    return lambda: time.monotonic() - notify.last(WATCHDOG) > seconds


@pytest.mark.parametrize("thread", ["gw-worker-0", "gw-worker-1"])
def test_a_stuck_worker_stops_the_watchdog(watched, notify, thread):
    names = {"gw-worker-0", "gw-worker-1", "gw-journal"}
    eventually(lambda: names <= watched.threads().keys(), "the threads have their names")
    notify.wait(WATCHDOG, times=2)
    watched.faults.set("epoll_wait", f"hang {thread}")
    eventually(silent(notify, 3), "the watchdog is fed no more")
    watched.faults.clear("epoll_wait")
    seen = notify.count(WATCHDOG)
    eventually(lambda: notify.count(WATCHDOG) > seen + 1, "it is fed again")
    watched.stop()


def test_a_hung_journal_stops_the_watchdog_after_a_while(watched, notify):
    """A disk may well take seconds, which is no reason to be killed; half a minute is."""
    watched.faults.set("fdatasync", "hang")
    began = time.monotonic()
    with watched.client() as client:
        assert client.post(event("c-1")).status == 500
        assert watched.get("/healthz").status == 200
        eventually(silent(notify, 5), "the watchdog is fed no more", bound=120)
        assert notify.last(WATCHDOG) - began > 15, "it gave up too early"
        watched.faults.clear("fdatasync")
        seen = notify.count(WATCHDOG)
        eventually(lambda: notify.count(WATCHDOG) > seen + 1, "it is fed again")
        assert client.ask(post(event("c-2"))).status == 200
    watched.stop().check(lines=2)
