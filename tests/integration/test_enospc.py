# SPDX-License-Identifier: Apache-2.0
"""A full disk: what got there whole is acknowledged, the rest is 500, the file stays whole, and it
recovers by itself. Tried on a real small tmpfs, by a file size limit and by short writes."""

import resource

import pytest

from harness import eventually, fill_up
from load import Load, check_stored
from wire import event

KIB = 1024


def run_until_refused(daemon, refusals=20):
    """Load until that many were refused; everything refused must be a fault of ours."""
    with Load(daemon.address, connections=8, padding=900) as load:
        eventually(lambda: len(load.refused) >= refusals, "the disk is full")
        load.stop()
    assert set(load.statuses()) <= {500, 503} and not load.unknown, load.summary()
    return load


def check_whole(daemon, loads, extra=0):
    """The file holds exactly what was acknowledged, and the counters agree."""
    assert daemon.events.read_bytes().endswith(b"\n")
    ids = daemon.ids()
    for load in loads:
        check_stored(load, ids)
    acked = sum(len(load.acked) for load in loads) + extra
    counters = daemon.stop().check(lines=sum(ids.values()))
    assert counters["stored"] == acked
    assert counters["failed"] == sum(len(load.refused) for load in loads)
    assert sum(ids.values()) == acked


def test_a_full_disk_is_survived(spawn, small_disk):
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * 600 * KIB)
    daemon = spawn({"file.path": small_disk / "events.jsonl"}).start()
    first = run_until_refused(daemon)
    assert first.acked, "it had room at first"
    daemon.wait_ready(False)
    assert daemon.get("/healthz").status == 200
    daemon.wait_log(r'"level":"(error|warning)".*[Nn]o space')
    # Not a single request from here on: it must find the room by itself.
    filler.unlink()
    daemon.wait_ready()
    second = run_until_refused(daemon)
    assert second.acked, "it used the room"
    check_whole(daemon, [first, second])


def test_room_for_a_few_lines_is_not_wasted(spawn, small_disk):
    daemon = spawn({"file.path": small_disk / "events.jsonl"}).start()
    fill_up(small_disk, leave=8 * KIB)
    load = run_until_refused(daemon)
    assert 3 <= len(load.acked) <= 8, load.summary()
    check_whole(daemon, [load])


def test_it_starts_on_a_full_disk(spawn, small_disk):
    events = small_disk / "events.jsonl"
    events.write_bytes(b'{"torn')
    filler = fill_up(small_disk)
    daemon = spawn({"file.path": events}).launch()
    eventually(lambda: daemon.readiness() in (200, 503), "it serves")
    assert daemon.post(event("a" * 2000, padding="x" * 5000)).status in (500, 503)
    filler.unlink()
    daemon.wait_ready()
    assert daemon.post(event("after")).status == 200
    whole = [line for line in events.read_bytes().split(b"\n") if b'"after"' in line]
    assert len(whole) == 1 and whole[0].startswith(b'{"receivedAt"')
    daemon.stop().check()


def test_a_file_size_limit_is_survived(spawn):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (256 * KIB, resource.RLIM_INFINITY))

    daemon = spawn(preexec_fn=limit).start()
    first = run_until_refused(daemon)
    assert daemon.events.stat().st_size <= 256 * KIB
    daemon.wait_ready(False)
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE,
                     (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    daemon.wait_ready()
    with Load(daemon.address, connections=8) as second:
        second.wait_acked(100)
        second.stop()
    assert not second.refused, second.summary()
    check_whole(daemon, [first, second])


@pytest.mark.parametrize("fault", ["short 100", "short 1", "short 3000"])
def test_a_short_write_is_completed_or_cut_off(spawn, fault):
    daemon = spawn(faults=True).start()
    assert daemon.post(event("before")).status == 200
    daemon.faults.set("writev", fault)
    with Load(daemon.address, padding=900) as load:
        eventually(lambda: len(load.acked) + len(load.refused) >= 50, "writes were short")
        daemon.faults.clear("writev")
        daemon.wait_ready()
        load.wait_acked(50)
        load.stop()
    assert set(load.statuses()) <= {500, 503} and not load.unknown, load.summary()
    check_whole(daemon, [load], extra=1)


@pytest.mark.parametrize("fault", ["ENOSPC 3", "EIO 1", "EDQUOT 2"])
def test_a_failing_write_is_500_and_then_it_recovers(spawn, fault):
    daemon = spawn(faults=True).start()
    daemon.faults.set("writev", fault)
    with Load(daemon.address) as load:
        eventually(lambda: load.refused, "a batch is refused")
        daemon.wait_ready()
        load.wait_acked(100)
        load.stop()
    assert set(load.statuses()) <= {500, 503} and not load.unknown, load.summary()
    assert len(daemon.files()) == 1
    check_whole(daemon, [load])


def test_a_hung_write_is_500_and_then_it_recovers(spawn):
    daemon = spawn(faults=True).start()
    daemon.faults.set("writev", "hang")
    assert daemon.post(event("hung")).status == 500
    daemon.wait_ready(False)
    daemon.faults.clear("writev")
    daemon.wait_ready()
    assert daemon.post(event("after")).status == 200
    counters = daemon.stop().check(lines=len(daemon.records()))
    assert (counters["stored"], counters["failed"]) == (1, 1)
