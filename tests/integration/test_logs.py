# SPDX-License-Identifier: Apache-2.0
"""What the log says, in which form, and what it never says."""

import re
import signal

import pytest

import wire
from harness import eventually
from load import Load
from wire import event, get, post, sign

PAYLOAD = "payload-that-nobody-may-see"
LEVELS = ("error", "warning", "info", "debug")


def everything(daemon):
    """One request of each kind, all with the payload in them."""
    good = event("c-1", note=PAYLOAD)
    bad = good[:-1]
    requests = [post(good), post(bad), post(good, signature=sign(b"x")),
                post(good, signature=False), post(event(None, note=PAYLOAD)),
                post(event("c-2", "other", note=PAYLOAD)),
                post(event("c-3", timestamp="when?", note=PAYLOAD)),
                post(event("c-4", timestamp="2999-01-01T00:00:00Z", note=PAYLOAD)),
                post(event("c-5", note=PAYLOAD * 1000)), get(f"/{PAYLOAD}-path"),
                post(good, headers=[("Content-Length", "3")])]
    for request in requests:
        daemon.ask(request)
    return [good, bad, *[request.split(b"\r\n\r\n", 1)[1] for request in requests]]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_signature_or_payload_at_any_level(spawn, level, form):
    daemon = spawn({"log.level": level, "log.format": form, "server.max_body": "10KiB"})
    daemon.launch()
    daemon.wait_ready()
    bodies = everything(daemon)
    daemon.signal(signal.SIGHUP)
    daemon.end()
    text = daemon.log_text()
    assert wire.SECRET not in text
    assert f"{PAYLOAD}\"" not in text and "note" not in text
    for body in bodies:
        signature = sign(body)
        assert signature not in text and signature.upper() not in text
    assert sign(b"x") not in text


def test_levels_are_obeyed(spawn):
    daemon = spawn({"log.level": "error"}).start()
    everything(daemon)
    daemon.end()
    assert {entry["level"] for entry in daemon.log()} <= {"error"}


def test_json_lines_have_time_level_and_message(daemon):
    everything(daemon)
    daemon.stop()
    entries = daemon.log()
    assert len(entries) > 5
    for entry in entries:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry["time"])
        assert entry["level"] in LEVELS and entry["message"]


def test_json_is_json_from_the_first_line_on(spawn):
    """Also where there is something to say before it serves."""
    daemon = spawn(secret="short").start()
    assert any(entry["level"] == "warning" for entry in daemon.log())
    daemon.stop()


REFUSALS = {
    "bad signature": (post(event("c-1"), signature=sign(b"x")), 401),
    "no signature": (post(event("c-1"), signature=False), 401),
    "not JSON": (post(b"{"), 400),
    "no id": (post(event(None)), 500),
    "two hosts": (wire.head("POST", "/webhook", [("Host", "b"), ("Content-Length", 0)]), 400),
}


@pytest.mark.parametrize("request_bytes, status", REFUSALS.values(), ids=REFUSALS.keys())
def test_a_refused_request_is_logged_with_reason_and_peer(daemon, request_bytes, status):
    assert daemon.ask(request_bytes).status == status
    said = daemon.wait_log("127\\.0\\.0\\.1.*reason|reason.*127\\.0\\.0\\.1")
    assert said["level"] == "warning" and said["reason"]
    daemon.stop()


def test_refusals_have_different_reasons(daemon):
    for request_bytes, _ in REFUSALS.values():
        daemon.ask(request_bytes)
    daemon.stop()
    reasons = {entry["reason"] for entry in daemon.log() if "reason" in entry}
    assert len(reasons) == len(REFUSALS)


def test_a_flood_of_refusals_is_logged_at_a_limited_rate(daemon):
    with daemon.client() as client:
        for _ in range(20):
            client.send(post(event("c-1"), signature=False) * 100)
            assert {client.response().status for _ in range(100)} == {401}
        said = [entry for entry in daemon.log() if "reason" in entry]
        assert 1 <= len(said) < 400

        def told():
            client.post(event("c-1"), signature=False)
            return any(entry.get("suppressed", 0) > 1000 for entry in daemon.log())

        eventually(told, "a later line says how many were held back", interval=0.2)
    assert daemon.stop()["reply_401"] > 2000


def test_what_the_library_refuses_is_a_line_each_at_a_limited_rate(daemon):
    for _ in range(300):
        with daemon.client() as client:
            client.send(b"POST /webhook\r\nHost: a\r\n\r\n")
            client.rest()
    counters = daemon.stop()
    assert counters["refused_by_library"] == 300
    assert len(daemon.log()) < 200
    assert "<html" not in daemon.log_text().lower()


def test_stored_events_are_not_a_line_each(daemon):
    with Load(daemon.address) as load:
        load.wait_acked(300)
        load.stop()
    daemon.stop()
    assert len(daemon.log()) < 50


def test_a_hostile_path_cannot_forge_a_line(daemon):
    daemon.configure(**{"log.level": "debug"})
    daemon.signal(signal.SIGHUP)
    daemon.wait_log("reloaded")
    daemon.ask(get("/a%0a{\"level\":\"error\"}\x1b[31m\x9b\"quoted\""))
    daemon.stop()
    assert all(line.isprintable() for line in daemon.log_text().split("\n"))


def text_log(spawn, **environment):
    daemon = spawn({"log.format": "text"}, environment=environment)
    # The stream that JOURNAL_STREAM names is known only once the file exists.
    daemon.log_path.touch()
    status = daemon.log_path.stat()
    if "JOURNAL_STREAM" in environment:
        daemon.environment["JOURNAL_STREAM"] = environment["JOURNAL_STREAM"].format(
            f"{status.st_dev}:{status.st_ino}")
    daemon.start()
    daemon.ask(post(event("c-1"), signature=False))
    daemon.end()
    return daemon.log_text().split("\n")[:-1]


def test_under_journald_text_has_its_priorities(spawn):
    lines = text_log(spawn, JOURNAL_STREAM="{}")
    assert lines and all(re.match(r"<[3-7]>\S", line) for line in lines), lines
    assert any(line.startswith("<4>") for line in lines), "the refusal"


@pytest.mark.parametrize("environment", [{}, {"JOURNAL_STREAM": "1:2"}])
def test_elsewhere_text_has_time_and_level(spawn, environment):
    lines = text_log(spawn, **environment)
    assert lines and all(re.match(r"\d{4}-\S+Z (error|warning|info) \S", line)
                         for line in lines), lines


def test_a_log_that_cannot_be_written_to_stops_nothing(spawn):
    daemon = spawn(wrapper=["/bin/sh", "-c", 'exec "$@" 2>/dev/full', "sh"]).start()
    assert daemon.post(event("c-1")).status == 200
    assert daemon.post(event("c-1"), signature=False).status == 401
    daemon.end()


def test_the_serving_line_names_the_address(daemon):
    assert f"127.0.0.1:{daemon.port}" in str(daemon.wait_log('"serving"'))
