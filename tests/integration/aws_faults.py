# SPDX-License-Identifier: Apache-2.0
"""What can go wrong between the daemon and DynamoDB. A fault is a function of an
aws_proxy.Exchange; the tables below hold those that a test goes through by name.
"""

import dataclasses
import random
import threading
import zlib

from aws_http import CORAL, DYNAMODB, HTML, Answer, error
from aws_proxy import CONDITION_FAILED, forward
from harness import BOUND

AVAILABILITY = "com.amazon.coral.availability"


# --- makers of faults

def answers(answer):
    """Instead of the backend, which does not see the request."""
    return lambda exchange: exchange.reply(answer)


def says(code, status=400, namespace=DYNAMODB, **options):
    return answers(error(code, status=status, namespace=namespace, **options))


def throttled(code="ThrottlingException", retry_after_ms=None, namespace=DYNAMODB, status=400):
    headers = {} if retry_after_ms is None else {"x-amz-retry-after": str(retry_after_ms)}
    return says(code, status, namespace, headers=headers)


def skewed(code, seconds):
    """Refused for the clock, with a Date that lies: it is off by so much, and the judge is not."""
    return says(code, namespace=CORAL, skew_s=seconds)


def late(seconds, fault=forward):
    """As a slow backend does it."""
    def play(exchange):
        exchange.wait(seconds)
        fault(exchange)

    return play


def slow(size, pause_s):
    """The backend's answer in pieces of so many bytes."""
    return lambda exchange: exchange.reply_slowly(exchange.forward(), size, pause_s)


def changed(**changes):
    """The backend's answer with other members (aws_http.Answer's)."""
    return lambda exchange: exchange.reply(dataclasses.replace(exchange.forward(), **changes))


def meanwhile(write):
    """Calls write(exchange) between what the backend answers and what the client gets to see: with
    a failed condition's Item, between the read and the merge."""
    def play(exchange):
        answer = exchange.forward()
        write(exchange)
        exchange.reply(answer)

    return play


def together(count):
    """Until so many are here, none is forwarded."""
    barrier = threading.Barrier(count, timeout=BOUND)

    def play(exchange):
        barrier.wait()
        forward(exchange)

    return play


def any_of(faults, seed):
    """Another one of them each time, in the seed's order."""
    chance = random.Random(seed)
    lock = threading.Lock()

    def play(exchange):
        with lock:
            fault = chance.choice(faults)
        fault(exchange)

    return play


# --- faults

def reset_before(exchange):
    exchange.reset()


def reset_after(exchange):
    exchange.forward()
    exchange.reset()


def close_before(exchange):
    """In good order, and without a byte: libcurl sends the request again by itself."""
    exchange.close()


def close_after(exchange):
    exchange.forward()
    exchange.close()


def answer_and_close(exchange):
    """As a server does whose connections have been idle for too long: without saying so."""
    forward(exchange)
    exchange.close()


def hang_before(exchange):
    exchange.hang()


def hang_after(exchange):
    exchange.forward()
    exchange.hang()


def cut_off_head(exchange):
    exchange.reply_cut_off(exchange.forward(), 20)


def cut_off_body(exchange):
    exchange.reply_cut_off(exchange.forward(), -1)


def wrong_crc32(exchange):
    answer = exchange.forward()
    exchange.reply(dataclasses.replace(answer, crc32=zlib.crc32(answer.body) ^ 1))


def truncated_json(exchange):
    """The length and the CRC are right, so only who reads it can tell."""
    answer = exchange.forward()
    exchange.reply(dataclasses.replace(answer, body=answer.body[:len(answer.body) // 2]))


def without_item(exchange):
    """A failed condition as dynalite answers it."""
    exchange.reply(exchange.forward(with_item=False))


def condition_failed_unasked(exchange):
    """A failed condition and no Item, for a write that the backend has never seen."""
    exchange.reply(error(CONDITION_FAILED, "The conditional request failed"))


# --- tables

PAGE = b"<html><body><h1>Internal Server Error</h1></body></html>"

# The codes that mean too much at once, with their namespaces; all come as a 400.
THROTTLING = {
    "ThrottlingException": AVAILABILITY,
    "Throttling": CORAL,
    "ThrottledException": CORAL,
    "ProvisionedThroughputExceededException": DYNAMODB,
    "RequestLimitExceeded": DYNAMODB,
    "LimitExceededException": DYNAMODB,
    "TooManyRequestsException": CORAL,
    "RequestThrottled": CORAL,
    "RequestThrottledException": CORAL,
    "BandwidthLimitExceeded": CORAL,
    "SlowDown": CORAL,
    "TransactionInProgressException": DYNAMODB,
    "EC2ThrottledException": CORAL,
}

# Played before the backend has seen anything.
UNDONE = {
    "reset before forwarding": reset_before,
    "closed before forwarding": close_before,
    "hangs before forwarding": hang_before,
    "200 with HTML": answers(Answer(200, PAGE, HTML, crc32=False)),
    "200 with what looks like JSON": answers(Answer(200, b'{"Item" no JSON}')),
    "200 of another service": answers(Answer(200, b'{"status":"ok"}')),
    "500 with HTML": answers(Answer(500, PAGE, HTML, crc32=False)),
    "500 without a body": answers(Answer(500, b"", crc32=False)),
    "500 InternalServerError": says("InternalServerError", 500),
    "502 with HTML": answers(Answer(502, PAGE, HTML, crc32=False)),
    "503 with HTML": answers(Answer(503, PAGE, HTML, crc32=False)),
    "503 ServiceUnavailable": says("ServiceUnavailable", 503, CORAL),
    "504 with HTML": answers(Answer(504, PAGE, HTML, crc32=False)),
    "RequestTimeoutException": says("RequestTimeoutException", 400, CORAL),
    "PriorRequestNotComplete": says("PriorRequestNotComplete", namespace=CORAL),
    "ReplicatedWriteConflictException": says("ReplicatedWriteConflictException"),
    "throttled, try again in 50 ms": throttled(retry_after_ms=50, namespace=AVAILABILITY),
    **{code: throttled(code, namespace=space) for code, space in THROTTLING.items()},
}

# Played after it has done what it was asked: the client cannot know.
AMBIGUOUS = {
    "reset after forwarding": reset_after,
    "closed after forwarding": close_after,
    "hangs after forwarding": hang_after,
    "cut off in the head": cut_off_head,
    "cut off in the body": cut_off_body,
    "wrong CRC-32": wrong_crc32,
    "truncated JSON": truncated_json,
    "a page instead of JSON": changed(body=PAGE),
    "500 though done": changed(status=500, body=b"", crc32=False),
}

# Odd, but whole and true.
HARMLESS = {
    "slow bytes": slow(size=32, pause_s=0.002),
    "answered and closed": answer_and_close,
    "failed condition without Item": without_item,
    "without CRC-32": changed(crc32=False),
}

# One more try with fresh credentials is to succeed. A clock that is off is played by Proxy.skew_s.
CURABLE = {
    "ExpiredTokenException": says("ExpiredTokenException", namespace=CORAL),
    "UnrecognizedClientException": says("UnrecognizedClientException", namespace=CORAL),
}

# What no repetition helps against.
FINAL = {
    "ValidationException": says("ValidationException", namespace="com.amazon.coral.validate"),
    "AccessDeniedException": says("AccessDeniedException", namespace=CORAL),
    "ResourceNotFoundException": says("ResourceNotFoundException"),
    "a code that nobody knows": says("UnheardOfException"),
    "400 with HTML": answers(Answer(400, PAGE, HTML, crc32=False)),
    "404 without a body": answers(Answer(404, b"", crc32=False)),
}

# Each played once on a write that is tried again must end in 200.
PASSING = {**UNDONE, **AMBIGUOUS, **HARMLESS}
