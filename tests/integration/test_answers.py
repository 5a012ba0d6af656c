# SPDX-License-Identifier: Apache-2.0
"""Every row of the design's HTTP table, byte for byte where it is constant."""

import json
import re

import pytest

import wire
from harness import SOURCE
from wire import chunked, event, get, head, post, sign

UNAUTHORIZED = b'{"error":"Unauthorized: Invalid signature"}'
NOT_JSON = b'{"error":"Bad Request: Invalid JSON"}'
INTERNAL = b'{"error":"Internal Server Error"}'
ERROR = (400, 401, 404, 405, 413, 500)


def stored_item(daemon, identity):
    """The one line of that conversation."""
    found = [record for record in daemon.records()
             if record["item"]["conversationId"] == identity]
    assert len(found) == 1, found
    return found[0]


STORED = [
    ("conversation:created", {}, "put",
     {"type": "voice", "status": "active", "externalContactId": "unknown"}),
    ("conversation:created", {"external_contact": {"id": "contact-7"}}, "put",
     {"type": "voice", "status": "active", "externalContactId": "contact-7"}),
    ("conversation:created", {"external_contact": {"id": ""}, "type": ""}, "put",
     {"type": "", "status": "active", "externalContactId": "unknown"}),
    ("conversation:updated", {"state": "held", "type": None}, "update", {"status": "held"}),
    ("conversation:updated", {"type": None}, "update", {"status": "unknown"}),
    ("conversation:updated", {"state": 0, "type": None}, "update", {"status": "unknown"}),
    ("conversation:ended", {}, "put",
     {"type": "voice", "status": "ended", "externalContactId": "unknown"}),
]


@pytest.mark.parametrize("event_type, members, action, attributes", STORED)
def test_a_handled_event_is_stored_and_answered_200(daemon, event_type, members, action,
                                                    attributes):
    body = event("c-1", event_type, **members)
    response = daemon.post(body)
    assert (response.status, response.body) == (200, b'{"success":true,"eventId":"c-1"}')
    record = stored_item(daemon, "c-1")
    assert (record["eventType"], record["action"]) == (event_type, action)
    assert record["item"] == {"conversationId": "c-1", "timestamp": "2026-11-23T12:00:00.000Z",
                              **attributes}
    assert record["payload"] == json.loads(body)
    assert daemon.stop().check(lines=1)["stored"] == 1


def test_the_payload_is_kept_byte_for_byte_but_for_line_breaks(daemon):
    body = event("c-1").replace(b",", b" ,\r\n\t ").replace(b"voice", b"vo\\u0069ce\xc3\xa9")
    assert daemon.post(body).status == 200
    line = daemon.events.read_bytes()
    assert body.replace(b"\r", b" ").replace(b"\n", b" ") in line
    assert line.count(b"\n") == 1 and line.endswith(b"}\n")


def test_the_longest_id_is_stored(daemon):
    identity = "i" * 2048
    response = daemon.post(event(identity))
    assert response.status == 200 and response.json()["eventId"] == identity
    assert daemon.post(event(identity + "i")).status == 500
    assert list(daemon.ids()) == [identity]


EVENT_IDS = [
    (b'"c-9"', b'"c-9"'),
    (b'""', b'""'),
    (b"12", b"12"),
    (b"-0.5", b"-0.5"),
    (b"true", b"true"),
    (b"false", b"false"),
    (b"null", b"null"),
    (b'[ 1 , {"a" : [ ] } ]', b'[1,{"a":[]}]'),
    (b'{ "a b" : "c , d" }', b'{"a b":"c , d"}'),
    ("\"\u00e9\u4e2d\"".encode(), "\"\u00e9\u4e2d\"".encode()),
    (b'"' + b"x" * 2040 + b'"', b'"' + b"x" * 2040 + b'"'),
]


@pytest.mark.parametrize("value, shown", EVENT_IDS)
def test_a_skipped_event_shows_its_id_of_any_type(daemon, value, shown):
    body = b'{"event_type":"other","conversation_id":%s}' % value
    response = daemon.post(body)
    assert (response.status, response.body) == (200, b'{"success":true,"eventId":%s}' % shown)
    assert daemon.stop().check(lines=0)["skipped"] == 1


NO_EVENT_ID = [
    b'{"event_type":"other"}',
    b"{}",
    b"[1,2]",
    b'"text"',
    b"12",
    b"true",
    b"false",
    b'{"event_type":12,"conversation_id":"%s"}' % (b"x" * 2051),
    b'{"conversation_id":[%s]}' % b",".join([b"1"] * 2048),
]


@pytest.mark.parametrize("body", NO_EVENT_ID, ids=range(len(NO_EVENT_ID)))
def test_an_event_without_a_short_id_is_skipped_without_one(daemon, body):
    response = daemon.post(body)
    assert (response.status, response.body) == (200, b'{"success":true}')
    assert daemon.stop().check(lines=0)["skipped"] == 1


BODY = event("c-1")
UNSIGNED = {
    "missing": False,
    "empty": " ",
    "short": sign(BODY)[:-1],
    "long": sign(BODY) + "0",
    "not hex": "g" + sign(BODY)[1:],
    "with a prefix": "sha256=" + sign(BODY),
    "of another body": sign(BODY + b" "),
    "of another secret": sign(BODY, "another-secret-0123456789"),
    "base64": wire.sign_base64(BODY),
}


@pytest.mark.parametrize("signature", UNSIGNED.values(), ids=UNSIGNED.keys())
def test_a_bad_signature_is_401(daemon, signature):
    response = daemon.ask(post(BODY, signature=signature))
    assert (response.status, response.body) == (401, UNAUTHORIZED)
    counters = daemon.stop().check(lines=0)
    assert (counters["reply_401"], counters["verified"]) == (1, 0)


def test_the_signature_is_checked_before_a_byte_of_json(daemon):
    assert daemon.ask(post(b"not JSON", signature=sign(b"other"))).status == 401


def test_hex_and_header_names_are_taken_in_any_case(daemon):
    for number, name in enumerate(("x-genesys-signature", "X-GENESYS-SIGNATURE")):
        body = event(f"c-{number}")
        request = head("POST", wire.PATH, [(name, sign(body).upper()),
                                           ("content-LENGTH", len(body))]) + body
        assert daemon.ask(request).status == 200
    assert len(daemon.ids()) == 2


NOT_VALID = [b"", b"{", b"{}x", b"{'a':1}", b"nul", b"[1,]", b"\xef\xbb\xbf{}", b'"\xff"',
             b'{"a":01}', b'"\n"']


@pytest.mark.parametrize("body", NOT_VALID)
def test_signed_bytes_that_are_no_json_are_400(daemon, body):
    response = daemon.post(body)
    assert (response.status, response.body) == (400, NOT_JSON)
    assert daemon.stop().check(lines=0)["rejected"] == 1


VALID = [b'{"a":"\\u0000"}', b'"\\ud800"', b"[1e999]", b"[" * 5000 + b"]" * 5000, b' {"a":1}\r\n']


@pytest.mark.parametrize("body", VALID, ids=range(len(VALID)))
def test_what_json_parse_accepts_is_never_400(daemon, body):
    assert daemon.post(body).status == 200


CANNOT_BE_STORED = {
    "a bare null": b"null",
    "no id": event(None),
    "an empty id": event(""),
    "an id that is a number": event(12),
    "no timestamp": event("c-1", timestamp=None),
    "a timestamp that is a number": event("c-1", timestamp=1),
    "no type": event("c-1", type=None),
    "an ended one without type": event("c-1", "conversation:ended", type=None),
    "an update without timestamp": event("c-1", "conversation:updated", timestamp=None),
    "a state that is an object": event("c-1", "conversation:updated", state={}),
    "a contact that is a list": event("c-1", external_contact={"id": [1]}),
    "a lone surrogate": event("c-1", type="@").replace(b"@", b"\\udc00"),
}


@pytest.mark.parametrize("body", CANNOT_BE_STORED.values(), ids=CANNOT_BE_STORED.keys())
def test_what_cannot_be_stored_is_500(daemon, body):
    response = daemon.post(body)
    assert (response.status, response.body) == (500, INTERNAL)
    assert daemon.stop().check(lines=0)["rejected"] == 1


def test_an_update_that_cannot_be_stored_is_200_where_so_configured(spawn):
    daemon = spawn({"storage.on_update_failure": "acknowledge"}).start()
    update = event("c-1", "conversation:updated", timestamp=None)
    assert daemon.post(update).status == 200
    assert daemon.post(event("c-1", timestamp=None)).status == 500
    assert daemon.stop().check(lines=0)["rejected"] == 2


@pytest.mark.parametrize("target", ["/healthz", "/readyz"])
def test_health_and_readiness_answer_get_and_head(daemon, target):
    with daemon.client() as client:
        seen = client.get(target)
        assert seen.status == 200
        same = client.get(target, "HEAD")
        assert (same.status, same.body) == (200, b"")
        assert same.header("Content-Length") == str(len(seen.body))
        assert client.get(target + "?verbose=1").status == 200
    counters = daemon.stop()
    assert counters["probes_ok"] >= 3 and counters["reply_200"] == 0


@pytest.mark.parametrize("request_bytes", [
    get("/"), get("/webhook/"), get("/webhookx"), get("/metrics"), get("/WEBHOOK"),
    post(BODY, target="/other"), post(BODY, target="/webhook/x")])
def test_another_path_is_404(daemon, request_bytes):
    response = daemon.ask(request_bytes)
    assert response.status == 404 and list(response.json()) == ["error"]
    assert daemon.stop().check(lines=0)["reply_404"] == 1


@pytest.mark.parametrize("method, target, allowed", [
    ("GET", "/webhook", {"POST"}), ("PUT", "/webhook", {"POST"}), ("DELETE", "/webhook", {"POST"}),
    ("PATCH", "/webhook", {"POST"}), ("OPTIONS", "/webhook", {"POST"}),
    ("FROBNICATE", "/webhook", {"POST"}),
    ("POST", "/healthz", {"GET", "HEAD"}), ("DELETE", "/readyz", {"GET", "HEAD"})])
def test_another_method_is_405_with_allow(daemon, method, target, allowed):
    response = daemon.ask(get(target, method), method)
    assert response.status == 405 and list(response.json()) == ["error"]
    assert {name.strip() for name in response.header("Allow").split(",")} == allowed


def test_a_head_of_the_webhook_is_405_without_a_body(daemon):
    response = daemon.get(wire.PATH, "HEAD")
    assert response.status == 405 and response.header("Allow") == "POST"


def test_a_body_over_the_limit_is_413(spawn):
    daemon = spawn({"server.max_body": "1KiB"}).start()
    fits = event("c-1", padding="x" * (1024 - len(event("c-1", padding=""))))
    assert len(fits) == 1024
    assert daemon.post(fits).status == 200
    response = daemon.post(fits + b" ")
    assert response.status == 413 and list(response.json()) == ["error"]
    assert daemon.stop().check(lines=1)["reply_413"] == 1


def test_a_query_string_is_ignored(daemon):
    assert daemon.post(event("c-1"), target="/webhook?token=1&x=%00").status == 200
    assert daemon.post(event("c-2"), target="/webhook?").status == 200
    assert len(daemon.ids()) == 2


def test_another_path_may_be_configured(spawn):
    daemon = spawn({"server.path": "/genesys/events"}).start()
    assert daemon.post(event("c-1"), target="/genesys/events").status == 200
    assert daemon.post(event("c-1")).status == 404


def test_the_connection_is_kept_after_every_ordinary_answer(daemon):
    requests = [
        (200, post(event("c-1"))), (401, post(BODY, signature=False)), (400, post(b"{")),
        (404, get("/none")), (405, get("/webhook")), (404, post(BODY, target="/none")),
        (405, head("PUT", "/webhook", [("Content-Length", 3)]) + b"abc"),
        (500, post(b"null")), (200, get("/healthz")), (200, get("/readyz")),
    ]
    with daemon.client() as client:
        for _ in range(2):
            for status, request in requests:
                response = client.ask(request)
                assert (response.status, response.closes) == (status, False)
    daemon.stop().check(lines=2)


def test_an_asked_for_close_is_obeyed(daemon):
    with daemon.client() as client:
        response = client.post(event("c-1"), headers=[("Connection", "close")])
        assert response.status == 200 and response.closes
        client.expect_closed()


def test_http_1_0_is_served_without_host(daemon):
    body = event("c-1")
    with daemon.client() as client:
        response = client.ask(head("POST", wire.PATH, [("X-Genesys-Signature", sign(body)),
                                                       ("Content-Length", len(body))],
                                   "HTTP/1.0", host=None) + body)
        assert response.status == 200
        client.expect_closed()


def test_every_answer_is_counted(daemon):
    for request in (post(event("c-1")), post(event("c-2")), post(b"{"), post(b"{}"), post(b"null"),
                    post(BODY, signature=False), get("/none"), get("/webhook")):
        daemon.ask(request)
    counters = daemon.stop().check(lines=2)
    assert [counters[f"reply_{status}"] for status in ERROR] == [1, 1, 1, 1, 0, 1]
    assert [counters[name] for name in ("verified", "stored", "skipped", "rejected", "failed")] \
        == [5, 2, 1, 2, 0]
    assert counters["secret_matched_1"] == 5


REASONS = {
    "two_lengths": head("POST", wire.PATH, [("Content-Length", 2)] * 2) + b"{}",
    "unknown_path": get("/none"),
    "webhook_method": get("/webhook"),
    "probe_method": post(BODY, target="/readyz"),
    "no_signature": post(BODY, signature=False),
    "two_signatures": post(BODY, headers=[("X-Genesys-Signature", sign(BODY))]),
    "malformed_signature": post(BODY, signature="00"),
    "wrong_signature": post(BODY, signature="0" * 64),
    "invalid_json": post(b"{"),
    "unstorable_event": post(event(None)),
    "header_size": post(BODY, headers=[("X-Other", "x" * 15000)]),
    "announced_length": post(b"x" * 1025),
    "body_length": chunked(b"x" * 1025, (600,)),
}


def test_every_refusal_is_counted_and_logged_by_its_reason(spawn):
    daemon = spawn({"server.max_body": "1KiB"}).start()
    for number, request in enumerate(REASONS.values(), 1):
        for _ in range(number):
            daemon.ask(request)
    counters = daemon.stop().check(lines=0)
    counted = {name: counters[f"refused_{name}"] for name in REASONS}
    assert counted == {name: number for number, name in enumerate(REASONS, 1)}
    assert sum(counted.values()) == sum(counters[f"reply_{status}"] for status in (*ERROR, 431))
    reasons = {entry["reason"] for entry in daemon.log() if entry["message"] == "request refused"}
    assert len(reasons) == len(REASONS)


def test_a_flood_of_one_refusal_hides_no_other_from_the_log(daemon):
    with daemon.client() as client:
        client.send(post(BODY, signature=False) * 300)
        assert {client.response().status for _ in range(300)} == {401}
        assert client.post(BODY, secret="another-secret-0123456789").status == 401
    daemon.wait_log("none of the secrets")
    counters = daemon.stop()
    assert (counters["refused_no_signature"], counters["refused_wrong_signature"]) == (300, 1)


def test_every_reason_is_documented():
    table = (SOURCE / "include" / "gw" / "metrics.h").read_text(encoding="utf-8")
    text = (SOURCE / "docs" / "answers.md").read_text(encoding="utf-8")
    names = re.findall(r"REASON\(\w+, \"(\w+)\"", table)
    assert len(names) > 20 and not [name for name in names if f"`refused_{name}`" not in text]
