# SPDX-License-Identifier: Apache-2.0
"""send against the real daemon, and against a receiver that answers when a test says so."""

import collections
import http.server
import os
import pathlib
import pty
import re
import signal
import subprocess
import threading

import pytest

import wire
from companion import run, url, write
from harness import BOUND, COMPANION, clean_environment, eventually, free_port
from wire import event

TIMES = re.compile(r" +(\d+)  in (\d+\.\d{3}) s: (\d+\.\d) a second\n +answered within  "
                   r"p50 (\d+\.\d) ms  p90 (\d+\.\d) ms  p99 (\d+\.\d) ms  max (\d+\.\d) ms\n")


class Receiver:
    """Answers 200 once may_answer(receiver) is true, which is asked whenever something changes."""

    def __init__(self, may_answer=lambda receiver: True):
        self.changed = threading.Condition()
        self.bodies, self.under_way, self.most, self.answered, self.connections = [], 0, 0, 0, 0
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                with receiver.changed:
                    receiver.connections += 1

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.take(body, may_answer)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhook"

    def take(self, body, may_answer):
        with self.changed:
            self.bodies.append(body)
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            self.changed.notify_all()
            self.changed.wait_for(lambda: may_answer(self), BOUND)
            self.under_way -= 1
            self.answered += 1
            self.changed.notify_all()

    def ask_again(self):
        with self.changed:
            self.changed.notify_all()

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def body(tmp_path):
    return write(tmp_path / "event.json", event("c-1"))


def times(done):
    """(events, seconds, a second, p50, p90, p99, max) as they are said behind the table."""
    [found] = TIMES.findall(done.stdout)
    return [float(text) for text in found]


def begin(*arguments, **options):
    environment = clean_environment(GENESYS_WEBHOOK_SECRET=wire.SECRET)
    return subprocess.Popen([str(COMPANION), "send", *map(str, arguments)], env=environment,
                            stdout=subprocess.PIPE, **options)


def test_send_posts_files_and_counts_answers(daemon, tmp_path):
    files = [write(tmp_path / f"{number}.json", event(f"c-{number}")) for number in range(3)]
    done = run("send", url(daemon), *files)
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.split() == ["EVENTS", "ANSWER", "3", "200"]
    assert sorted(daemon.ids()) == ["c-0", "c-1", "c-2"]


def test_send_posts_json_lines(daemon):
    lines = b"\n".join([event("c-1"), b"", event("c-2"), b"{broken", event("c-3")])
    done = run("send", "--lines", url(daemon), stdin=lines)
    assert done.returncode == 1, "one was not answered 2xx"
    assert done.stdout.split()[2:] == ["3", "200", "1", "400"]
    assert "4" in done.stderr and "400" in done.stderr
    assert sorted(daemon.ids()) == ["c-1", "c-2", "c-3"]


def test_send_with_a_wrong_secret_shows_the_401(daemon):
    done = run("send", url(daemon), stdin=event("c-1"), secret="another-secret-0123456789")
    assert done.returncode == 1 and "401" in done.stdout


def test_send_to_nobody_fails():
    done = run("send", f"http://127.0.0.1:{free_port('127.0.0.1')}/webhook", stdin=event("c-1"))
    assert done.returncode == 1
    assert "no answer" in done.stderr


def test_send_waits_no_longer_than_it_was_told():
    with wire.socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        done = run("send", "--timeout", "0.5", f"http://127.0.0.1:{port}/", stdin=event("c-1"))
    assert done.returncode == 1 and "no answer" in done.stderr


@pytest.mark.parametrize("target", ["nonsense://x", "http://", "file:///etc/passwd"])
def test_send_to_no_url_is_an_error(target):
    done = run("send", target, stdin=b"{}")
    assert done.returncode in (1, 2) and target in done.stderr


def test_a_few_events_leave_no_figures(daemon, body):
    assert run("send", url(daemon), body, body).stdout == "  EVENTS  ANSWER\n       2  200\n"


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_count_sends_the_files_round_and_round(daemon, tmp_path, concurrency):
    files = [write(tmp_path / f"{number}.json", event(f"c-{number}")) for number in range(3)]
    done = run("send", "--count", 7, "--concurrency", concurrency, url(daemon), *files)
    assert done.returncode == 0 and done.stderr == ""
    assert daemon.ids() == {"c-0": 3, "c-1": 2, "c-2": 2}
    assert done.stdout.startswith("  EVENTS  ANSWER\n       7  200\n")
    events, seconds, rate, *percentiles = times(done)
    assert events == 7 and rate == pytest.approx(7 / seconds, rel=0.1, abs=0.1)
    assert percentiles == sorted(percentiles) and percentiles[0] > 0


def test_a_count_below_the_number_of_events_ends_early(daemon, tmp_path):
    lines = write(tmp_path / "l.jsonl", b"\n".join(event(f"c-{number}") for number in range(9)))
    assert run("send", "--lines", "-n", 4, url(daemon), lines).returncode == 0
    assert sorted(daemon.ids()) == ["c-0", "c-1", "c-2", "c-3"]
    assert run("send", "--lines", "-n", 11, "-j", 3, url(daemon), lines).returncode == 0
    assert sum(daemon.ids().values()) == 15


def test_a_count_of_nothing_ends(daemon, tmp_path):
    empty = write(tmp_path / "empty", b"\n \n")
    assert run("send", "--lines", "--count", 5, url(daemon), empty).returncode == 0
    done = run("send", "--count", 5, url(daemon), tmp_path / "none")
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1


def test_what_cannot_be_read_ends_a_count_after_the_round(daemon, body, tmp_path):
    done = run("send", "--count", 1000, url(daemon), body, tmp_path / "none")
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert daemon.ids() == {"c-1": 1}


def test_as_many_are_under_way_as_it_was_told(body):
    def may_answer(receiver):
        return receiver.most >= 4

    with Receiver(may_answer) as receiver:
        done = run("send", "-n", 20, "--concurrency", 4, receiver.url, body)
        assert done.returncode == 0, done.stderr
        assert receiver.most == 4 and receiver.connections == 4


def test_one_after_the_other_shares_a_connection(body):
    with Receiver() as receiver:
        assert run("send", "-n", 20, receiver.url, body).returncode == 0
        assert (receiver.most, receiver.connections) == (1, 1)


def test_at_a_rate_a_late_answer_does_not_delay_the_next(tmp_path):
    lines = write(tmp_path / "l.jsonl", event("c-1") + b"\n")
    with Receiver(lambda receiver: len(receiver.bodies) >= 5) as receiver:
        done = run("send", "--lines", "-n", 5, "--rate", 20, "-j", 8, receiver.url, lines)
    assert done.returncode == 0, done.stderr
    assert times(done)[1] >= 0.2 and times(done)[6] >= 200, "the first waited for the fifth"


def test_a_rate_is_not_exceeded(body):
    with Receiver() as receiver:
        done = run("send", "-n", 5, "--rate", 10, "-j", 5, receiver.url, body)
    assert times(done)[1] >= 0.4


def test_a_rate_that_is_not_reached_is_told_and_shows_in_the_times(body):
    def may_answer(receiver):
        receiver.changed.wait(0.1)
        return True

    with Receiver(may_answer) as receiver:
        done = run("send", "-n", 5, "--rate", 1000, receiver.url, body)
    assert done.returncode == 0 and "rate was not reached" in done.stderr
    assert times(done)[6] >= 400, "the last one was due at once, and four came before it"


def test_varied_ids_make_every_event_a_conversation_of_its_own(daemon, tmp_path):
    pretty = b'{ "event_type": "conversation:created", "conversation_id" : "a\\u0022" , ' \
             b'"type": "voice", "timestamp": "2026-11-23T12:00:00Z" }'
    files = [write(tmp_path / "1", event("c-1")), write(tmp_path / "2", pretty)]
    done = run("send", "-n", 4, "-j", 4, "--vary-id", url(daemon), *files)
    assert (done.returncode, done.stderr) == (0, "")
    assert daemon.ids() == {"c-1-1": 1, 'a"-2': 1, "c-1-3": 1, 'a"-4': 1}


@pytest.mark.parametrize("data", [b"{broken", b"[1]", b'{"conversation_id":7}', b""])
def test_what_has_no_id_is_sent_as_it_is(tmp_path, data):
    with Receiver() as receiver:
        run("send", "-n", 2, "--vary-id", receiver.url, write(tmp_path / "e", data))
    assert receiver.bodies == [data, data]


@pytest.mark.parametrize("arguments, said", [
    (["--count", "2"], "FILEs"), (["--concurrency", "2"], "FILEs"), (["-n", "2", "-"], "FILEs"),
    (["--concurrency", "1001", "x"], "at most 1000"), (["--count", "0", "x"], "whole number"),
    (["--rate", "-1", "x"], "whole number"), (["--rate", "1.5", "x"], "whole number")])
def test_what_does_not_go_together_is_wrong_usage(arguments, said):
    options = [word for word in arguments if word not in ("x", "-")]
    files = [word for word in arguments if word in ("x", "-")]
    done = run("send", *options, "http://127.0.0.1:1/", *files)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_the_sums_so_far(body, number):
    with Receiver(lambda receiver: receiver.answered < 3) as receiver:
        sending = begin("-n", 100, "-j", 2, receiver.url, body, stderr=subprocess.PIPE)
        eventually(lambda: receiver.answered == 3 and receiver.under_way == 2, "two hang")
        sending.send_signal(number)
        out, err = (text.decode() for text in sending.communicate(timeout=BOUND))
    assert sending.returncode == 1
    assert out.startswith("  EVENTS  ANSWER\n       3  200\n")
    assert "interrupted: 2 events were under way" in err


def test_a_signal_ends_it_while_it_waits_for_a_line():
    with Receiver() as receiver:
        sending = begin("--lines", receiver.url, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        sending.stdin.write(event("c-1") + b"\n")
        sending.stdin.flush()
        eventually(lambda: receiver.answered == 1, "it is sent before the pipe ends")
        waits_at = pathlib.Path(f"/proc/{sending.pid}/wchan")
        eventually(lambda: "pipe_read" in waits_at.read_text(), "it waits for the next line")
        sending.send_signal(signal.SIGINT)
        sending.wait(BOUND)
        out, err = (text.decode() for text in sending.communicate())
    assert (sending.returncode, out) == (1, "  EVENTS  ANSWER\n       1  200\n")
    assert "interrupted: 0 events" in err


class Terminal:
    """A pseudo-terminal and all that was written to it."""

    def __init__(self):
        self.master, self.slave = pty.openpty()
        self.text = ""
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while True:
            try:
                self.text += os.read(self.master, 4096).decode()
            except OSError:
                return


def test_a_terminal_shows_a_bar_until_it_is_over(body):
    terminal = Terminal()
    seen = threading.Event()
    with Receiver(lambda receiver: receiver.answered < 2 or seen.is_set()) as receiver:
        sending = begin("-n", 4, receiver.url, body, stderr=terminal.slave)
        bar = eventually(lambda: re.search(r"\[#{15} {15}\] 2 of 4 answered, \d+ a second",
                                           terminal.text), "a bar")
        assert bar
        seen.set()
        receiver.ask_again()
        assert sending.communicate(timeout=BOUND)[0].startswith(b"  EVENTS  ANSWER\n       4  200")
    eventually(lambda: terminal.text.endswith("\r\x1b[K"), "it is taken away")


def test_where_there_is_no_terminal_there_is_no_bar(body):
    def may_answer(receiver):
        receiver.changed.wait(0.5)
        return True

    with Receiver(may_answer) as receiver:
        assert run("send", receiver.url, body).stderr == ""


def test_every_event_of_a_load_is_accounted_for(daemon, tmp_path):
    """No answer is lost or counted twice, and the daemon agrees."""
    lines = write(tmp_path / "l.jsonl", (event("c-1") + b"\n") * 50)
    done = run("send", "--lines", "-n", 500, "-j", 32, "--vary-id", url(daemon), lines)
    assert done.returncode == 0 and "     500  200\n" in done.stdout
    assert daemon.ids() == collections.Counter(f"c-1-{number}" for number in range(1, 501))
