# SPDX-License-Identifier: Apache-2.0
"""Proof by the kernel's own record: no 200 leaves before an fdatasync that began after the event's
line was written has ended.

A system call has two places in the trace: where it began and where it ended; they differ where
another thread's call came between (strace then says "unfinished" and "resumed"). What must come
after something began after that had ended.
"""

import collections
import re
import shutil

import pytest

from harness import eventually
from load import Load, check_stored
from wire import event

CALLS = ("writev,pwritev,pwritev2,write,pwrite64,fdatasync,fsync,sync_file_range,sendto,sendmsg,"
         "sendfile,recvfrom,recvmsg,read,openat,close,accept4,accept")
LINE = re.compile(r"^(\d+) +(?:<\.\.\. (\w+) resumed>|(\w+)\()(.*)$")
RESULT = re.compile(r"= (-?\d+)[^=]*$")

Call = collections.namedtuple("Call", "name text began ended result")

pytestmark = pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")


def parse(trace):
    """The calls of all threads in the order in which they ended."""
    calls, open_calls = [], {}
    for at, line in enumerate(trace.split("\n")):
        match = LINE.match(line)
        if not match:
            continue
        thread, resumed, name, rest = match.groups()
        began, text = open_calls.pop(thread) if resumed else (at, "")
        text += rest
        if rest.endswith("<unfinished ...>"):
            open_calls[thread] = (began, text)
            continue
        result = RESULT.search(rest)
        calls.append(Call(resumed or name, text, began, at, int(result[1]) if result else None))
    return calls


def descriptor(call):
    return int(re.match(r"\d+", call.text)[0])


def traced(spawn, tmp_path, **settings):
    """strace as a grandchild (-D), so that the child is the daemon and takes the signals."""
    trace = tmp_path / "trace"
    wrapper = ["strace", "-D", "-f", "-q", "-s", "1000000", "-e", f"trace={CALLS}",
               "-e", "signal=none", "-o", str(trace)]
    # LeakSanitizer cannot work under a tracer.
    daemon = spawn(settings, wrapper=wrapper, environment={"ASAN_OPTIONS": "detect_leaks=0"})
    return daemon.start(), trace


def read_trace(trace):
    eventually(lambda: "+++ exited with" in trace.read_text(errors="replace")[-2000:],
               "strace has written all")
    return parse(trace.read_text(errors="replace"))


def written(calls, identity):
    """The write that put the event's line into the file."""
    found = [call for call in calls if call.name in ("writev", "pwritev", "pwritev2", "write",
                                                     "pwrite64")
             and f'"conversationId\\":\\"{identity}\\"' in call.text.replace('\\\\"', '\\"')
             and "receivedAt" in call.text]
    assert len(found) == 1, f"{identity} was written {len(found)} times"
    return found[0]


def synced(calls, write):
    """When the first sync that covers the write was over."""
    ends = [call.ended for call in calls
            if call.name in ("fdatasync", "fsync") and call.result == 0
            and call.began > write.ended and descriptor(call) == descriptor(write)]
    return min(ends, default=None)


def answered(calls, identity):
    """When the first byte of the answer to the event's request began to leave: the first send on
    the socket that its request came from."""
    came = [call for call in calls if call.name in ("recvfrom", "recvmsg", "read")
            and f'"conversation_id\\":\\"{identity}\\"' in call.text]
    assert len(came) == 1, f"the request of {identity} was read {len(came)} times"
    sends = [call.began for call in calls
             if call.name in ("sendto", "sendmsg", "write", "writev")
             and call.ended > came[0].ended and descriptor(call) == descriptor(came[0])]
    return min(sends)


def test_no_200_leaves_before_the_sync_that_covers_it(spawn, tmp_path):
    daemon, trace = traced(spawn, tmp_path)
    with Load(daemon.address, connections=8, padding=20) as load:
        load.wait_acked(300)
        load.stop()
    check_stored(load, daemon.ids())
    daemon.stop().check(lines=len(load.acked))
    calls = read_trace(trace)
    assert any(call.name == "fdatasync" for call in calls)
    for identity in load.acked:
        write = written(calls, identity)
        sync = synced(calls, write)
        assert sync is not None, f"{identity} was never synced"
        assert sync < answered(calls, identity), f"{identity} was answered before its sync"


def test_many_events_share_a_sync(spawn, tmp_path):
    daemon, trace = traced(spawn, tmp_path)
    with Load(daemon.address, connections=16, padding=20) as load:
        load.wait_acked(300)
        load.stop()
    daemon.stop()
    syncs = sum(call.name == "fdatasync" for call in read_trace(trace))
    assert 0 < syncs < len(load.acked)


def test_a_new_file_and_its_name_are_synced_before_the_first_200(spawn, tmp_path):
    daemon, trace = traced(spawn, tmp_path)
    assert daemon.post(event("c-1")).status == 200
    daemon.stop()
    calls = read_trace(trace)
    opened = [call for call in calls if call.name == "openat"
              and f'"{daemon.folder}/."' in call.text and (call.result or -1) >= 0]
    folders = {call.result for call in opened}
    syncs = [call for call in calls if call.name == "fsync" and descriptor(call) in folders
             and call.result == 0]
    assert syncs, "the folder is never synced"
    assert syncs[0].ended < answered(calls, "c-1")


def test_without_sync_there_is_none_for_an_event(spawn, tmp_path):
    daemon, trace = traced(spawn, tmp_path, **{"file.sync": "never"})
    with Load(daemon.address, connections=2, padding=20) as load:
        load.wait_acked(50)
        load.stop()
    daemon.stop()
    assert sum(call.name == "fdatasync" for call in read_trace(trace)) < 5
