# SPDX-License-Identifier: Apache-2.0
"""Sockets handed over by systemd: a connection made while nobody runs waits and is served."""

import shutil
import socket
import subprocess

import pytest

import wire
from activation import activated, far, listener, use
from harness import DAEMON, Daemon, address_text, eventually
from load import Load, check_stored
from wire import event

HOSTS = ["127.0.0.1", "::1"]


@pytest.mark.parametrize("blocking", [True, False])
@pytest.mark.parametrize("host", HOSTS)
def test_a_socket_handed_over_is_served(spawn, host, blocking):
    with listener(host) as one:
        one.setblocking(blocking)
        daemon = activated(spawn, [one])
        own = daemon.address
        use(daemon, one)
        daemon.start()
        assert daemon.post(event("c-1")).status == 200
        with pytest.raises(ConnectionRefusedError):
            wire.Client(own)
        daemon.stop().check(lines=1)


def test_several_sockets_are_served_alike(spawn):
    with listener("127.0.0.1") as first, listener("::1") as second:
        daemon = activated(spawn, [first, second])
        use(daemon, first)
        daemon.start()
        for number in range(20):
            for one in (first, second):
                response = wire.once(one.getsockname()[:2], wire.post(event(f"c-{number}")))
                assert response.status == 200
        daemon.stop().check(lines=40)


def test_a_restart_loses_no_connection(spawn):
    """Three lives on one socket, and a request sent before each of them begins."""
    with listener("127.0.0.1") as one:
        daemon = activated(spawn, [one])
        use(daemon, one)
        for life in range(3):
            with daemon.client() as early:
                early.send(wire.post(event(f"c-{life}")))
                daemon.start()
                assert early.response().status == 200
                daemon.stop()
        assert sorted(daemon.ids()) == ["c-0", "c-1", "c-2"]


def test_a_restart_under_load_fails_no_request(spawn):
    """All connections have a request under way whenever it is told to stop. Those that come while
    nobody runs wait in the socket."""
    with listener("127.0.0.1") as one:
        daemon = activated(spawn, [one])
        use(daemon, one)
        daemon.start()
        with Load(daemon.address, connections=16, reconnect=True) as load:
            for _ in range(10):
                load.wait_acked(200)
                daemon.stop().check()
                daemon.start()
            load.wait_acked(200)
            load.stop()
        daemon.stop().check()
    print(f"restarts: 10; {load.summary()}")
    assert not load.refused and not load.unknown, load.summary()
    check_stored(load, daemon.ids())


def test_sockets_meant_for_another_process_are_left_alone(spawn):
    with listener("127.0.0.1") as one:
        daemon = activated(spawn, [one], environment={"LISTEN_PID": "1"})
        daemon.start()
        assert daemon.post(event("c-1")).status == 200
        daemon.stop().check(lines=1)


def test_something_else_than_a_listening_socket_is_an_error(spawn):
    with far(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as one:
        daemon = activated(spawn, [one]).launch()
        assert daemon.wait_exit() in (1, 78)
        assert daemon.log(), "it says why"


@pytest.mark.skipif(not shutil.which("systemd-socket-activate"),
                    reason="systemd-socket-activate is not installed")
@pytest.mark.parametrize("host", HOSTS)
def test_systemd_socket_activate_starts_it(tmp_path, host):
    daemon = Daemon(tmp_path, host=host)
    with open(daemon.log_path, "ab") as log:
        process = subprocess.Popen(
            ["systemd-socket-activate", "-l", address_text(host, daemon.port),
             "-E", f"GENESYS_WEBHOOK_SECRET={wire.SECRET}", str(DAEMON), "-c", str(daemon.ini)],
            env=daemon.environment, stderr=log)
    try:
        response = eventually(lambda: answer(daemon), "it is started by the first connection")
        assert response.status == 200
    finally:
        process.terminate()
        assert process.wait(60) == 0
    assert list(daemon.ids()) == ["c-1"]


def answer(daemon):
    try:
        return daemon.post(event("c-1"))
    except ConnectionRefusedError:
        return None
