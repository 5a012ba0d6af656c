# SPDX-License-Identifier: Apache-2.0
"""HTTP as bytes: a client that sends exactly what a test says and reads replies strictly.

http.client would repair, refuse or hide what these tests are about, so nothing of it is used.
"""

import base64
import contextlib
import hashlib
import hmac
import json
import re
import select
import socket
import struct
import time

SECRET = "integration-secret-0123456789abcdef"
PATH = "/webhook"
TIMEOUT = 30  # of any single wait on a socket: far beyond what is right, so no flaking


def digest(body, secret=SECRET):
    return hmac.new(secret.encode(), body, hashlib.sha256).digest()


def sign(body, secret=SECRET):
    return digest(body, secret).hex()


def sign_base64(body, secret=SECRET):
    return base64.b64encode(digest(body, secret)).decode()


def event(conversation_id, event_type="conversation:created", **members):
    """A body as Genesys sends it; a member given as None is left out."""
    body = {
        "event_type": event_type,
        "conversation_id": conversation_id,
        "type": "voice",
        "timestamp": "2026-11-23T12:00:00.000Z",
        **members,
    }
    kept = {name: value for name, value in body.items() if value is not None}
    return json.dumps(kept, separators=(",", ":")).encode()


def head(method, target, headers=(), version="HTTP/1.1", host="localhost"):
    """Request line and headers, with Host first unless host is None."""
    lines = [f"{method} {target} {version}"]
    lines += [f"Host: {host}"] if host is not None else []
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def get(target, method="GET", headers=()):
    return head(method, target, headers)


def post(body, secret=SECRET, headers=(), target=PATH, signature=None):
    """A whole signed POST; signature=False leaves the header out."""
    own = [("Content-Length", len(body))]
    if signature is not False:
        own.append(("X-Genesys-Signature", signature or sign(body, secret)))
    return head("POST", target, [*own, *headers]) + body


def chunked(body, sizes, secret=SECRET, headers=()):
    """A whole signed POST in chunks of the given sizes, the rest in the last one."""
    start = head("POST", PATH, [("Transfer-Encoding", "chunked"),
                                ("X-Genesys-Signature", sign(body, secret)), *headers])
    return start + b"".join(chunks(body, sizes)) + b"0\r\n\r\n"


def chunks(body, sizes):
    at = 0
    for size in [*sizes, len(body)]:
        piece = body[at:at + size]
        at += len(piece)
        if piece:
            yield b"%x\r\n%s\r\n" % (len(piece), piece)


class Closed(Exception):
    """The peer ended the connection; .partial is what came before, .reset how."""

    def __init__(self, partial, reset):
        super().__init__(f"closed after {partial[:200]!r}, reset: {reset}")
        self.partial = partial
        self.reset = reset


class Response:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def values(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name):
        """The value of a header that stands exactly once; None where it is absent."""
        values = self.values(name)
        assert len(values) <= 1, f"{name} stands {len(values)} times"
        return values[0] if values else None

    def json(self):
        return json.loads(self.body)

    @property
    def closes(self):
        return (self.header("Connection") or "").lower() == "close"

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:200]!r}>"


STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3}) [\x20-\x7e]*")
HEADER_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e\t]*?)[ \t]*")


def parse_head(raw):
    lines = raw.split(b"\r\n")
    status = STATUS_LINE.fullmatch(lines[0])
    assert status, f"no status line: {lines[0]!r}"
    headers = []
    for line in lines[1:]:
        header = HEADER_LINE.fullmatch(line)
        assert header, f"no header: {line!r}"
        headers.append((header[1].decode(), header[2].decode()))
    return int(status[1]), headers


def connect(address, timeout, source=None):
    """To (host, port), from an address of this machine, or to the path of a Unix socket."""
    if isinstance(address, tuple):
        made = socket.create_connection(address, timeout, source and (source, 0))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(timeout)
    made.connect(str(address))
    return made


class Client:
    """One connection; over TLS where an ssl.SSLContext is given."""

    def __init__(self, address, timeout=TIMEOUT, tls=None, source=None):
        self.socket = connect(address, timeout, source)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.unread = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Goes away as a crashed client does, with a RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def _more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionError:
            raise Closed(self.unread, True) from None
        if not data:
            raise Closed(self.unread, False)
        self.unread += data

    def _take(self, size):
        while len(self.unread) < size:
            self._more()
        taken, self.unread = self.unread[:size], self.unread[size:]
        return taken

    def _take_head(self):
        while b"\r\n\r\n" not in self.unread:
            self._more()
        raw, self.unread = self.unread.split(b"\r\n\r\n", 1)
        return parse_head(raw)

    def response(self, method="POST", kind="application/json"):
        """Reads one final reply, which must be of an announced length and that content type."""
        status, headers = self._take_head()
        response = Response(status, headers, b"")
        assert status >= 200, f"not final: {response}"
        length = response.header("Content-Length")
        assert length is not None and length.isdigit(), f"no length: {response}"
        if method != "HEAD":
            response.body = self._take(int(length))
            assert response.header("Content-Type") == kind, response
            assert kind != "application/json" or isinstance(response.json(), dict), response
        return response

    def status(self):
        """Of a reply whose content is of no interest."""
        status, headers = self._take_head()
        self._take(int(Response(status, headers, b"").header("Content-Length")))
        return status

    def interim(self):
        """Reads the 100 Continue."""
        status, headers = self._take_head()
        assert status == 100, f"{status} {headers}"

    def ask(self, data, method="POST"):
        """A server may answer, and close, before it has read everything."""
        with contextlib.suppress(ConnectionError):
            self.send(data)
        return self.response(method)

    def begin(self, body, **options):
        """Sends a request but for its body, and returns when the server has read that much (it
        says 100)."""
        self.send(post(body, headers=[("Expect", "100-continue")], **options)[:-len(body)])
        self.interim()

    def get(self, target, method="GET"):
        return self.ask(get(target, method), method)

    def post(self, body, **options):
        return self.ask(post(body, **options))

    def answered(self, seconds=0):
        """Whether something (a reply or the end) can be read without waiting longer."""
        return bool(self.unread) or bool(select.select([self.socket], [], [], seconds)[0])

    def rest(self):
        """Everything until the peer's end of the connection, which must come."""
        while True:
            try:
                self._more()
            except Closed as closed:
                return closed.partial

    def expect_closed(self):
        left = self.rest()
        assert left == b"", f"bytes after the reply: {left[:200]!r}"


def once(address, data, method="POST"):
    """One request on a connection of its own."""
    with Client(address) as client:
        return client.ask(data, method)


def trickle(client, data, interval=0.05, bound=TIMEOUT):
    """Sends a byte at a time until the server has something to say or the data ends."""
    deadline = time.monotonic() + bound
    for at in range(len(data)):
        if client.answered(interval):
            return
        assert time.monotonic() < deadline, "the server let a trickle go on"
        try:
            client.send(data[at:at + 1])
        except ConnectionError:
            return
