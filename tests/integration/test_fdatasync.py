# SPDX-License-Identifier: Apache-2.0
"""A sync that fails or hangs: nothing is acknowledged that it did not cover, the file it failed on
is never appended to again, and every event is accounted for."""

import time
from signal import SIGTERM

import pytest

from harness import eventually
from load import Load, check_stored
from wire import event, post


@pytest.fixture
def faulty(spawn):
    return spawn(faults=True).start()


def failed_files(daemon):
    return sorted(daemon.folder.glob("events.jsonl.failed-*"))


def test_a_failed_sync_is_500_and_the_file_is_put_aside(faulty):
    assert faulty.post(event("before")).status == 200
    faulty.faults.set("fdatasync", "EIO 1")
    assert faulty.post(event("hit")).status == 500
    faulty.wait_ready()
    assert faulty.post(event("after")).status == 200
    [aside] = failed_files(faulty)
    assert b'"before"' in aside.read_bytes() and b'"after"' not in aside.read_bytes()
    assert b'"after"' in faulty.events.read_bytes()
    assert b'"before"' not in faulty.events.read_bytes()
    faulty.wait_log(r'"level":"(error|warning)".*failed-')
    counters = faulty.stop().check(lines=len(faulty.records()))
    assert (counters["stored"], counters["failed"], counters["reply_500"]) == (2, 1, 1)


def test_an_update_that_is_not_stored_is_200_where_so_configured(spawn):
    daemon = spawn({"storage.on_update_failure": "acknowledge"}, faults=True).start()
    for body, status in ((event("c-1", "conversation:updated"), 200), (event("c-2"), 500)):
        daemon.faults.set("fdatasync", "EIO 1")
        response = daemon.post(body)
        assert response.status == status
        daemon.wait_ready()
    logged = {entry["message"]: entry["status"] for entry in daemon.log() if "status" in entry}
    assert logged == {"failed update acknowledged": 200, "request refused": 500}
    counters = daemon.stop().check(lines=len(daemon.records()))
    assert (counters["stored"], counters["failed"]) == (0, 2)
    assert (counters["reply_200"], counters["refused_ambiguous_outcome"]) == (1, 1)


def test_failing_syncs_under_load_lose_nothing_acknowledged(faulty):
    with Load(faulty.address, connections=16) as load:
        for _ in range(5):
            load.wait_acked(100)
            faulty.faults.set("fdatasync", "EIO 1")
            seen = len(load.refused)
            eventually(lambda: len(load.refused) > seen, "a batch is answered 500")
        load.wait_acked(100)
        load.stop()
    assert not load.unknown and set(load.statuses()) <= {500, 503}, load.summary()
    ids = faulty.ids()
    check_stored(load, ids)
    counters = faulty.stop().check(lines=sum(ids.values()))
    assert counters["stored"] == len(load.acked)
    assert counters["failed"] == len(load.refused)
    assert len(failed_files(faulty)) == 5


def test_a_sync_that_fails_for_long_turns_readiness_off_and_on(faulty):
    faulty.faults.set("fdatasync", "EIO")
    assert faulty.post(event("a")).status == 500
    eventually(lambda: faulty.post(event("b")).status in (500, 503), "it is refused")
    faulty.faults.clear("fdatasync")
    faulty.wait_ready()
    assert faulty.post(event("c")).status == 200
    faulty.stop().check(lines=len(faulty.records()))


def test_a_hung_sync_is_answered_500_within_the_senders_patience(faulty):
    faulty.faults.set("fdatasync", "hang")
    began = time.monotonic()
    clients = [faulty.client() for _ in range(5)]
    for number, client in enumerate(clients):
        client.send(post(event(f"c-{number}")))
    assert [client.response().status for client in clients] == [500] * 5
    assert 5 < time.monotonic() - began < 20
    faulty.wait_ready(False)
    assert faulty.get("/healthz").status == 200
    faulty.faults.clear("fdatasync")
    faulty.wait_ready()
    assert clients[0].post(event("after")).status == 200
    counters = faulty.stop().check(lines=len(faulty.records()))
    assert counters["stored"] == 1 and counters["failed"] == 5
    assert counters["ambiguous"] == 5


def test_a_short_hang_is_only_waited_for(faulty):
    faulty.faults.set("fdatasync", "hang")
    with faulty.client() as client:
        client.send(post(event("c-1")))
        eventually(lambda: faulty.events.stat().st_size > 0, "it is written")
        assert not client.answered(0.5), "answered before it was synced"
        faulty.faults.clear("fdatasync")
        assert client.response().status == 200
    faulty.stop().check(lines=1)


def test_what_a_hung_sync_made_safe_after_all_is_in_the_last_account(spawn):
    """The event is given up at drain_timeout; the writer finishes it all the same."""
    daemon = spawn({"server.drain_timeout": "1s"}, faults=True).start()
    daemon.faults.set("fdatasync", "hang")
    with daemon.client() as client:
        client.send(post(event("c-1")))
        eventually(lambda: daemon.events.stat().st_size > 0, "it is written")
        daemon.signal(SIGTERM)
        assert client.response().status == 500
    daemon.faults.clear("fdatasync")
    assert daemon.wait_exit() == 0
    counters = daemon.counters().check(lines=1)
    assert (counters["stored"], counters["ambiguous"], counters["journal_lines"]) == (0, 1, 1)


def test_without_sync_no_sync_is_waited_for(spawn):
    daemon = spawn({"file.sync": "never"}, faults=True).start()
    daemon.faults.set("fdatasync", "hang")
    assert daemon.post(event("c-1")).status == 200
    daemon.faults.clear("fdatasync")
    daemon.stop().check(lines=1)
