# SPDX-License-Identifier: Apache-2.0
"""Runs genesys-webhook doctor and reads its findings; and who answers what is asked."""

import contextlib
import email.utils
import re
import socketserver
import subprocess
import threading
import time

import wire
from aws_backend import check_no_secret
from harness import COMPANION, SANITIZER, clean_environment


class Found:
    """The findings, and how it ended."""

    def __init__(self, done):
        self.status = done.returncode
        self.text = done.stdout.decode()
        assert done.stderr == b"", done.stderr
        assert wire.SECRET not in self.text
        check_no_secret(self.text)
        assert not SANITIZER.search(self.text), self.text
        lines = [re.fullmatch(r"(ok|done|warning|wrong) +(\S.*?)  +(.*)", text)
                 for text in self.text.splitlines()]
        assert all(lines), self.text
        self.findings = [line.groups() for line in lines]
        assert (self.status == 1) == any(verdict == "wrong" for verdict, _, _ in self.findings)

    def has(self, verdict, what, *texts):
        """Exactly one finding of that verdict says all of it."""
        fits = [text for found, about, text in self.findings
                if (found, about) == (verdict, what) and all(part in text for part in texts)]
        assert len(fits) == 1, self.text
        return fits[0]

    def about(self, what):
        return [verdict for verdict, about, _ in self.findings if about == what]


def doctor(*arguments, secret=wire.SECRET, environment=None, **popen):
    environment = clean_environment(**(environment or {}))
    if secret is not None:
        environment["GENESYS_WEBHOOK_SECRET"] = secret
    return Found(subprocess.run([str(COMPANION), "doctor", *map(str, arguments)], env=environment,
                                stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
                                check=False, **popen))


class Answers:
    """A server that answers each request the same, or (None) never; over TLS with a context."""

    def __init__(self, port, status=None, body=b"", context=None, skew_s=0):
        owner = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                if status is None:
                    owner.done.wait()
                    return
                with contextlib.suppress(OSError):
                    sock = context.wrap_socket(self.request, server_side=True) if context else \
                        self.request
                    self.request = sock
                    sock.recv(65536)
                    date = email.utils.formatdate(time.time() + skew_s, usegmt=True)
                    sock.sendall(f"HTTP/1.1 {status} X\r\nDate: {date}\r\nConnection: close\r\n"
                                 f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
                    if context:
                        sock.unwrap()

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.done = threading.Event()
        self.server = Server(("127.0.0.1", port), Handler)
        self.port = port
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
