# SPDX-License-Identifier: Apache-2.0
"""The admin listener: what Prometheus scrapes, and that nobody else is let in."""

import shutil
import subprocess

import pytest

import wire
from admin import TEXT_FORMAT
from harness import eventually, free_port
from load import Load
from wire import event

def test_what_happened_is_counted(watched):
    before = watched.admin.samples()
    assert watched.post(event("c-1")).status == 200
    assert watched.post(event("c-2"), signature="0" * 64).status == 401
    after = watched.admin.samples()
    changed = {name.removeprefix("genesys_webhookd_"): value - before[name]
               for name, value in after.items() if name in before and value != before[name]}
    for name, by in {
            'requests_total{status="200"}': 1, 'requests_total{status="401"}': 1,
            'refused_total{reason="wrong_signature"}': 1, "events_verified_total": 1,
            'events_total{outcome="stored"}': 1, 'writes_total{action="put",outcome="stored"}': 1,
            'phase_duration_seconds_count{phase="receive"}': 2,
            'phase_duration_seconds_count{phase="verify"}': 2,
            'phase_duration_seconds_count{phase="store"}': 1,
            "journal_lines_total": 1}.items():
        assert changed.get(name) == by, (name, changed)
    assert after["genesys_webhookd_last_event_timestamp_seconds"] > 1.7e9
    assert after["genesys_webhookd_ready"] == 1
    assert after["process_start_time_seconds"] > 1.7e9


def test_durations_are_those_that_clients_see(watched):
    with Load(watched.address, connections=4) as load:
        load.wait_acked(200)
        load.stop()
    samples = watched.admin.samples()
    for phase in "receive", "verify", "store":
        count = samples[f'genesys_webhookd_phase_duration_seconds_count{{phase="{phase}"}}']
        total = samples[f'genesys_webhookd_phase_duration_seconds_sum{{phase="{phase}"}}']
        assert count >= 200
        assert 0 < total / count < 1


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_promtool_finds_no_fault_in_the_metrics(watched):
    assert watched.post(event("c-1")).status == 200
    headers, text = watched.admin.get("/metrics")
    assert headers["Content-Type"] == TEXT_FORMAT
    found = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    assert (found.returncode, found.stdout) == (0, "")


def test_only_what_is_there_is_answered(watched):
    assert watched.admin.refused("/nothing") == 404
    assert watched.admin.refused("/metrics", "POST") == 405
    headers, body = watched.admin.get("/metrics", "HEAD")
    assert int(headers["Content-Length"]) > 1000 and body == ""


def test_the_webhook_is_not_served_there_nor_the_metrics_at_the_webhook(watched):
    assert watched.get("/metrics").status == 404
    assert watched.admin.refused("/webhook", "POST") == 404


def test_it_is_served_while_draining(watched):
    """And the drain waits for no scraper that keeps its connection."""
    with watched.client() as client:
        client.send(wire.post(event("c-1"))[:-1])
        watched.wait_read(client)
        with wire.Client(("127.0.0.1", int(watched.admin.url.rsplit(":", 1)[1]))) as scraper:
            watched.signal(15)
            eventually(lambda: watched.admin.sample("draining") == 1, "it drains")
            assert watched.admin.sample("ready") == 0
            scraper.send(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert scraper.response(kind=TEXT_FORMAT).status == 200
            client.send(b"}")
            assert client.response().status == 200
            assert watched.wait_exit() == 0


def test_many_clients_leave_the_daemon_as_it_is(watched):
    """More than are let in, who say nothing: events are stored, and the first are served."""
    port = int(watched.admin.url.rsplit(":", 1)[1])
    idle = [wire.Client(("127.0.0.1", port)) for _ in range(100)]
    assert watched.post(event("c-1")).status == 200
    for client in idle:
        client.close()
    eventually(lambda: watched.admin.sample("requests_total{status=\"200\"}") == 1,
               "it is served again")


def test_an_address_that_others_reach_is_refused(spawn):
    daemon = spawn({"admin.listen": f"0.0.0.0:{free_port('127.0.0.1')}"}).launch()
    assert daemon.wait_exit() == 1
    assert "remote = yes" in daemon.log_text()


def test_an_address_that_is_taken_is_told(spawn, watched):
    port = int(watched.admin.url.rsplit(":", 1)[1])
    daemon = spawn({"admin.listen": f"127.0.0.1:{port}"}).launch()
    assert daemon.wait_exit() == 1
    assert "[admin] listen" in daemon.log_text()
