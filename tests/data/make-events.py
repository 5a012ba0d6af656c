#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes event-1083.json and event-116k.json beside itself.

Two conversation:created events as Genesys Cloud shapes them, compact and without escapes: an
ordinary one of exactly 1,083 bytes, and a long conference call of 116 KB. Names and ids are made
up; nothing is random, so the files come out the same each time.
"""

import hashlib
import json
import pathlib
import uuid

HERE = pathlib.Path(__file__).parent
SMALL_BYTES = 1083
LARGE_BYTES = 116_000
QUEUES = ["Billing", "Claims", "Support", "Retention", "Sales"]
NAMES = ["Ada Keller", "Jonas Weber", "Maya Lindholm", "Tom Okafor", "Ines Duarte", "Per Nyman"]


def made_id(*parts):
    return str(uuid.UUID(hashlib.md5(repr(parts).encode()).hexdigest(), version=4))


def moment(second):
    return f"2026-03-02T09:{second // 60 % 60:02}:{second % 60:02}.{second * 37 % 1000:03}Z"


def segment(number, kind):
    return {
        "segmentStart": moment(number),
        "segmentEnd": moment(number + 41),
        "segmentType": kind,
        "queueId": made_id("queue", number % len(QUEUES)),
        "disconnectType": "transfer",
        "conference": True,
    }


def participant(number, purpose):
    name = NAMES[number % len(NAMES)]
    return {
        "participantId": made_id("participant", number),
        "participantName": name,
        "purpose": purpose,
        "userId": made_id("user", name),
        "sessions": [{
            "sessionId": made_id("session", number),
            "mediaType": "voice",
            "direction": "inbound",
            "ani": f"tel:+4930{1000000 + number * 7919}",
            "dnis": "tel:+498005550100",
            "provider": "Edge",
            "edgeId": made_id("edge", number % 4),
            "recording": number % 3 == 0,
            "mosScore": 4.1 + number % 8 / 10,
            "segments": [segment(number + at, kind)
                         for at, kind in enumerate(["alert", "interact", "hold", "wrapup"])],
        }],
    }


def event(name, participants):
    return {
        "event_type": "conversation:created",
        "conversation_id": made_id("conversation", name),
        "type": "voice",
        "timestamp": moment(7),
        "state": "connected",
        "external_contact": {"id": made_id("contact", name), "name": "Clara Brandt",
                             "organization": "Brandt & Sons"},
        "direction": "inbound",
        "queue": {"id": made_id("queue", 0), "name": QUEUES[0]},
        "participants": participants,
        "attributes": {"language": "de", "crm_case": "C-2026-004711", "priority": 3, "vip": False,
                       "note": ""},
    }


def encoded(value):
    return json.dumps(value, separators=(",", ":")).encode()


def small_participant(number, purpose):
    return {
        "id": made_id("participant", number),
        "name": NAMES[number],
        "purpose": purpose,
        "sessions": [{"id": made_id("session", number), "media": "voice", "direction": "inbound",
                      "ani": f"tel:+4930{1000000 + number * 7919}"}],
    }


def small_event():
    return event("small", [small_participant(0, "customer"), small_participant(1, "agent")])


def large_event():
    people = [participant(0, "customer")]
    while len(encoded(event("large", people))) < LARGE_BYTES - 2000:
        people.append(participant(len(people), "agent"))
    return event("large", people)


def write(name, value, size):
    """The note is filled up so that the body is of exactly `size` bytes."""
    words = "Caller asks about the invoice of February and wants to be called back. " * 50
    value["attributes"]["note"] = words[:size - len(encoded(value))].ljust(1)
    body = encoded(value)
    if len(body) != size or b"\\" in body:
        raise SystemExit(f"{name}: {len(body)} bytes instead of {size}, or an escape in it")
    (HERE / name).write_bytes(body)


write("event-1083.json", small_event(), SMALL_BYTES)
write("event-116k.json", large_event(), LARGE_BYTES)
