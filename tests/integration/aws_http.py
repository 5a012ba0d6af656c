# SPDX-License-Identifier: Apache-2.0
"""HTTP as the tests' AWS speaks it: requests read strictly, answers as DynamoDB writes them."""

import dataclasses
import email.utils
import json
import re
import zlib

import dynamodb
import sigv4

HEAD_MAX = 64 * 1024
BODY_MAX = 16 * 1024 * 1024
HTML = "text/html"
CORAL = "com.amazon.coral.service"
DYNAMODB = "com.amazonaws.dynamodb.v20120810"
REASONS = {200: "OK", 400: "Bad Request", 403: "Forbidden", 413: "Payload Too Large",
           500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable",
           504: "Gateway Timeout"}

REQUEST_LINE = re.compile(rb"([A-Z]+) (/[!-~]*) HTTP/1\.1\r\n")
HEADER_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*?)[ \t]*\r\n")


class Malformed(Exception):
    """What came is no request that a client of ours may send."""


class Unfinished(Malformed):
    """The client went away within a request, as it does when it is stopped."""


# --- reading a request

def check_finished(line):
    if not line.endswith(b"\n") and len(line) < HEAD_MAX:
        raise Unfinished(f"ends within {line!r}")


def read_head(stream):
    """(method, target, headers); None at the end of the stream."""
    line = stream.readline(HEAD_MAX)
    if not line:
        return None
    check_finished(line)
    request = REQUEST_LINE.fullmatch(line)
    if not request:
        raise Malformed(f"request line {line!r}")
    headers = []
    size = 0
    while (line := stream.readline(HEAD_MAX)) != b"\r\n":
        check_finished(line)
        header = HEADER_LINE.fullmatch(line)
        size += len(line)
        if not header or size > HEAD_MAX:
            raise Malformed(f"header {line!r}")
        headers.append((header[1].decode("latin-1"), header[2].decode("latin-1")))
    return request[1].decode(), request[2].decode(), headers


def read_request(stream, interim=lambda: None):
    """A sigv4.Request; None at the end of the stream. interim is called where one is expected."""
    head = read_head(stream)
    if head is None:
        return None
    request = sigv4.Request(*head, b"")
    lengths = request.values("content-length")
    if request.values("transfer-encoding") or len(lengths) > 1 or len(request.values("host")) != 1:
        raise Malformed("Transfer-Encoding, two lengths, or not one Host")
    length = lengths[0] if lengths else "0"
    if not re.fullmatch(r"[0-9]{1,9}", length) or int(length) > BODY_MAX:
        raise Malformed(f"Content-Length {length!r}")
    if (request.header("expect") or "").lower() == "100-continue":
        interim()
    request.body = stream.read(int(length))
    if len(request.body) != int(length):
        raise Unfinished("the body ends early")
    return request


# --- answers

@dataclasses.dataclass
class Answer:
    """crc32: None computes it, False leaves it out, a number is sent. skew_s is Date's."""
    status: int
    body: bytes
    content_type: str = dynamodb.CONTENT_TYPE
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    crc32: int | bool | None = None
    skew_s: float = 0

    @property
    def code(self):
        """The bare error code; None where there is none."""
        return dynamodb.code_of(self.body) if self.status != 200 else None

    def to_bytes(self, now, number):
        date = email.utils.formatdate(now + self.skew_s, usegmt=True)
        headers = {"Server": "Server", "Date": date,
                   "Content-Type": self.content_type, "Content-Length": len(self.body),
                   "Connection": "keep-alive", "x-amzn-RequestId": f"REQUEST{number:08}"}
        if self.crc32 is not False:
            headers["x-amz-crc32"] = zlib.crc32(self.body) if self.crc32 is None else self.crc32
        lines = [f"{name}: {value}\r\n" for name, value in {**headers, **self.headers}.items()]
        reason = REASONS.get(self.status, "Unknown")
        head = f"HTTP/1.1 {self.status} {reason}\r\n{''.join(lines)}\r\n"
        return head.encode() + self.body


def error(code, message="as the test ordered", status=400, namespace=DYNAMODB, **options):
    body = json.dumps({"__type": f"{namespace}#{code}", "message": message}).encode()
    return Answer(status, body, **options)
