# SPDX-License-Identifier: Apache-2.0
"""The judge is judged: the tests' AWS takes what libcurl's own signer signs, refuses whatever was
changed, and plays each fault as ordered. Needs no daemon."""

import dataclasses
import email.utils
import http.client
import io
import json
import random
import socket
import subprocess
import time
import zlib

import pytest

import aws_faults
import sigv4
from aws_backend import KEYS, check_no_secret
from aws_http import Answer, Malformed, Unfinished, error, read_request
from aws_proxy import ALWAYS, Proxy
from certificates import Authority
from dynamodb import CONTENT_TYPE, KEY, REGION, SERVICE, TABLE, Client, Error, code_of, typed
from harness import eventually

NOW = 1795514400  # 2026-11-24T10:00:00Z, where nothing is sent
IDENTITY = "AKIDTEMPORARY"
RECORD = {KEY: "c-1", "status": "active", "eventOrder": 4}
PUT = {"TableName": TABLE, "Item": typed(RECORD)}
PUT_IF_NEW = {**PUT, "ConditionExpression": "attribute_not_exists(#k)",
              "ExpressionAttributeNames": {"#k": KEY}}


def client_of(proxy, access_key_id=IDENTITY):
    return Client(proxy.address, access_key_id, KEYS[access_key_id])


def signed(parameters=None, access_key_id=IDENTITY, now=NOW):
    return Client(("127.0.0.1", 8000), access_key_id, KEYS[access_key_id]).request(
        "PutItem", PUT if parameters is None else parameters, now)


def to_bytes(request):
    lines = [f"{request.method} {request.target} HTTP/1.1\r\n"]
    lines += [f"{name}: {value}\r\n" for name, value in request.headers]
    lines.append(f"Content-Length: {len(request.body)}\r\n\r\n")
    return "".join(lines).encode("latin-1") + request.body


def judge(raw, now=NOW):
    """Reads one whole request and nothing after it, and verifies it."""
    stream = io.BytesIO(raw)
    request = read_request(stream)
    if request is None or stream.read(1):
        raise Malformed("not one request")
    return sigv4.verify(request, KEYS, REGION, SERVICE, now)


# --- the judge alone

def test_a_published_example_has_the_published_signature():
    """"get-vanilla" of AWS's test suite."""
    request = sigv4.Request("GET", "/", [("Host", "example.amazonaws.com"),
                                         ("X-Amz-Date", "20150830T123600Z")], b"")
    found = sigv4.signature("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", request,
                            ["host", "x-amz-date"], "20150830T123600Z", "us-east-1", "service")
    assert found == "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"


@pytest.mark.parametrize("path, canonical", [
    ("/", "/"), ("//", "/"), ("/a//b/", "/a/b/"), ("/a/./b/../c", "/a/c"), ("/..", "/"),
    ("/a/..", "/"), ("/a/b/..", "/a/"), ("/a%20b", "/a%2520b"), ("/a~b_c-d.e", "/a~b_c-d.e")])
def test_a_path_is_made_canonical(path, canonical):
    assert sigv4.canonical_path(path) == canonical


@pytest.mark.parametrize("query, canonical", [
    ("", ""), ("b=2&a=1", "a=1&b=2"), ("a", "a="), ("a=2&a=1", "a=1&a=2"), ("a=%2f", "a=%2F"),
    ("a-b=1&a=1", "a=1&a-b=1"), ("a=b=c", "a=b%3Dc")])
def test_a_query_is_made_canonical(query, canonical):
    assert sigv4.canonical_query(query) == canonical


@pytest.mark.parametrize("values, canonical", [
    (["a"], "a"), ([" a \t"], "a"), (["a  b   c"], "a b c"), (["a", " b"], "a,b"), ([""], "")])
def test_a_value_is_made_canonical(values, canonical):
    assert sigv4.canonical_value(values) == canonical


@pytest.mark.parametrize("access_key_id", KEYS)
def test_a_right_signature_passes(access_key_id):
    assert judge(to_bytes(signed(access_key_id=access_key_id))) == access_key_id


def test_one_changed_byte_anywhere_is_refused():
    raw = to_bytes(signed())
    assert judge(raw) == IDENTITY
    for at in range(len(raw)):
        changed = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1:]
        with pytest.raises((sigv4.Refused, Malformed)):
            judge(changed)
            pytest.fail(f"taken with a changed byte at {at}: {changed[:at + 1]!r}")


def test_one_missing_or_doubled_byte_of_the_body_is_refused():
    request = signed()
    for at in range(len(request.body)):
        for times in (0, 2):
            body = request.body[:at] + request.body[at:at + 1] * times + request.body[at + 1:]
            with pytest.raises(sigv4.Refused):
                judge(to_bytes(sigv4.Request(request.method, request.target, request.headers,
                                             body)))


def without(name):
    return lambda headers: [(key, value) for key, value in headers if key.lower() != name]


def with_header(name, value):
    return lambda headers: [*headers, (name, value)]


def replaced(name, old, new):
    return lambda headers: [(key, value.replace(old, new) if key.lower() == name else value)
                            for key, value in headers]


DAY = "20261124"
WRONG_HEADERS = {
    "no Authorization": (without("authorization"), "missing"),
    "no date": (without("x-amz-date"), "malformed"),
    "no token": (without("x-amz-security-token"), "headers"),
    "no content type": (without("content-type"), "headers"),
    "two dates": (with_header("X-Amz-Date", f"{DAY}T100000Z"), "repeated"),
    "two Authorizations": (with_header("authorization", "AWS4-HMAC-SHA256 "), "repeated"),
    "an unsigned x-amz header": (with_header("X-Amz-Other", "1"), "headers"),
    "a date of no ISO form": (replaced("x-amz-date", f"{DAY}T", "2026-11-24T"), "malformed"),
    "a date that is none": (replaced("x-amz-date", DAY, "20261324"), "malformed"),
    "another algorithm": (replaced("authorization", "SHA256", "SHA512"), "malformed"),
    "a signature in capitals": (replaced("authorization", "Signature=", "Signature=A"),
                                "malformed"),
    "a day that is not the date's": (replaced("authorization", DAY, "20261123"), "scope"),
    "another region": (replaced("authorization", REGION, "us-east-1"), "scope"),
    "another service": (replaced("authorization", f"/{SERVICE}/", "/s3/"), "scope"),
    "an unknown key": (replaced("authorization", IDENTITY, "AKIDNOBODY"), "unknown key"),
    "another one's key": (replaced("authorization", IDENTITY, "AKIDSTATIC"), "signature"),
    "headers out of order": (replaced("authorization", "content-type;host", "host;content-type"),
                             "headers"),
    "a header that is not there": (replaced("authorization", "host;", "host;x-a;"), "headers"),
    "content type unsigned": (replaced("authorization", "content-type;", ""), "headers"),
    "host unsigned": (replaced("authorization", "host;", ""), "headers"),
}


@pytest.mark.parametrize("name", WRONG_HEADERS)
def test_wrong_headers_are_refused(name):
    change, kind = WRONG_HEADERS[name]
    request = signed()
    request.headers = change(request.headers)
    with pytest.raises(sigv4.Refused) as refused:
        judge(to_bytes(request))
    assert refused.value.kind == kind


def test_a_token_that_is_not_the_keys_is_refused():
    for access_key_id, token in (("AKIDTEMPORARY", "stale"), ("AKIDSTATIC", "extra"),
                                 ("AKIDTEMPORARY", None)):
        client = Client(("127.0.0.1", 8000), access_key_id,
                        sigv4.Key(KEYS[access_key_id].secret, token))
        with pytest.raises(sigv4.Refused) as refused:
            judge(to_bytes(client.request("PutItem", PUT, NOW)))
        assert (refused.value.kind, refused.value.code) == ("token", "UnrecognizedClientException")


@pytest.mark.parametrize("seconds, taken", [(-301, False), (-300, True), (300, True), (301, False)])
def test_the_clock_may_be_off_by_five_minutes(seconds, taken):
    raw = to_bytes(signed(now=NOW + seconds))
    if taken:
        assert judge(raw) == IDENTITY
        return
    with pytest.raises(sigv4.Refused) as refused:
        judge(raw)
    assert (refused.value.kind, refused.value.code) == ("clock", "InvalidSignatureException")


MALFORMED = {
    "no request line": b"\r\n\r\n",
    "HTTP/1.0": b"POST / HTTP/1.0\r\nHost: x\r\n\r\n",
    "bare line feeds": b"POST / HTTP/1.1\nHost: x\n\n",
    "chunks": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
    "two hosts": b"POST / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
    "no host": b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    "a length that is none": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "a folded header": b"POST / HTTP/1.1\r\nHost: x\r\n y\r\n\r\n",
    "an endless header": b"POST / HTTP/1.1\r\nHost: " + b"x" * 70000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_requests_are_told(name):
    with pytest.raises(Malformed) as told:
        read_request(io.BytesIO(MALFORMED[name]))
    assert told.type is Malformed


def test_a_client_that_goes_within_a_request_is_told_from_that():
    raw = to_bytes(signed())
    assert read_request(io.BytesIO(b"")) is None
    for length in range(1, len(raw)):
        with pytest.raises(Unfinished):
            read_request(io.BytesIO(raw[:length]))


# --- against libcurl's signer

def curl(proxy, access_key_id, body, *options, region=REGION):
    """(status, body) of a PutItem that curl signs."""
    key = KEYS[access_key_id]
    token = ["-H", f"X-Amz-Security-Token: {key.token}"] if key.token else []
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--max-time", "30", "--data-binary", "@-",
         "--aws-sigv4", f"aws:amz:{region}:{SERVICE}", "--user", f"{access_key_id}:{key.secret}",
         "-H", f"Content-Type: {CONTENT_TYPE}", "-H", "X-Amz-Target: DynamoDB_20120810.PutItem",
         *token, "--write-out", "\n%{http_code}", *options, proxy.url],
        input=json.dumps(body).encode(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    answer, _, status = done.stdout.rpartition(b"\n")
    return int(status), answer


@pytest.mark.parametrize("access_key_id", KEYS)
def test_what_libcurl_signs_passes(table, access_key_id):
    assert curl(table.proxy, access_key_id, PUT) == (200, b"{}")
    assert table.get("c-1") == RECORD


def test_a_large_body_that_libcurl_signs_passes(table):
    """Over 1 MiB curl asks for a 100 first; the item is too large, but the signature is right."""
    body = {"TableName": TABLE, "Item": typed({KEY: "big", "rawPayload": "x" * (2 << 20)})}
    status, answer = curl(table.proxy, IDENTITY, body)
    assert (status, code_of(answer)) == (400, "ValidationException")


def test_what_libcurl_signs_for_elsewhere_is_refused(table):
    table.proxy.expected.add("scope")
    status, answer = curl(table.proxy, IDENTITY, PUT, region="us-east-1")
    assert (status, code_of(answer)) == (400, "InvalidSignatureException")
    assert table.records() == {} and table.proxy.count() == 0


def test_libcurl_sends_again_what_a_reused_connection_did_not_answer(table):
    """Nobody asks it to; which is why every write must survive being sent twice."""
    table.proxy.play(aws_faults.close_after, skip=1)
    assert curl(table.proxy, IDENTITY, PUT, table.proxy.url) == (200, b"{}\n200{}")
    assert (table.proxy.count(), table.proxy.accepted) == (3, 2)


# --- what it answers

def test_answers_are_as_dynamodbs(table):
    table.proxy.skew_s = 100
    client = client_of(table.proxy)
    status, headers, body = client.send(client.request("PutItem", PUT))
    assert (status, body) == (200, b"{}")
    assert int(headers["x-amz-crc32"]) == zlib.crc32(body)
    date = email.utils.parsedate_to_datetime(headers["Date"]).timestamp()
    assert 70 < date - time.time() < 130
    assert headers["Content-Type"] == CONTENT_TYPE
    client.close()


@pytest.mark.parametrize("kind, code", [("expired", "ExpiredTokenException"),
                                        ("unknown key", "UnrecognizedClientException"),
                                        ("clock", "InvalidSignatureException")])
def test_refusals_are_awss_and_on_record(table, kind, code):
    client = client_of(table.proxy)
    if kind == "expired":
        table.proxy.keys[IDENTITY] = dataclasses.replace(KEYS[IDENTITY], expires_at=time.time())
    elif kind == "clock":
        table.proxy.skew_s = 600
    else:
        del table.proxy.keys[IDENTITY]
    with pytest.raises(Error) as answer:
        client.call("PutItem", **PUT)
    client.close()
    assert (answer.value.status, answer.value.code) == (400, code)
    with pytest.raises(AssertionError):
        table.proxy.check()
    assert [refusal.kind for refusal in table.proxy.refusals] == [kind]
    table.proxy.expected.add(kind)
    assert table.records() == {}


def test_connections_are_kept_and_counted(table):
    one, two = client_of(table.proxy), client_of(table.proxy)
    for _ in range(5):
        one.call("PutItem", **PUT)
        two.call("GetItem", TableName=TABLE, Key=typed({KEY: "c-1"}))
    assert table.proxy.accepted == 2 and table.proxy.open_connections() == 2
    assert table.proxy.operations() == {"PutItem": 5, "GetItem": 5}
    assert table.proxy.count() == 10 and table.proxy.count("PutItem") == 5
    one.close()
    two.close()
    eventually(lambda: table.proxy.open_connections() == 0, "both are gone")


@pytest.mark.parametrize("access_key_id", KEYS)
def test_secrets_are_found_in_a_log(access_key_id):
    key = KEYS[access_key_id]
    check_no_secret(f"signed as {access_key_id} for {REGION}")
    for leak in (key.secret, key.token, "Authorization: AWS4-HMAC-SHA256", "Signature=0"):
        if leak is not None:
            with pytest.raises(AssertionError):
                check_no_secret(f"a line with {leak} in it")


# --- failed conditions

def fail_condition(proxy, **extra):
    """The answer's body of a put that must not be new and is."""
    client = client_of(proxy)
    _, _, body = client.send(client.request("PutItem", {**PUT_IF_NEW, **extra}))
    client.close()
    answer = json.loads(body)
    assert answer["__type"].endswith("#ConditionalCheckFailedException")
    return answer


ALL_OLD = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


def test_a_failed_condition_brings_the_item_where_asked(table):
    stored = {**RECORD, "status": "ended"}
    table.put(stored)
    assert fail_condition(table.proxy, **ALL_OLD)["Item"] == typed(stored)
    assert "Item" not in fail_condition(table.proxy)
    table.proxy.play(aws_faults.without_item)
    assert "Item" not in fail_condition(table.proxy, **ALL_OLD)
    table.proxy.adds_item = False
    assert "Item" not in fail_condition(table.proxy, **ALL_OLD)
    assert table.get("c-1") == stored


def test_a_failed_condition_on_nothing_brings_no_item(table):
    client = client_of(table.proxy)
    _, _, body = client.send(client.request("UpdateItem", {
        "TableName": TABLE, "Key": typed({KEY: "c-9"}), "UpdateExpression": "SET #s = :s",
        "ConditionExpression": "attribute_exists(#s)", "ExpressionAttributeNames": {"#s": "status"},
        "ExpressionAttributeValues": typed({":s": "x"}), **ALL_OLD}))
    client.close()
    assert code_of(body) == "ConditionalCheckFailedException" and b"Item" not in body


def test_a_write_of_somebody_else_lands_between_read_and_merge(table):
    table.put({**RECORD, "status": "seen"})
    table.proxy.play(aws_faults.meanwhile(lambda exchange: table.update("c-1", status="new")))
    assert fail_condition(table.proxy, **ALL_OLD)["Item"]["status"] == {"S": "seen"}
    assert table.get("c-1")["status"] == "new"


# --- faults

def outcome(client, parameters=None):
    """What a client sees of one PutItem: its answer's status, code and whether it is whole, or how
    it had none."""
    try:
        status, headers, body = client.send(client.request("PutItem", parameters or PUT))
    except TimeoutError:
        return "hangs"
    except http.client.IncompleteRead:
        return "cut off"
    except http.client.RemoteDisconnected:
        return "closed"
    except (ConnectionResetError, BrokenPipeError):
        return "reset"
    if headers["Content-Length"] is None:
        return "cut off"  # http.client takes what came of a head for all of it
    crc32 = headers["x-amz-crc32"]
    if crc32 is not None and int(crc32) != zlib.crc32(body):
        return "wrong CRC"
    if status == 200 and not is_json(body):
        return "no JSON"
    return code_of(body) or status


def is_json(body):
    try:
        return json.loads(body) is not None
    except ValueError:
        return False


def expected_outcome(name):
    named = {"reset before forwarding": "reset", "reset after forwarding": "reset",
             "closed before forwarding": "closed", "closed after forwarding": "closed",
             "hangs before forwarding": "hangs", "hangs after forwarding": "hangs",
             "cut off in the head": "cut off", "cut off in the body": "cut off",
             "wrong CRC-32": "wrong CRC", "truncated JSON": "no JSON",
             "a page instead of JSON": "no JSON", "200 with HTML": "no JSON",
             "200 with what looks like JSON": "no JSON",
             "slow bytes": 200, "answered and closed": 200,
             "failed condition without Item": 200, "without CRC-32": 200,
             "throttled, try again in 50 ms": "ThrottlingException",
             "a code that nobody knows": "UnheardOfException"}
    if name in named:
        return named[name]
    first, _, code = name.partition(" ")
    if not first.isdigit():
        return name
    return code if code.isalpha() else int(first)


@pytest.mark.parametrize("name", [*aws_faults.PASSING, *aws_faults.CURABLE, *aws_faults.FINAL])
def test_each_fault_does_what_it_says(table, name):
    fault = {**aws_faults.PASSING, **aws_faults.CURABLE, **aws_faults.FINAL}[name]
    rule = table.proxy.play(fault, "PutItem")
    client = client_of(table.proxy)
    client.connection.timeout = 0.5 if "hangs" in name else 30
    assert outcome(client) == expected_outcome(name)
    assert rule.played == 1
    if name in aws_faults.AMBIGUOUS or name in aws_faults.HARMLESS:
        eventually(lambda: table.get("c-1") == RECORD, "the backend has done it")
    else:
        assert table.records() == {} and not table.proxy.exchanges[0].forwarded
    client.close()
    client.connection.timeout = 30
    assert outcome(client) == 200
    assert table.get("c-1") == RECORD
    client.close()


def test_throttling_says_when_to_come_again(table):
    table.proxy.play(aws_faults.throttled(retry_after_ms=1234))
    client = client_of(table.proxy)
    status, headers, _ = client.send(client.request("PutItem", PUT))
    assert (status, headers["x-amz-retry-after"]) == (400, "1234")
    client.close()


def test_a_lying_date_is_sent(table):
    table.proxy.play(aws_faults.skewed("RequestTimeTooSkewed", -3600))
    client = client_of(table.proxy)
    _, headers, body = client.send(client.request("PutItem", PUT))
    date = email.utils.parsedate_to_datetime(headers["Date"]).timestamp()
    assert code_of(body) == "RequestTimeTooSkewed" and -3660 < date - time.time() < -3540
    client.close()


def test_rules_choose_their_requests(table):
    """By operation, count, probability and condition; the first rule that takes it is played."""
    client = client_of(table.proxy)
    proxy = table.proxy
    proxy.play(aws_faults.says("A"), "GetItem", times=ALWAYS)
    proxy.play(aws_faults.says("B"), "PutItem", skip=1, times=2)
    proxy.play(aws_faults.says("C"), times=ALWAYS,
               when=lambda exchange: exchange.item_key == f"{TABLE}/c-2")
    other = {"TableName": TABLE, "Item": typed({KEY: "c-2"})}
    assert [outcome(client) for _ in range(4)] == [200, "B", "B", 200]
    assert outcome(client, other) == "C"
    proxy.clear()
    assert outcome(client, other) == 200
    proxy.play(aws_faults.says("D"), times=ALWAYS, probability=0.5, seed=7)
    seen = [outcome(client) for _ in range(40)]
    chance = random.Random(7)
    assert seen == ["D" if chance.random() < 0.5 else 200 for _ in range(40)]
    client.close()


def test_random_faults_repeat_with_their_seed(table):
    faults = [aws_faults.says(code) for code in ("A", "B", "C")]
    client = client_of(table.proxy)
    runs = []
    for _ in range(2):
        table.proxy.clear()
        table.proxy.play(aws_faults.any_of(faults, seed=3), times=ALWAYS)
        runs.append([outcome(client) for _ in range(20)])
    assert runs[0] == runs[1] and set(runs[0]) == {"A", "B", "C"}
    client.close()


def test_a_refused_connection_is_refused_and_open_ones_are_reset(table):
    client = client_of(table.proxy)
    assert outcome(client) == 200
    with table.proxy.refusing():
        assert outcome(client) in ("reset", "closed")
        with pytest.raises(ConnectionRefusedError):
            client.call("PutItem", **PUT)
    assert outcome(client) == 200
    client.close()


def test_new_connections_are_reset_on_order(table):
    table.proxy.reset_next = 1
    client = client_of(table.proxy)
    assert outcome(client) == "reset"
    assert outcome(client) == 200
    assert table.proxy.accepted == 2
    client.close()


def test_a_hanging_request_ends_with_the_proxy(table):
    """Or every test with one would wait for its time-out."""
    with Proxy(None, KEYS) as proxy:
        proxy.play(aws_faults.hang_before)
        client = client_of(proxy)
        client.connection.connect()
        client.connection.sock.sendall(to_bytes(client.request("PutItem", PUT)))
        eventually(lambda: proxy.under_way == 1, "it hangs")
        assert proxy.most_under_way == 1
    client.close()
    proxy.check()


def test_without_a_backend_rules_answer(table):
    with Proxy(None, KEYS) as proxy:
        proxy.play(aws_faults.answers(Answer(200, b'{"Table":{}}')), "DescribeTable")
        proxy.play(aws_faults.answers(error("Unheard", status=403)), times=ALWAYS)
        client = client_of(proxy)
        assert client.call("DescribeTable") == {"Table": {}}
        with pytest.raises(Error) as answer:
            client.call("UpdateTimeToLive")
        assert (answer.value.status, answer.value.code) == (403, "Unheard")
        client.close()


def test_what_is_no_http_is_a_problem(table):
    with socket.create_connection(table.proxy.address) as sock:
        sock.sendall(b"nonsense\r\n\r\n")
        assert sock.recv(1) == b""
    with pytest.raises(AssertionError):
        table.proxy.check()
    table.proxy.problems.clear()


def test_a_backend_that_is_gone_is_a_problem(table):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with Proxy(nobody.getsockname(), KEYS) as proxy:
            client = client_of(proxy)
            assert outcome(client) == "closed"
            client.close()
        with pytest.raises(AssertionError):
            proxy.check()


# --- TLS

def test_tls_with_the_right_certificate_passes(tls_table):
    ca = tls_table.settings["dynamodb.ca_file"]
    assert curl(tls_table.proxy, IDENTITY, PUT, "--cacert", ca)[0] == 200


def test_tls_plays_faults(tls_table):
    ca = tls_table.settings["dynamodb.ca_file"]
    for fault in (aws_faults.slow(size=100, pause_s=0), aws_faults.late(0)):
        tls_table.proxy.play(fault)
        assert curl(tls_table.proxy, IDENTITY, PUT, "--cacert", ca)[0] == 200
    for fault in (aws_faults.reset_after, aws_faults.cut_off_body, aws_faults.hang_after):
        tls_table.proxy.play(fault)
        with pytest.raises(AssertionError):
            curl(tls_table.proxy, IDENTITY, PUT, "--cacert", ca, "--max-time", "1")


@pytest.mark.parametrize("wrong", ["foreign CA", "wrong host", "expired"])
def test_tls_with_a_wrong_certificate_is_refused_by_who_looks(tmp_path, wrong):
    authority, trusted = Authority(tmp_path), Authority(tmp_path, "other")
    tls = {"foreign CA": authority.issue, "expired": lambda: trusted.issue(days=-1),
           "wrong host": lambda: trusted.issue("DNS:dynamodb.example")}[wrong]()
    with Proxy(None, KEYS, tls=tls) as proxy:
        with pytest.raises(AssertionError):
            curl(proxy, IDENTITY, PUT, "--cacert", trusted.file)
        eventually(lambda: proxy.open_connections() == 0, "curl has gone")
        assert (proxy.accepted, proxy.count()) == (1, 0)
        # The name is looked at after the handshake.
        if wrong != "wrong host":
            with pytest.raises(AssertionError):
                proxy.check()
