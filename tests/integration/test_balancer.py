# SPDX-License-Identifier: Apache-2.0
"""Two daemons behind a real load balancer, replaced one after the other under load."""

import shutil
import socket
import subprocess

import pytest

from harness import eventually, free_port
from load import Load, check_stored

HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/bin")
CONFIGURATION = """
global
    maxconn 1000
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout check 5s
    retries 3
frontend genesys
    bind 127.0.0.1:{port}
    default_backend webhookd
backend webhookd
    balance roundrobin
    option httpchk GET /readyz
    http-check send hdr Host localhost
    default-server check inter 100ms fall 1 rise 1
    server a {a[0]}:{a[1]}
    server b {b[0]}:{b[1]}
"""


def listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def pair(spawn):
    settings = {"server.drain_delay": "1s", "server.trusted_proxies": "127.0.0.1"}
    return [spawn(settings).start() for _ in range(2)]


@pytest.fixture
def balancer(pair, tmp_path):
    """Its address."""
    port = free_port("127.0.0.1")
    path = tmp_path / "haproxy.cfg"
    path.write_text(CONFIGURATION.format(port=port, a=pair[0].address,
                                         b=pair[1].address))
    with (tmp_path / "haproxy.log").open("w") as log:
        process = subprocess.Popen([HAPROXY, "-db", "-f", path], stdout=log, stderr=log)
    eventually(lambda: listening(port), "the balancer listens")
    yield "127.0.0.1", port
    process.terminate()
    process.wait(timeout=30)


@pytest.mark.skipif(not HAPROXY, reason="haproxy is not installed")
def test_daemons_are_replaced_one_by_one_without_a_failed_request(pair, balancer):
    with Load(balancer, connections=16) as load:
        load.wait_acked(500)
        for _ in range(2):
            for daemon in pair:
                assert daemon.stop()["stored"] > 0
                daemon.start()
                size = daemon.events.stat().st_size
                eventually(lambda: daemon.events.stat().st_size > size, "it is given events again")
                load.wait_acked(500)
        load.stop()
    print(f"replacements: 4; {load.summary()}")
    assert not load.refused and not load.unknown, load.summary()
    check_stored(load, pair[0].ids() + pair[1].ids())
