# SPDX-License-Identifier: Apache-2.0
"""SIGKILL in a loop under load: nothing that was acknowledged is lost, and the file is whole after
each. KILLS says how often; the instrumented builds take fewer."""

import os
import random
import time

from harness import eventually
from load import Load
from wire import event

KILLS = int(os.environ.get("KILLS", "200"))


def check_file(daemon, load):
    """After a start: every line parses, every acknowledged id is there exactly once."""
    assert daemon.events.read_bytes().endswith(b"\n")
    ids = daemon.ids()
    missing = [identity for identity in load.acked if ids[identity] != 1]
    assert not missing, f"{len(missing)} acknowledged events are lost or doubled: {missing[:5]}"
    # The rest are those whose answer was cut off with the process.
    assert set(ids) <= set(load.acked) | set(load.unknown)


def test_nothing_acknowledged_is_lost_by_sigkill(spawn):
    daemon = spawn()
    chance = random.Random(20261123)
    daemon.start()
    with Load(daemon.address, connections=16, reconnect=True, padding=400) as load:
        for _ in range(KILLS):
            load.wait_acked(chance.randrange(1, 120))
            daemon.kill()
            daemon.start()
        load.wait_acked(50)
        load.stop()
        check_file(daemon, load)
    assert not load.refused, load.summary()
    daemon.stop().check()
    print(f"{KILLS} kills, {load.summary()}")


def test_the_file_is_whole_after_each_kill(spawn):
    """Checked between the lives, so that a fault of one is not mended by the next."""
    daemon = spawn()
    for life in range(KILLS):
        daemon.start()
        with Load(daemon.address, connections=8, prefix=f"life-{life}") as load:
            load.wait_acked(30)
            daemon.kill()
            load.join()
        survivors = daemon.events.read_bytes()
        daemon.start()
        check_life(daemon, load, survivors)
        daemon.stop()


def check_life(daemon, load, survivors):
    whole, _, torn = survivors.rpartition(b"\n")
    assert daemon.events.read_bytes() == whole + b"\n"
    aside = [path.read_bytes() for path in daemon.folder.glob("events.jsonl.torn-*")]
    assert not torn or torn in aside
    ids = daemon.ids()
    assert all(ids[identity] == 1 for identity in load.acked)


def test_a_kill_while_starting_harms_nothing(spawn):
    daemon = spawn()
    daemon.start()
    assert daemon.post(event("c-1")).status == 200
    daemon.kill()
    chance = random.Random(7)
    for _ in range(10):
        daemon.launch()
        time.sleep(chance.random() * 0.03)
        daemon.kill()
    daemon.start()
    assert list(daemon.ids()) == ["c-1"]
    eventually(lambda: daemon.post(event("c-2")).status == 200, "it serves")
