# SPDX-License-Identifier: Apache-2.0
"""genesys-webhook tail: what the real daemon stores comes once, in order, over rotations too."""

import contextlib
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios

import pytest

from harness import BOUND, COMPANION, SANITIZER, clean_environment, eventually, write_ini
from load import Load
from test_rotate import rotate
from wire import event

ENDED, UPDATED = "conversation:ended", "conversation:updated"


class Tail:
    """One process; what it printed is in files, so that nothing waits for a reader."""

    def __init__(self, folder, *arguments, environment=None):
        self.out, self.err = folder / "tail.out", folder / "tail.err"
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen(
                [str(COMPANION), "tail", *map(str, arguments)], stdin=subprocess.DEVNULL,
                stdout=out, stderr=err, env=clean_environment(**(environment or {})), cwd=folder)

    def lines(self):
        return self.out.read_text().splitlines()

    def said(self):
        return self.err.read_text()

    def wait(self, count):
        return eventually(lambda: self.lines() if len(self.lines()) >= count else None,
                          f"{count} lines")

    def wait_said(self, text):
        eventually(lambda: text in self.said(), f"it says {text}")

    def end(self, number=signal.SIGINT):
        """Its exit status after that signal."""
        self.process.send_signal(number)
        status = self.process.wait(BOUND)
        assert not SANITIZER.search(self.said()), self.said()
        return status


@pytest.fixture
def tail(tmp_path):
    """Starts them; ends what still runs."""
    made = []

    def start(*arguments, **options):
        folder = tmp_path / f"tail-{len(made)}"
        folder.mkdir()
        made.append(Tail(folder, *arguments, **options))
        return made[-1]

    yield start
    for one in made:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


def once(*arguments, **environment):
    done = subprocess.run([str(COMPANION), "tail", "--no-follow", *map(str, arguments)],
                          env=clean_environment(**environment), capture_output=True, timeout=60,
                          check=False)
    assert not SANITIZER.search(done.stderr.decode()), done.stderr
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def line(number, event_type="conversation:created", at="2026-11-23T12:00:00.000Z", **item):
    """A stored line, its event a second and a half older than the storing."""
    action = "update" if event_type == UPDATED else "put"
    order = (1795435200000 - 1500) * 16 + (5 if action == "update" else 4)
    item = {"conversationId": f"c-{number}", "status": "active", **item}
    return json.dumps({"receivedAt": at, "eventType": event_type, "action": action,
                       "eventOrder": order, "item": item, "payload": {"n": number}}) + "\n"


@pytest.fixture
def stored(tmp_path):
    """A file with 20 events, of which some differ in what can be asked for."""
    path = tmp_path / "events.jsonl"
    lines = [line(number, at=f"2026-11-23T12:{number:02}:00.000Z", type="voice")
             for number in range(20)]
    lines[3] = line(3, UPDATED, at="2026-11-23T12:03:00.000Z", status="wrapup")
    lines[5] = line(5, ENDED, at="2026-11-23T12:05:00.000Z", status="ended", type="chat",
                    externalContactId="k-7")
    path.write_text("".join(lines))
    return path


def ids(text):
    return re.findall(r"\bc-\d+\b", text)


# --- what is shown

def test_a_line_says_what_an_operator_wants(stored):
    status, out, err = once(stored, "--id", "c-5")
    assert (status, err) == (0, "")
    assert out.split() == ["2026-11-23T12:05:00.000Z", "ended", "chat", "ended", "c-5", "+5m",
                           "k-7"]
    assert once(stored, "--id", "c-0")[1].split()[-2:] == ["+1.5s", "-"]
    stored.write_text(line(1, at="2026-11-23T09:00:00.000Z"))
    assert once(stored)[1].split()[-2:] == ["-2h", "-"]
    stored.write_text(line(1).replace(str((1795435200000 - 1500) * 16 + 4), "4"))
    assert once(stored)[1].split()[-2:] == ["-", "-"]


@pytest.mark.parametrize("options, shown", [
    ([], range(10, 20)), (["-n", 2], [18, 19]), (["-n", 0], []), (["-n", 99], range(20)),
    (["--event", "ended"], [5]), (["--event", "updated"], [3]), (["--type", "chat"], [5]),
    (["--status", "wrapup"], [3]), (["--id", "c-7"], [7]), (["--type", "chat", "--id", "c-7"], []),
    (["-n", 2, "--type", "voice", "--event", "created"], [18, 19]),
    (["--since", "2026-11-23T12:04:00Z"], range(4, 20)),
    (["--since", "2026-11-23T12:04:00.001Z", "-n", 99], range(5, 20)),
    (["--since", "2026-11-23T12:04:00Z", "-n", 1], [19]), (["--since", "10m"], [])], ids=str)
def test_filters_and_last_lines(stored, options, shown):
    status, out, err = once(stored, *options)
    assert (status, err) == (0, "")
    assert ids(out) == [f"c-{number}" for number in shown]


def test_a_duration_counts_from_now(daemon):
    daemon.post(event("c-1"))
    for since in ("90s", "10m", "10min", "2h", "7d"):
        assert ids(once(daemon.events, "--since", since)[1]) == ["c-1"], since


@pytest.mark.parametrize("options", [["--since", "10"], ["--since", "soon"], ["--since", "10x"],
                                     ["-n", "-1"], ["-n", "ten"], ["--color", "red"],
                                     ["--event", "crated"], ["--config", "x", "y"]], ids=str)
def test_wrong_usage_is_2(stored, options):
    status, out, err = once(*options, *([] if options[0] == "--config" else [stored]))
    assert (status, out) == (2, "") and options[0].strip("-")[:5] in err


def test_json_passes_lines_through(stored):
    whole = stored.read_text().splitlines(keepends=True)
    assert once(stored, "--json", "-n", 3)[1] == "".join(whole[-3:])
    assert once(stored, "--json", "--type", "chat")[1] == whole[5]


def test_what_is_hostile_is_made_visible(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text(line(1, type="\x1b[2J", status="a\nb", externalContactId="\u202egnp"))
    out = once(path)[1]
    assert r"\x1b[2J" in out and r"a\nb" in out and r"\u202e" in out
    assert out.count("\n") == 1 and "\x1b" not in out and "\u202e" not in out


def test_lines_that_cannot_be_read_are_counted(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text(line(1) + "broken\n" + " " * 4096 + "\n" + "\0\0\n" + line(2) + line(3)[:40])
    status, out, err = once(path, "-n", 99)
    assert (status, ids(out)) == (0, ["c-1", "c-2"])
    assert "2 lines skipped" in err


@pytest.mark.parametrize("name, said", [("nothing.jsonl", "No such file"), (".", "plain file")])
def test_what_cannot_be_followed_fails(tmp_path, name, said):
    status, out, err = once(tmp_path / name)
    assert (status, out) == (1, "") and said in err


# --- which file

def test_the_configuration_names_the_file(daemon, tmp_path):
    daemon.post(event("c-1"))
    assert ids(once("--config", daemon.ini)[1]) == ["c-1"]
    write_ini(tmp_path / "state.ini", {"file.path": daemon.events.name})
    assert ids(once("--config", tmp_path / "state.ini",
                    STATE_DIRECTORY=f"{daemon.folder}:/elsewhere")[1]) == ["c-1"]


def test_a_configuration_without_a_file_store_is_told(tmp_path):
    write_ini(tmp_path / "x.ini", {"storage.backend": "dynamodb"})
    assert "backend is not file" in once("--config", tmp_path / "x.ini")[2]
    write_ini(tmp_path / "x.ini", {"file.pth": "x"})
    status, _, err = once("--config", tmp_path / "x.ini")
    assert status == 1 and "pth" in err


# --- following

def test_events_come_as_they_are_stored(daemon, tail):
    daemon.post(event("c-1"))
    process = tail(daemon.events)
    process.wait(1)
    daemon.post(event("c-2", ENDED))
    assert ids(process.wait(2)[1]) == ["c-2"]
    assert process.end() == 0
    assert process.said() == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_by_a_signal(stored, tail, number):
    process = tail(stored)
    process.wait(10)
    assert (process.end(number), process.said()) == (0, "")


def test_a_file_that_is_not_there_yet_is_waited_for(tail, tmp_path):
    path = tmp_path / "later.jsonl"
    process = tail(path)
    process.wait_said("waiting")
    path.write_text(line(1))
    process.wait(1)
    assert process.end() == 0
    process = tail(tmp_path / "never.jsonl")
    process.wait_said("waiting")
    assert process.end() == 0


def test_an_unfinished_line_is_waited_for(tail, stored):
    process = tail(stored, "-n", 1)
    process.wait(1)
    whole = line(77)
    with open(stored, "a", buffering=1, encoding="utf-8") as file:
        file.write(whole[:50])
        file.flush()
        file.write(whole[50:])
    assert ids(process.wait(2)[1]) == ["c-77"]
    assert process.end() == 0 and process.said() == ""


def test_rotation_under_load_shows_each_event_once(daemon, tail):
    daemon.post(event("first"))
    process = tail("--json", daemon.events)
    process.wait(1)
    with Load(daemon.address, connections=8) as load:
        for number in range(5):
            load.wait_acked(50)
            rotate(daemon, number)
            eventually(lambda: daemon.events.stat().st_size, "the new file has begun")
            eventually(lambda n=number: process.said().count("rotated") > n, "it is followed")
        load.wait_acked(50)
        load.stop()
    stored = daemon.records()
    process.wait(len(stored))
    assert process.end() == 0
    shown = [json.loads(text)["item"]["conversationId"] for text in process.lines()]
    assert sorted(shown) == sorted(record["item"]["conversationId"] for record in stored)
    assert process.said().count("rotated") == 5


def test_the_old_file_is_followed_until_the_daemon_opens_the_new_one(daemon, tail):
    daemon.post(event("c-0"))
    process = tail(daemon.events)
    process.wait(1)
    daemon.events.rename(daemon.folder / "events.jsonl.1")
    daemon.post(event("c-1"))
    assert ids(process.wait(2)[1]) == ["c-1"]
    daemon.signal(signal.SIGUSR1)
    eventually(daemon.events.exists, "the new file is begun")
    daemon.post(event("c-2"))
    assert ids(process.wait(3)[2]) == ["c-2"]
    assert process.end() == 0


def test_truncation_is_told(tail, stored):
    process = tail(stored, "-n", 1)
    process.wait(1)
    stored.write_text(line(1))
    assert ids(process.wait(2)[1]) == ["c-1"]
    assert process.end() == 0 and "truncated" in process.said()


def test_a_closed_pipe_ends_it_even_where_no_event_comes(stored):
    process = subprocess.Popen([str(COMPANION), "tail", str(stored)], env=clean_environment(),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for _ in range(10):
        process.stdout.readline()
    process.stdout.close()
    assert process.wait(BOUND) == 1
    assert process.stderr.read() == b""
    process.stderr.close()


# --- on a terminal

def on_terminal(columns, *arguments, **environment):
    """What it prints on a terminal of that width."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen([str(COMPANION), "tail", "--no-follow", *map(str, arguments)],
                          stdin=subprocess.DEVNULL, stdout=follower, stderr=subprocess.PIPE,
                          env=clean_environment(**environment)) as process:
        os.close(follower)
        text = b""
        with contextlib.suppress(OSError):
            while piece := os.read(leader, 65536):
                text += piece
        os.close(leader)
        assert process.wait(BOUND) == 0
    return text.decode()


def test_a_terminal_gets_colours_unless_told_otherwise(stored):
    shown = on_terminal(120, stored, "-n", 1)
    assert re.fullmatch("\x1b\\[32m[^\x1b]*\x1b\\[0m\r\n", shown), shown
    assert "\x1b[36m" in on_terminal(120, stored, "--event", "ended")
    assert "\x1b" not in on_terminal(120, stored, NO_COLOR="1")
    assert "\x1b" not in on_terminal(120, stored, "--color", "never")
    assert "\x1b[32m" in on_terminal(120, stored, "--color", "always", NO_COLOR="1")
    assert "\x1b" not in once(stored)[1]
    assert "\x1b[32m" in once(stored, "--color", "always")[1]


@pytest.mark.parametrize("columns", [10, 30, 43, 44, 50, 80, 200])
def test_lines_are_cut_to_the_terminal(tmp_path, columns):
    path = tmp_path / "events.jsonl"
    path.write_text(line(1, type="voice", conversationId="9" * 36, externalContactId="k" * 60))
    shown = on_terminal(columns, path, "--color", "never").splitlines()
    assert len(shown) == 1 and len(shown[0]) <= columns
    assert ("9" * 36 in shown[0]) == (columns >= 80)
    assert shown[0].startswith("11-23 12:00:00"[:columns - 1])
