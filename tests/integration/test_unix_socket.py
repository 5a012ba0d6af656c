# SPDX-License-Identifier: Apache-2.0
"""Listening on a Unix socket: alone, beside other addresses, handed over, and behind nginx."""

import contextlib
import getpass
import shutil
import socket
import stat
import subprocess

import pytest

import wire
from harness import eventually, free_port
from test_balancer import listening
from test_socket_activation import activated, listener, use
from wire import event

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin")
CONFIGURATION = """
user {user};
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://unix:{path};
            proxy_http_version 1.1;
            proxy_set_header X-Forwarded-For $remote_addr;
        }}
    }}
}}
"""


@pytest.fixture
def path(tmp_path):
    """Where the socket is to be."""
    made = tmp_path / "webhook.sock"
    assert len(str(made)) < 108, "pytest's folder is too deep for a Unix socket"
    return made


@pytest.fixture
def both(spawn, path):
    """A daemon that listens there and on TCP."""
    daemon = spawn()
    daemon.configure(**{"server.listen": [daemon.settings["server.listen"], f"unix:{path}"]})
    return daemon


def refused_peer(daemon, path, headers=()):
    """Posts there what is refused for its signature, and returns the peer that the log names."""
    since = daemon.log_length()
    request = wire.post(event("c-1"), signature="0" * 64, headers=headers)
    assert wire.once(path, request).status == 401
    return daemon.wait_log('"request refused"', since=since)["peer"]


def test_it_serves_a_unix_socket_and_tcp_alike(both, path):
    both.start()
    said = both.wait_log('"serving"')["listen"]
    assert said == f"127.0.0.1:{both.port}, unix:{path}"
    for number in range(20):
        for address in (both.address, path):
            assert wire.once(address, wire.post(event(f"c-{number}"))).status == 200
    with wire.Client(path) as client:
        for number in range(3):
            assert client.post(event(f"k-{number}")).status == 200
        assert client.get("/readyz").status == 200
    both.stop().check(lines=43)


def test_the_socket_is_made_for_user_and_group_and_gone_at_the_end(both, path):
    both.start()
    mode = path.stat().st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o660
    both.stop()
    assert not path.exists()


def test_a_socket_that_a_killed_daemon_left_is_replaced(both, path):
    both.start().kill()
    assert path.exists()
    both.start()
    assert wire.once(path, wire.post(event("c-1"))).status == 200
    both.stop().check(lines=1)


def test_a_socket_that_somebody_serves_is_left_to_him(spawn, both, path):
    both.start()
    second = spawn({"server.listen": f"unix:{path}"}).launch()
    assert second.wait_exit() == 1
    assert str(path) in second.log_text()
    assert wire.once(path, wire.post(event("c-1"))).status == 200


def test_a_drain_closes_idle_connections_and_refuses_new_ones(both, path):
    both.start()
    with wire.Client(path) as idle, wire.Client(path) as busy:
        assert idle.get("/readyz").status == 200
        busy.begin(event("c-1"))
        both.signal(15)
        both.wait_log('"draining"')
        eventually(lambda: not path.exists(), "the socket's name is gone")
        assert busy.ask(event("c-1")).status == 200
        idle.expect_closed()
    assert both.wait_exit() == 0
    assert both.counters()["stored"] == 1


def test_a_client_that_goes_away_frees_its_connection(spawn, path):
    """The kernel tells nothing of a Unix socket's bytes, but that its other end was closed."""
    daemon = spawn({"server.listen": f"unix:{path}", "server.max_connections": 1}).launch()
    daemon.wait_log('"serving"')
    for _ in range(3):
        eventually(lambda: wire.once(path, wire.post(event("c-1"))).status == 200,
                   "there is room again")
        with wire.Client(path) as client:
            with contextlib.suppress(ConnectionError):
                client.send(wire.get("/healthz") + wire.get("/healthz")[:10])
                client.socket.shutdown(socket.SHUT_WR)
            client.rest()
    assert wire.once(path, wire.get("/healthz"), "GET").status == 200


@pytest.mark.parametrize("settings, headers, peer", [
    ({}, [], "local"),
    ({}, [("X-Forwarded-For", "192.0.2.7")], "local"),
    ({"server.trusted_proxies": "127.0.0.1"}, [("X-Forwarded-For", "192.0.2.7")], "192.0.2.7"),
    ({"server.trusted_proxies": "127.0.0.1"}, [("X-Forwarded-For", "what")], "unknown"),
])
def test_the_log_names_the_client_that_a_local_proxy_tells(both, path, settings, headers, peer):
    both.configure(**settings)
    assert refused_peer(both.start(), path, headers) == peer


@pytest.mark.parametrize("allow, status", [("127.0.0.1", 200), ("192.0.2.0/24", 403)])
def test_allow_takes_a_local_client_for_127_0_0_1(both, path, allow, status):
    both.configure(**{"server.allow": allow})
    both.start()
    assert wire.once(path, wire.post(event("c-1"))).status == status


def test_sockets_of_both_kinds_handed_over_are_served_and_keep_their_names(spawn, path):
    with listener("127.0.0.1") as tcp, socket.socket(socket.AF_UNIX) as local:
        local.bind(str(path))
        local.listen(128)
        daemon = activated(spawn, [tcp, local])
        use(daemon, tcp)
        for life in range(2):
            with wire.Client(path) as early:
                early.send(wire.post(event(f"c-{life}")))
                daemon.start()
                assert early.response().status == 200
                daemon.stop()
        assert path.exists()
        assert sorted(daemon.ids()) == ["c-0", "c-1"]


def test_the_admin_listener_may_be_one_too(spawn, path):
    port = free_port("127.0.0.1")
    daemon = spawn({"admin.listen": [f"127.0.0.1:{port}", f"unix:{path}"]}).start()
    for address in (("127.0.0.1", port), path):
        with wire.Client(address) as client:
            client.send(wire.get("/metrics"))
            text = client.response("GET", "text/plain; version=0.0.4; charset=utf-8").body
            assert b"genesys_webhookd_ready 1" in text
    daemon.stop()
    assert not path.exists()


@pytest.fixture
def nginx(tmp_path, path):
    """Its address; it passes all on to the socket."""
    port = free_port("127.0.0.1")
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=tmp_path, path=path, port=port,
                                                  user=getpass.getuser()))
    process = subprocess.Popen([NGINX, "-e", tmp_path / "nginx.log", "-c", configuration])
    yield "127.0.0.1", port
    process.terminate()
    process.wait(timeout=30)


@pytest.mark.skipif(not NGINX, reason="nginx is not installed")
def test_nginx_passes_requests_on_to_it(both, path, nginx):
    both.configure(**{"server.trusted_proxies": "127.0.0.1", "server.allow": "127.0.0.0/8"})
    both.start()
    eventually(lambda: listening(nginx[1]), "nginx listens")
    for number in range(20):
        response = wire.once(nginx, wire.post(event(f"c-{number}", padding="x" * 50000)))
        assert (response.status, response.json()["eventId"]) == (200, f"c-{number}")
    assert wire.once(nginx, wire.post(event("c-1"), signature=False)).status == 401
    assert both.wait_log('"request refused"')["peer"] == "127.0.0.1"
    both.stop()
