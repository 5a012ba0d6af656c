# SPDX-License-Identifier: Apache-2.0
"""SIGUSR1 after a rename, as logrotate does it: nothing is lost between the two files."""

import shutil
import signal
import subprocess

import pytest

from harness import SOURCE, eventually
from load import Load, check_stored
from wire import event


def rotate(daemon, number):
    """Renames the file and has a new one begun; the old one keeps what it got."""
    target = daemon.folder / f"events.jsonl.{number}"
    daemon.events.rename(target)
    daemon.signal(signal.SIGUSR1)
    eventually(daemon.events.exists, "the new file is begun")
    return target


def test_rotation_under_load_loses_nothing(daemon):
    with Load(daemon.address, connections=16) as load:
        for number in range(10):
            load.wait_acked(100)
            rotate(daemon, number)
        load.wait_acked(100)
        load.stop()
    assert not load.refused and not load.unknown and not load.closing, load.summary()
    assert len(daemon.files()) == 11
    ids = daemon.ids()
    check_stored(load, ids)
    daemon.stop().check(lines=sum(ids.values()))


@pytest.mark.skipif(not shutil.which("logrotate", path="/usr/sbin:/usr/bin"),
                    reason="logrotate is not installed")
def test_logrotate_with_the_packaged_file_loses_nothing(daemon, tmp_path):
    """Its file as it is, but for where the events are and how the daemon is told."""
    text = (SOURCE / "packaging/logrotate/genesys-webhookd").read_text()
    file = tmp_path / "logrotate"
    for packaged, here in (
            ("/var/lib/genesys-webhookd/events.jsonl", f"{daemon.events}"),
            ("systemctl --quiet is-active genesys-webhookd.service", "true"),
            ("systemctl kill --kill-whom=main --signal=USR1 genesys-webhookd.service",
             f"kill -USR1 {daemon.pid}")):
        assert packaged in text
        text = text.replace(packaged, here)
    file.write_text(text)
    with Load(daemon.address, connections=16) as load:
        for number in range(1, 6):
            load.wait_acked(100)
            subprocess.run(["logrotate", "--force", "--state", tmp_path / "state", file],
                           check=True, timeout=60,
                           env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
            eventually(daemon.events.exists, "the new file is begun")
        load.wait_acked(100)
        load.stop()
    assert not load.refused and not load.unknown and not load.closing, load.summary()
    assert (daemon.folder / "events.jsonl.1").exists(), "compressed a rotation later"
    assert (daemon.folder / "events.jsonl.5.gz").exists()
    assert not (daemon.folder / "events.jsonl.lock.1").exists()
    check_stored(load, daemon.ids())
    daemon.stop()


def test_what_comes_after_the_rotation_is_in_the_new_file(daemon):
    assert daemon.post(event("before")).status == 200
    old = rotate(daemon, 1)
    size = old.stat().st_size
    assert daemon.post(event("after")).status == 200
    assert old.stat().st_size == size
    assert b'"after"' in daemon.events.read_bytes()
    daemon.stop().check(lines=2)


def test_a_usr1_without_a_rename_goes_on_in_the_same_file(daemon):
    with Load(daemon.address) as load:
        for _ in range(20):
            load.wait_acked(10)
            daemon.signal(signal.SIGUSR1)
        load.stop()
    assert not load.refused and not load.unknown, load.summary()
    check_stored(load, daemon.ids())
    daemon.stop().check(lines=len(load.acked))


@pytest.mark.parametrize("obstacle", ["a folder in its place", "its folder is gone"])
def test_where_the_new_file_cannot_be_opened_the_old_one_is_kept(spawn, obstacle):
    daemon = spawn()
    place = daemon.folder / "data"
    place.mkdir()
    daemon.configure(**{"file.path": place / "events.jsonl"})
    daemon.start()
    assert daemon.post(event("before")).status == 200
    if obstacle == "a folder in its place":
        old = place / "old"
        daemon.events.rename(old)
        daemon.events.mkdir()
    else:
        place.rename(daemon.folder / "moved")
        old = daemon.folder / "moved" / "events.jsonl"
    since = daemon.log_length()
    daemon.signal(signal.SIGUSR1)
    daemon.wait_log(r'"level":"(error|warning)"', since)
    assert daemon.post(event("after")).status == 200
    assert b'"after"' in old.read_bytes()
    daemon.stop().check(lines=2)


def test_a_torn_end_of_the_new_file_is_moved_aside_too(daemon):
    daemon.events.rename(daemon.folder / "events.jsonl.1")
    daemon.events.write_bytes(b'{"torn')
    daemon.signal(signal.SIGUSR1)
    eventually(lambda: list(daemon.folder.glob("events.jsonl.torn-*")), "it is moved aside")
    assert daemon.post(event("after")).status == 200
    assert daemon.events.read_bytes().startswith(b'{"receivedAt"')
