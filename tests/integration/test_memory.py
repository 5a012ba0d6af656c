# SPDX-License-Identifier: Apache-2.0
"""What clients cost that do nothing: 10,000 of them fit into 300 MiB."""

import resource

import pytest

from wire import event, post

CONNECTIONS = 2000
AT_ONCE = 100
MOST_BYTES = 30 * 1024


@pytest.fixture
def many_files():
    """This process has the other ends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_an_idle_connection_that_was_used_is_small(daemon, many_files):
    message = post(event("c-1", padding="x" * 900))
    before = daemon.memory()
    held = []
    while len(held) < CONNECTIONS:
        fresh = [daemon.client() for _ in range(AT_ONCE)]
        for client in fresh:
            client.send(message)
        assert [client.response().status for client in fresh] == [200] * AT_ONCE
        held += fresh
    assert daemon.connections() == CONNECTIONS
    each = (daemon.memory() - before) / CONNECTIONS
    print(f"{each / 1024:.1f} KiB a connection")
    assert each < MOST_BYTES
    for client in held:
        client.close()
    daemon.stop().check(lines=CONNECTIONS)
