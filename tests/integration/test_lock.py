# SPDX-License-Identifier: Apache-2.0
"""Two daemons never append to one file: the second waits for the first, and then refuses."""

import signal
import time

import pytest

from harness import eventually
from wire import event


def test_a_second_daemon_waits_and_then_refuses(spawn):
    first = spawn().start()
    second = spawn({"file.path": first.events})
    began = time.monotonic()
    second.launch()
    assert second.wait_exit() == 1
    assert 8 < time.monotonic() - began < 30
    said = second.log()[-1]
    assert said["level"] == "error" and str(first.events) in str(said)
    assert first.post(event("c-1")).status == 200
    first.stop().check(lines=1)


def test_a_second_daemon_starts_when_the_first_goes(spawn):
    first = spawn().start()
    assert first.post(event("c-1")).status == 200
    second = spawn({"file.path": first.events}).launch()
    second.wait_log("lock|wait")
    assert second.running()
    first.stop()
    second.wait_ready()
    assert second.post(event("c-2")).status == 200
    assert sorted(second.ids()) == ["c-1", "c-2"]
    second.stop().check()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_daemon_that_waits_stops_when_it_is_told_to(spawn, number):
    first = spawn().start()
    second = spawn({"file.path": first.events}).launch()
    second.wait_log("lock|wait")
    second.signal(number)
    assert second.wait_exit() == 0
    assert second.log()[-1]["level"] == "info", "it did not wait to the end and then refuse"


def test_a_second_daemon_starts_when_the_first_is_killed(spawn):
    first = spawn().start()
    second = spawn({"file.path": first.events}).launch()
    second.wait_log("lock|wait")
    first.kill()
    second.wait_ready()


def test_a_second_daemon_is_kept_out_under_another_name_of_the_file_too(spawn):
    first = spawn().start()
    link = first.folder / "link.jsonl"
    link.symlink_to(first.events)
    second = spawn({"file.path": link}).launch()
    second.wait_log("lock|wait")
    assert second.running()
    first.stop()
    second.wait_ready()


def test_the_lock_is_on_a_file_that_is_never_renamed(spawn):
    first = spawn().start()
    lock = first.folder / "events.jsonl.lock"
    inode = lock.stat().st_ino
    first.events.rename(first.folder / "rotated")
    first.signal(signal.SIGUSR1)
    eventually(first.events.exists, "the new file is begun")
    second = spawn({"file.path": first.events}).launch()
    second.wait_log("lock|wait")
    first.stop()
    second.wait_ready()
    assert lock.stat().st_ino == inode
