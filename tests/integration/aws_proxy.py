# SPDX-License-Identifier: Apache-2.0
"""Stands between the daemon and dynalite: judges every request's signature (sigv4.py), counts,
plays faults (aws_faults.py), and answers as DynamoDB does where dynalite does not: Date,
x-amz-crc32, and the Item of a failed condition.

A thread a connection; each has a connection of its own to dynalite. What is neither an answer
of the backend's nor an ordered fault is a problem; check(), which the fixture calls at the end,
wants none.
"""

import collections
import contextlib
import dataclasses
import http.client
import itertools
import json
import math
import random
import select
import socket
import ssl
import struct
import threading
import time

import dynamodb
import sigv4
from aws_http import CORAL, Answer, Malformed, Unfinished, error, read_request
from harness import BOUND, address_text, free_port

ALWAYS = math.inf
CONDITION_FAILED = "ConditionalCheckFailedException"


class Gone(Exception):
    """The client has closed the connection, or we have."""


# --- what happens to one request

class Exchange:
    """One request that was judged right; a fault says what becomes of it."""

    def __init__(self, proxy, connection, request, number):
        self.proxy = proxy
        self.connection = connection
        self.request = request
        self.number = number
        self.operation = (request.header("x-amz-target") or "").rpartition(".")[2]
        self.parameters = parse_object(request.body)
        self.forwarded = False
        self.answered = None

    @property
    def item_key(self):
        """Of the item that it is about, as a text; None where it is about none."""
        holder = self.parameters.get("Key") or self.parameters.get("Item") or {}
        value = holder.get(dynamodb.KEY, {}).get("S")
        return None if value is None else f"{self.parameters.get('TableName')}/{value}"

    @property
    def wants_item(self):
        return self.parameters.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"

    def forward(self, with_item=None):
        """What the backend answers; the Item is that of the moment when the condition failed."""
        with_item = self.proxy.adds_item if with_item is None else with_item
        self.forwarded = True
        with self.proxy.item_lock(self.item_key):
            answer = self.connection.ask_backend(self.request)
            if answer.code == CONDITION_FAILED and self.wants_item and with_item:
                return self.add_item(answer)
        return answer

    def add_item(self, answer):
        wanted = self.parameters.get("Key") or \
            {dynamodb.KEY: self.parameters["Item"][dynamodb.KEY]}
        found = self.connection.backend.call("GetItem", TableName=self.parameters["TableName"],
                                             Key=wanted, ConsistentRead=True)
        body = json.loads(answer.body)
        body.update({"Item": found["Item"]} if "Item" in found else {})
        return dataclasses.replace(answer, body=json.dumps(body).encode())

    def reply(self, answer):
        self.reply_slowly(answer, math.inf, 0)

    def reply_slowly(self, answer, size, pause_s):
        """In pieces, with pauses between them; the client may well go away meanwhile."""
        data = answer.to_bytes(self.proxy.now(), self.number)
        self.answered = answer
        pieces = [data] if size == math.inf else \
            [data[at:at + size] for at in range(0, len(data), size)]
        for index, piece in enumerate(pieces):
            if index and self.connection.gone_within(pause_s):
                raise Gone
            self.connection.send(piece)

    def reply_cut_off(self, answer, keep):
        """Only the first bytes of it (or, negative, all but the last), and the connection's end."""
        self.connection.send(answer.to_bytes(self.proxy.now(), self.number)[:keep])
        raise Gone

    def reset(self):
        self.connection.reset_at_close()
        raise Gone

    def close(self):
        raise Gone

    def hang(self):
        """Until the client has had enough."""
        self.connection.gone_within(None)
        raise Gone

    def wait(self, seconds):
        if self.connection.gone_within(seconds):
            raise Gone


def parse_object(body):
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def forward(exchange):
    """What becomes of a request for which no fault is ordered."""
    exchange.reply(exchange.forward())


@dataclasses.dataclass
class Rule:
    """Which requests a fault is played on: those of the operation (None: any) that `when` is true
    of, after the first `skip` of them, `times` times, each with the probability."""
    fault: collections.abc.Callable
    operation: str | None = None
    times: float = 1
    skip: int = 0
    probability: float = 1
    when: collections.abc.Callable = lambda exchange: True
    chance: random.Random = dataclasses.field(default_factory=lambda: random.Random(0))
    seen: int = 0
    played: int = 0

    def takes(self, exchange):
        """Counts, so it is asked once a request, under the proxy's lock."""
        if self.operation not in (None, exchange.operation) or not self.when(exchange):
            return False
        self.seen += 1
        if self.seen <= self.skip or self.played >= self.times or \
                self.chance.random() >= self.probability:
            return False
        self.played += 1
        return True


# --- a connection

class Connection:
    def __init__(self, proxy, sock):
        self.proxy = proxy
        self.socket = sock
        self.backend = dynamodb.Client(proxy.backend, *proxy.backend_key) if proxy.backend else None

    def serve(self):
        """Until either end has had enough."""
        try:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.shake_hands():
                self.answer_requests()
        except (Gone, Unfinished, ConnectionError, ssl.SSLError):
            pass
        except Malformed as problem:
            self.proxy.problems.append(f"malformed: {problem}")
        except Exception as problem:  # a broken judge must not look like a fault of the daemon's
            self.proxy.problems.append(f"{type(problem).__name__}: {problem}")
        finally:
            if self.backend:
                self.backend.close()
            self.socket.close()

    def shake_hands(self):
        """Whether the client wants us, which without TLS it does."""
        if self.proxy.tls:
            try:
                self.socket = self.proxy.tls.wrap_socket(self.socket, server_side=True)
            except (ssl.SSLEOFError, ConnectionError):
                return False  # it went away without a word, as it does when it is stopped
            except ssl.SSLError as problem:
                self.proxy.tls_failures.append(str(problem))
                return False
        return True

    def answer_requests(self):
        # What reads keeps the descriptor open, so it is closed before the socket is.
        with self.socket.makefile("rb") as stream:
            while (request := read_request(stream, self.say_continue)) is not None:
                self.proxy.handle(self, request)
                if (request.header("connection") or "").lower() == "close":
                    return

    def reset_at_close(self):
        """What ends is to look like a crashed server: a RST."""
        with contextlib.suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def drop(self):
        """From another thread: wakes whoever reads or waits here, who then closes it."""
        self.reset_at_close()
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.socket, socket.SHUT_RD)  # of TLS nothing is to be said

    def say_continue(self):
        self.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def send(self, data):
        self.socket.sendall(data)

    def gone_within(self, seconds):
        """Waits, and says whether the client went meanwhile: it sends nothing before its answer,
        so whatever is to be read is its end, or drop's. Seconds None: waits for nothing else."""
        poll = select.poll()
        poll.register(self.socket, select.POLLIN | select.POLLRDHUP)
        return bool(poll.poll(None if seconds is None else seconds * 1000))

    def ask_backend(self, request):
        try:
            status, headers, body = self.backend.send(request)
        except (OSError, http.client.HTTPException) as problem:
            raise RuntimeError(f"the backend does not answer: {problem}") from problem
        return Answer(status, body, headers.get("Content-Type", dynamodb.CONTENT_TYPE))


# --- the proxy

class Proxy:
    """
    keys: {access key id: sigv4.Key}, which may be changed at any time. skew_s: how much our clock
    is ahead of the machine's. backend: dynalite's address; None where every request is answered by
    a rule.
    tls: a server's ssl.SSLContext (certificates.py). tls_failures are of handshakes; a client that
    looks at the name only after them just goes.
    adds_item: whether failed conditions bring the Item that they were asked for.
    """

    backend_key = ("PROXY", sigv4.Key("proxy"))

    def __init__(self, backend, keys, region=dynamodb.REGION, tls=None, host="127.0.0.1"):
        self.backend = backend
        self.keys = dict(keys)
        self.region = region
        self.skew_s = 0
        self.adds_item = True
        self.tls = tls
        self.refusal_status = 400  # DynamoDB's; other services say 403
        self.clock_code = None     # answered instead of InvalidSignatureException where time is off
        self.host = host
        self.port = free_port(host)
        self.rules = []
        self.exchanges = []      # of all requests that were judged right, in their order
        self.refusals = []       # sigv4.Refused
        self.expected = set()    # kinds of refusals that a test provokes
        self.problems = []
        self.tls_failures = []
        self.accepted = 0
        self.reset_next = 0      # so many new connections are reset at once
        self.under_way = 0
        self.most_under_way = 0
        self.numbers = itertools.count(1)
        self.lock = threading.Lock()  # guards the rules' and all counts, the sets and the lists
        self.item_locks = collections.defaultdict(threading.Lock)
        self.connections = {}    # by its thread
        self.listener = None

    def __enter__(self):
        self.listen()
        return self

    def __exit__(self, *_):
        self.stop_listening()
        self.drop_connections()

    # What a test says and asks.

    @property
    def address(self):
        return (self.host, self.port)

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://{address_text(*self.address)}"

    def now(self):
        return time.time() + self.skew_s

    def play(self, fault, operation=None, times=1, seed=0, **options):
        """Orders a fault (a function of an Exchange); returns its Rule, which counts. Of several
        rules the first that takes a request is played."""
        rule = Rule(fault, operation, times, chance=random.Random(seed), **options)
        with self.lock:
            self.rules.append(rule)
        return rule

    def clear(self):
        """Takes all rules back."""
        with self.lock:
            self.rules.clear()

    def count(self, operation=None):
        """Requests that were judged right."""
        with self.lock:
            return sum(operation in (None, exchange.operation) for exchange in self.exchanges)

    def operations(self):
        with self.lock:
            return collections.Counter(exchange.operation for exchange in self.exchanges)

    def open_connections(self):
        with self.lock:
            return len(self.connections)

    @contextlib.contextmanager
    def refusing(self):
        """Nobody listens meanwhile: ECONNREFUSED, after open connections were reset."""
        self.stop_listening()
        self.drop_connections()
        try:
            yield
        finally:
            self.listen()

    def drop_connections(self):
        """Resets all that are open, as a crash of the server does."""
        with self.lock:
            dropped = dict(self.connections)
        for connection in dropped.values():
            connection.drop()
        for thread in dropped:
            thread.join(BOUND)
            assert not thread.is_alive(), "a connection of the proxy does not end"

    def check(self):
        """Every request was signed right, and nothing broke, but for what the test expects."""
        refused = [refusal for refusal in self.refusals if refusal.kind not in self.expected]
        assert not refused, f"{len(refused)} requests refused: {refused[:3]}"
        assert not self.problems, self.problems[:3]
        assert not self.tls_failures or "tls" in self.expected, self.tls_failures[:3]

    # How it works.

    def listen(self):
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(self.address)
        listener.listen(1024)
        self.listener = listener
        self.acceptor = threading.Thread(target=self.accept, args=(listener,), daemon=True)
        self.acceptor.start()

    def stop_listening(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.acceptor.join(BOUND)
        self.listener.close()

    def accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            connection = Connection(self, sock)
            with self.lock:
                self.accepted += 1
                refuse = self.reset_next > 0
                self.reset_next -= refuse
            if refuse:
                connection.reset_at_close()
                sock.close()
                continue
            thread = threading.Thread(target=self.run, args=(connection,), daemon=True)
            with self.lock:
                self.connections[thread] = connection
                thread.start()

    def run(self, connection):
        try:
            connection.serve()
        finally:
            with self.lock:
                del self.connections[threading.current_thread()]

    def item_lock(self, key):
        if key is None:
            return contextlib.nullcontext()
        with self.lock:
            return self.item_locks[key]

    def handle(self, connection, request):
        exchange = Exchange(self, connection, request, next(self.numbers))
        if (request.method, request.target) == ("GET", "/"):  # AWS answers it to anybody
            exchange.reply(Answer(200, b"healthy: 127.0.0.1 ", "text/plain", crc32=False))
            return
        refused = self.judge(request)
        if refused:
            code = self.clock_code if refused.kind == "clock" else None
            exchange.reply(error(code or refused.code, refused.message, self.refusal_status, CORAL))
            return
        with self.lock:
            self.exchanges.append(exchange)
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            rule = next((rule for rule in self.rules if rule.takes(exchange)), None)
        try:
            (rule.fault if rule else forward)(exchange)
        finally:
            with self.lock:
                self.under_way -= 1

    def judge(self, request):
        """None where the request is signed right; else what is wrong, which is put on record."""
        try:
            sigv4.verify(request, self.keys, self.region, dynamodb.SERVICE, self.now())
        except sigv4.Refused as refused:
            with self.lock:
                self.refusals.append(refused)
            return refused
        return None
