# SPDX-License-Identifier: Apache-2.0
"""Starting on what a power cut left: whole lines stay, a torn end is moved aside, and it always
starts, as fast as on an empty file."""

import os
import time

import pytest

from wire import event

# To leave root without its right to read and write whatever it wants.
AS_ANYBODY = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] \
    if os.geteuid() == 0 else []

WHOLE = b'{"receivedAt":"2026-11-23T12:00:00.123Z","eventType":"conversation:updated",' \
        b'"action":"update","eventOrder":28567296000000005,"item":{"conversationId":"old",' \
        b'"status":"held","timestamp":"2026-11-23T12:00:00Z"},"payload":{"a":1}}\n'

ENDS = {
    "nothing": b"",
    "one byte": b"{",
    "half a line": WHOLE[:100],
    "all but the line break": WHOLE[:-1],
    "zeroes": b"\0" * 512,
    "half a line and zeroes": WHOLE[:77] + b"\0" * 1000,
    "much": b"x" * 3_000_000,
}


@pytest.mark.parametrize("torn", ENDS.values(), ids=ENDS.keys())
@pytest.mark.parametrize("before", [b"", WHOLE * 3], ids=["alone", "after whole lines"])
def test_a_torn_end_is_moved_aside_and_logged(spawn, before, torn):
    daemon = spawn()
    daemon.events.write_bytes(before + torn)
    daemon.start()
    assert daemon.events.read_bytes() == before
    aside = [path.read_bytes() for path in daemon.folder.glob("events.jsonl.torn-*")]
    assert aside == ([torn] if torn else [])
    if torn:
        daemon.wait_log(r'"level":"warning".*torn')
    assert daemon.post(event("new")).status == 200
    lines = daemon.events.read_bytes()
    assert lines.startswith(before) and lines[len(before):].count(b"\n") == 1
    daemon.stop().check(lines=1 if not before else None)


def test_torn_ends_of_two_starts_are_both_kept(spawn):
    daemon = spawn()
    for torn in (b"first", b"second"):
        with open(daemon.events, "ab") as file:
            file.write(torn)
        daemon.start().stop()
    aside = sorted(path.read_bytes() for path in daemon.folder.glob("events.jsonl.torn-*"))
    assert aside == [b"first", b"second"]


def test_lines_that_do_not_parse_in_the_middle_are_left_alone(spawn):
    daemon = spawn()
    before = WHOLE + b"\0" * 512 + b"\n" + b"nonsense\n" + WHOLE
    daemon.events.write_bytes(before)
    daemon.start()
    assert daemon.events.read_bytes() == before
    assert daemon.post(event("new")).status == 200


def test_it_starts_in_a_folder_that_it_may_write_to_but_not_read(spawn):
    daemon = spawn(wrapper=AS_ANYBODY)
    place = daemon.folder / "data"
    place.mkdir()
    daemon.configure(**{"file.path": place / "events.jsonl"})
    place.chmod(0o300)
    daemon.start()
    assert daemon.post(event("c-1")).status == 200
    place.chmod(0o700)
    daemon.stop().check(lines=1)


def test_a_large_file_delays_no_start_and_takes_no_memory(spawn):
    """4 GiB, sparse but for its end: whoever read it would be seen."""
    small, large = spawn(), spawn()
    with open(large.events, "wb") as file:
        file.seek(4 << 30)
        file.write(b"\n" + WHOLE)
    began = time.monotonic()
    large.start()
    assert time.monotonic() - began < 5
    small.start()
    assert large.memory("VmHWM") < small.memory("VmHWM") + (8 << 20)
    assert large.post(event("new")).status == 200
    assert large.events.stat().st_size > (4 << 30) + len(WHOLE) + 1
    large.stop()
