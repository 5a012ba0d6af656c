# SPDX-License-Identifier: Apache-2.0
"""Load: signed events with ids of their own over keep-alive connections, one request under way on
each, and a record of what was answered to which id."""

import collections
import itertools
import threading

import wire
from harness import eventually

NUMBERS = itertools.count()


class Load:
    """
    acked: ids answered 200. refused: other answers by id. unknown: ids whose answer never came
    (the server went away). reconnect: whether a lost connection is an end or an interruption.
    tls: an ssl.SSLContext.
    """

    def __init__(self, address, connections=8, prefix=None, secret=wire.SECRET, reconnect=False,
                 padding=200, pause=0, tls=None):
        self.address = address
        self.prefix = prefix or f"load{next(NUMBERS)}"
        self.secret = secret
        self.reconnect = reconnect
        self.padding = "x" * padding
        self.pause = pause
        self.tls = tls
        self.acked = []
        self.refused = []
        self.unknown = []
        self.closing = 0
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(number,), daemon=True)
                        for number in range(connections)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Every request under way is waited for."""
        self.stopping.set()
        for thread in self.threads:
            thread.join(wire.TIMEOUT * 2)
            assert not thread.is_alive(), "a request was never answered"
        return self

    def join(self):
        """Waits for the connections to end by themselves (the server stopped)."""
        for thread in self.threads:
            thread.join(wire.TIMEOUT * 2)
            assert not thread.is_alive(), "a connection never ended"
        return self

    def wait_acked(self, count, bound=60):
        wanted = len(self.acked) + count
        eventually(lambda: len(self.acked) >= wanted or not self.alive(),
                   f"{count} more events answered 200", bound)
        assert len(self.acked) >= wanted, f"load ended: {self.summary()}"

    def alive(self):
        return any(thread.is_alive() for thread in self.threads)

    def statuses(self):
        return collections.Counter(status for _, status in self.refused)

    def summary(self):
        return f"{len(self.acked)} acked, {self.statuses()} refused, {len(self.unknown)} unknown"

    def _run(self, number):
        client = None
        sequence = 0
        while not self.stopping.wait(self.pause):
            client = client or self._connect()
            if client is None:
                if not self.reconnect:
                    return
                self.stopping.wait(0.01)
                continue
            identity = f"{self.prefix}-{number}-{sequence}"
            sequence += 1
            client = self._send(client, identity)
            if client is None and not self.reconnect:
                return
        if client:
            client.close()

    def _connect(self):
        try:
            return wire.Client(self.address, tls=self.tls)
        except OSError:
            return None

    def _send(self, client, identity):
        """Returns the connection if it can be used again."""
        body = wire.event(identity, padding=self.padding)
        try:
            response = client.post(body, secret=self.secret)
        except (OSError, wire.Closed):
            self.unknown.append(identity)
            client.close()
            return None
        self._record(identity, response)
        if not response.closes:
            return client
        self.closing += 1
        client.close()
        return None

    def _record(self, identity, response):
        if response.status == 200:
            assert response.json() == {"success": True, "eventId": identity}, response
            self.acked.append(identity)
        else:
            self.refused.append((identity, response.status))


def check_stored(load, ids):
    """Nothing that was acknowledged is missing, and nothing stands there twice."""
    missing = [identity for identity in load.acked if ids[identity] == 0]
    assert not missing, f"{len(missing)} acknowledged events are lost: {missing[:5]}"
    doubled = [identity for identity, times in ids.items() if times > 1]
    assert not doubled, f"stored more than once: {doubled[:5]}"
