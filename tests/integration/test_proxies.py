# SPDX-License-Identifier: Apache-2.0
"""Behind a load balancer: whose word is taken for where a request comes from, and who may post."""

import pytest

import wire
from wire import event


def forwarded(value, name="X-Forwarded-For"):
    return [(name, value)]


def refused_peer(daemon, headers):
    """Posts what is refused for its signature, and returns the peer that the log names."""
    since = daemon.log_length()
    assert daemon.post(event("c-1"), signature="0" * 64, headers=headers).status == 401
    return daemon.wait_log('"request refused"', since=since)["peer"]


@pytest.mark.parametrize("settings, headers, peer", [
    ({}, forwarded("192.0.2.7"), "127.0.0.1"),
    ({"server.trusted_proxies": "10.0.0.0/8"}, forwarded("192.0.2.7"), "127.0.0.1"),
    ({"server.trusted_proxies": "127.0.0.1"}, forwarded("192.0.2.7"), "192.0.2.7"),
    ({"server.trusted_proxies": "127.0.0.1"}, forwarded("6.6.6.6, 192.0.2.7"), "192.0.2.7"),
    ({"server.trusted_proxies": ["127.0.0.0/8", "10.0.0.0/8"]},
     forwarded("6.6.6.6") + forwarded("192.0.2.7, 10.1.2.3", "x-forwarded-for"), "192.0.2.7"),
    ({"server.trusted_proxies": "127.0.0.1"}, forwarded("for=192.0.2.7", "Forwarded"), "127.0.0.1"),
    ({"server.trusted_proxies": "127.0.0.1", "server.forwarded_header": "Forwarded"},
     forwarded('for="[2001:db8::7]:99"', "Forwarded"), "2001:db8::7"),
    ({"server.trusted_proxies": "127.0.0.1"}, forwarded("what?\"\\<script>"), "unknown"),
])
def test_the_log_names_the_peer_that_a_trusted_proxy_tells(spawn, settings, headers, peer):
    assert refused_peer(spawn(settings).start(), headers) == peer


@pytest.mark.parametrize("allow, headers, status", [
    ("127.0.0.1", [], 200),
    ("192.0.2.0/24", [], 403),
    (["192.0.2.0/24", "127.0.0.0/8"], [], 200),
])
def test_only_who_is_allowed_may_post(spawn, allow, headers, status):
    daemon = spawn({"server.allow": allow}).start()
    assert daemon.post(event("c-1"), headers=headers).status == status
    assert daemon.get("/healthz").status == 200, "probes are everybody's"


@pytest.mark.parametrize("chain, status", [
    ("192.0.2.7", 200),
    ("192.0.2.7, 198.51.100.1", 403),
    ("198.51.100.1, 192.0.2.7", 200),
    ("unknown", 403),
])
def test_behind_a_proxy_the_client_must_be_allowed(spawn, chain, status):
    daemon = spawn({"server.trusted_proxies": "127.0.0.1", "server.allow": "192.0.2.0/24"}).start()
    assert daemon.post(event("c-1"), headers=forwarded(chain)).status == status


def test_a_refused_client_keeps_its_connection(spawn):
    daemon = spawn({"server.allow": "192.0.2.0/24"}).start()
    with daemon.client() as client:
        for _ in range(3):
            assert client.post(event("c-1")).status == 403
    counters = daemon.stop()
    assert counters["refused_not_allowed"] == 3
    assert counters["verified"] == 0


def test_a_reload_takes_over_who_is_allowed(spawn):
    daemon = spawn({"server.allow": "192.0.2.0/24"}).start()
    assert daemon.post(event("c-1")).status == 403
    since = daemon.log_length()
    daemon.configure(**{"server.allow": "127.0.0.1"})
    daemon.signal(1)
    daemon.wait_log("reloaded", since=since)
    assert daemon.post(event("c-1")).status == 200


def test_a_network_that_is_none_is_an_error_of_the_configuration(spawn):
    daemon = spawn({"server.allow": "10.0.0.1/8"}).launch()
    assert daemon.wait_exit() == 78
    assert "allow" in daemon.log_text()


def test_two_requests_of_one_connection_may_come_from_two_clients(spawn):
    daemon = spawn({"server.trusted_proxies": "127.0.0.1", "server.allow": "192.0.2.0/24"}).start()
    with daemon.client() as client:
        for chain, status in ("192.0.2.7", 200), ("198.51.100.1", 403), ("192.0.2.8", 200):
            client.send(wire.post(event("c-1"), headers=forwarded(chain)))
            assert client.response().status == status
