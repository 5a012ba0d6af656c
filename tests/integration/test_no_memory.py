# SPDX-License-Identifier: Apache-2.0
"""Each allocation that an event takes fails in turn, from the connection's own to the last: one
event may be refused or its connection closed, the next is stored, and each is accounted for."""

import mmap
import struct

import pytest

import wire
from harness import BUILD
from wire import event

SHIM = BUILD / "tests" / "integration" / "libno_memory.so"

EVENTS = {
    "small": wire.post(event("c-1")),
    # Too large for whatever is kept for the next event, so that all of it is taken anew.
    "large": wire.post(event("c-1", padding="x" * 3_000_000)),
    "with escapes": wire.post(event("c-\u20ac", type="\u20ac" * 500)),
    "an update": wire.post(event("c-1", "conversation:updated", state="\u20ac")),
    "skipped": wire.post(event("c-1", "conversation:other")),
    "in chunks": wire.chunked(event("c-1", padding="x" * 100_000), [1, 1000, 50_000]),
}
CLOSED = 0


class Memory:
    """The number that the shim (no_memory.c) counts down."""

    def __init__(self, path):
        path.write_bytes(bytes(8))
        self.path = path
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 8)

    def environment(self):
        assert SHIM.exists(), f"{SHIM} is not built"
        return {"LD_PRELOAD": str(SHIM), "GW_NO_MEMORY": str(self.path)}

    def fail(self, number):
        """The number-th allocation from now on; 0: none."""
        self.map[:] = struct.pack("=q", number)

    def left(self):
        return max(0, struct.unpack("=q", self.map)[0])


def status_of(daemon, message):
    try:
        return daemon.ask(message).status
    except (ConnectionError, wire.Closed):
        return CLOSED


@pytest.mark.parametrize("message", EVENTS.values(), ids=EVENTS.keys())
def test_no_failed_allocation_does_any_harm(spawn, tmp_path, message):
    memory = Memory(tmp_path / "countdown")
    daemon = spawn({"server.workers": 1}, environment=memory.environment()).start()
    statuses = []
    while True:
        memory.fail(len(statuses) + 1)
        statuses.append(status_of(daemon, message))
        untouched = memory.left() > 0
        memory.fail(0)
        assert daemon.ask(message).status == 200, statuses
        if untouched:
            break
    print(statuses)
    assert set(statuses) <= {200, 500, 503, CLOSED} and statuses[-1] == 200
    assert 500 in statuses and len(statuses) > 5
    assert daemon.stop().check(lines=len(daemon.records()))["rejected"] == 0
