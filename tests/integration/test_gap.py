# SPDX-License-Identifier: Apache-2.0
"""When for longer than Genesys repeats an event none could be stored, it says so and names the span."""

import datetime
import json
import os
import time
from signal import SIGCONT, SIGSTOP

import pytest

from admin import Admin
from harness import eventually, free_port
from wire import event

MISSING = "events may be missing"
HOUR = 3600


@pytest.fixture
def make(spawn):
    """A daemon with an admin listener; .kept is the file whose time is when it last listened."""
    def make_one(**options):
        port = free_port("127.0.0.1")
        daemon = spawn({"admin.listen": f"127.0.0.1:{port}"}, **options)
        daemon.admin = Admin(port)
        daemon.kept = daemon.folder / "events.jsonl.listened"
        return daemon

    return make_one


def age(path, seconds):
    at = time.time() - seconds
    os.utime(path, (at, at))
    return at


def wait_kept(daemon):
    """Waits for the next time that it keeps, which is once a second."""
    before = daemon.kept.stat().st_mtime
    eventually(lambda: daemon.kept.stat().st_mtime > before, "the time is kept")


def seconds_of(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def status_of(daemon):
    return json.loads(daemon.admin.get("/status.json")[1])


def metrics_of(daemon):
    return daemon.admin.get("/metrics")[1]


def gaps(daemon):
    return [entry for entry in daemon.log() if MISSING in entry["message"]]


def test_neither_a_first_start_nor_a_quick_restart_is_a_gap(make):
    daemon = make()
    for _ in range(3):
        daemon.start()
        wait_kept(daemon)
        status = status_of(daemon)
        assert (status["counters"]["gaps"], status["gauges"]["gap_end_ms"]) == (0, 0)
        assert "last_gap" not in metrics_of(daemon)
        daemon.stop()
    assert not gaps(daemon)
    assert daemon.kept.stat().st_mode & 0o777 == 0o600 and daemon.kept.stat().st_size == 0


def test_a_long_absence_is_told_in_the_log_the_metrics_and_the_page(make):
    daemon = make().start()
    daemon.kill()
    since = age(daemon.kept, HOUR)
    daemon.start()
    said = daemon.wait_log(MISSING)
    assert said["level"] == "warning" and "docs/operations.md#gaps" in said["message"]
    assert abs(seconds_of(said["from"]) - since) < 1
    assert abs(seconds_of(said["to"]) - seconds_of(said["time"])) < 1
    assert HOUR <= said["seconds"] < HOUR + 60
    status = status_of(daemon)
    assert status["counters"]["gaps"] == 1
    assert abs(status["gauges"]["gap_start_ms"] / 1000 - since) < 1
    text = metrics_of(daemon)
    assert "\ngenesys_webhookd_gaps_total 1\n" in text
    assert "\ngenesys_webhookd_last_gap_start_timestamp_seconds " in text
    assert "\ngenesys_webhookd_last_gap_end_timestamp_seconds " in text
    assert daemon.stop()["gaps"] == 1
    daemon.start()
    wait_kept(daemon)
    assert len(gaps(daemon)) == 1, "it is told once"


def test_a_time_that_is_yet_to_come_is_said_to_tell_nothing(make):
    daemon = make().start()
    daemon.stop()
    age(daemon.kept, -HOUR)
    daemon.start()
    daemon.wait_log("yet to come")
    eventually(lambda: daemon.kept.stat().st_mtime < time.time() + 1, "the clock is followed")
    daemon.stop()
    assert not gaps(daemon)


def test_where_it_cannot_be_kept_it_serves_all_the_same(make):
    daemon = make()
    daemon.kept.mkdir()
    daemon.start()
    assert str(daemon.kept) in daemon.wait_log("time of listening cannot be kept")["file"]
    assert daemon.post(event("c-1")).status == 200
    daemon.kept.rmdir()
    eventually(daemon.kept.is_file, "it is kept, once it can be")
    assert daemon.log_text().count("cannot be kept") == 1
    daemon.stop().check(lines=1)


def test_it_lies_beside_the_real_file(make):
    daemon = make()
    (daemon.folder / "real").mkdir()
    daemon.events.symlink_to(daemon.folder / "real" / "events.jsonl")
    daemon.start()
    assert (daemon.folder / "real" / "events.jsonl.listened").exists() and not daemon.kept.exists()


def test_while_nothing_can_be_stored_it_does_not_count_as_listening(make):
    daemon = make(faults=True).start()
    wait_kept(daemon)
    daemon.faults.set("writev", "ENOSPC")
    daemon.faults.set("write", "ENOSPC")
    assert daemon.post(event("c-1")).status == 500
    daemon.wait_ready(False)
    since = age(daemon.kept, HOUR)
    time.sleep(2.5)  # It would have been kept anew twice.
    assert abs(daemon.kept.stat().st_mtime - since) < 1
    daemon.faults.clear("writev")
    daemon.faults.clear("write")
    daemon.wait_ready()
    wait_kept(daemon)
    assert not gaps(daemon), "it was less than 20 s by the clock that it trusts while it lives"


def test_a_process_that_stood_still_says_so_when_it_goes_on(make):
    daemon = make().start()
    wait_kept(daemon)
    daemon.signal(SIGSTOP)
    time.sleep(22)  # There is no other way to be late.
    daemon.signal(SIGCONT)
    said = daemon.wait_log(MISSING)
    assert 20 <= said["seconds"] < 60
    daemon.stop()


def test_with_a_table_it_lies_in_the_state_directory(spawn, table):
    daemon = spawn(table.settings, environment=table.environment)
    daemon.environment["STATE_DIRECTORY"] = str(daemon.folder)
    daemon.start()
    kept = daemon.folder / "genesys-webhookd.listened"
    eventually(kept.exists, "there is the file")
    daemon.stop()
    age(kept, HOUR)
    daemon.start()
    daemon.wait_log(MISSING)
    daemon.stop()
    del daemon.environment["STATE_DIRECTORY"]
    daemon.start()
    daemon.wait_log("gaps over a restart will not be seen")
