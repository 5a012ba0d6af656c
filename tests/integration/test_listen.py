# SPDX-License-Identifier: Apache-2.0
"""Where it listens, and what it says when it cannot."""

import pytest

import wire
from harness import address_text, eventually, free_port
from load import Load, check_stored
from wire import event


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_it_listens_on_ipv4_and_ipv6(spawn, host):
    daemon = spawn(host=host).start()
    assert daemon.post(event("c-1")).status == 200
    daemon.stop().check(lines=1)


@pytest.mark.parametrize("any_host, host", [("0.0.0.0", "127.0.0.1"), ("::", "::1")])
def test_it_listens_on_every_address(spawn, any_host, host):
    daemon = spawn(host=host)
    daemon.configure(**{"server.listen": address_text(any_host, daemon.port)})
    daemon.start()
    assert daemon.post(event("c-1")).status == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_in_use_is_an_error_that_names_it(spawn, host):
    first = spawn(host=host).start()
    second = spawn({"server.listen": address_text(host, first.port)}).launch()
    assert second.wait_exit() == 1
    said = [entry for entry in second.log() if entry["level"] == "error"]
    assert any(address_text(host, first.port) in str(entry) for entry in said), said
    assert first.post(event("c-1")).status == 200


def test_it_listens_on_several_addresses(spawn):
    daemon = spawn()
    others = [(host, free_port(host)) for host in ("127.0.0.1", "::1", "127.0.0.2")]
    daemon.configure(**{"server.listen": [daemon.settings["server.listen"],
                                          *(address_text(*other) for other in others)]})
    daemon.start()
    for number, address in enumerate([daemon.address, *others]):
        assert wire.once(address, wire.post(event(f"c-{number}"))).status == 200
    daemon.stop().check(lines=4)


def test_one_address_that_cannot_be_had_keeps_it_from_starting(spawn):
    first, second = spawn().start(), spawn()
    second.configure(**{"server.listen": [second.settings["server.listen"],
                                          first.settings["server.listen"]]})
    assert second.launch().wait_exit() == 1
    assert first.settings["server.listen"] in second.log_text()


def test_an_address_that_is_not_ours_is_an_error(spawn):
    daemon = spawn({"server.listen": "192.0.2.1:8080"}).launch()
    assert daemon.wait_exit() == 1
    assert "192.0.2.1" in daemon.log_text()


def test_a_port_is_free_again_at_once_after_a_stop(spawn):
    daemon = spawn().start()
    for life in range(5):
        with daemon.client() as client:
            assert client.post(event(f"c-{life}")).status == 200
            daemon.stop()
        daemon.start()
    assert len(daemon.ids()) == 5


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_every_worker_takes_connections(spawn, workers):
    daemon = spawn({"server.workers": workers}).start()
    names = {f"gw-worker-{number}" for number in range(workers)} | {"gw-journal"}
    eventually(lambda: {name for name in daemon.threads() if name.startswith("gw-")} == names,
               "there are as many threads as configured")
    with Load(daemon.address, connections=32) as load:
        load.wait_acked(1000)
        load.stop()
    check_stored(load, daemon.ids())
    daemon.stop().check(lines=len(load.acked))


def test_auto_is_a_worker_for_each_cpu_that_it_may_use(spawn):
    daemon = spawn({"server.workers": "auto"}, wrapper=["taskset", "-c", "0"]).start()
    eventually(lambda: "gw-worker-0" in daemon.threads(), "it has a worker")
    assert "gw-worker-1" not in daemon.threads()


@pytest.mark.parametrize("connections", [7, 40])
def test_connections_are_shared_out_evenly(spawn, connections):
    daemon = spawn({"server.workers": 3}).start()
    daemon.wait_no_connection()
    clients = [daemon.client() for _ in range(connections)]
    for number, client in enumerate(clients):
        assert client.post(event(f"c-{number}")).status == 200
    fair = {connections // 3, connections // 3 + 1}
    eventually(lambda: set(daemon.connections_by_worker()) <= fair, "no worker has two more")
    for client in clients:
        client.close()
    daemon.wait_no_connection()
    with daemon.client() as client:
        assert client.post(event("c-last")).status == 200
    daemon.stop().check(lines=connections + 1)
