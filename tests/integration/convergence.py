# SPDX-License-Identifier: Apache-2.0
"""What the table must hold: a model of the record's rule (include/gw/record.h), events that try it,
and their delivery in any order, several times, by many clients.

The model is not the C's loop of applying writes but the idea behind it: a record is two registers,
the state (status, timestamp) and the snapshot (all else), and each is the maximum of what it was
ever given, so that no order of arrival can play a part.
"""

import collections
import datetime
import itertools
import json
import operator
import os
import queue
import random
import re
import threading
import time

import wire
from dynamodb import KEY

# How many scenarios are tried with faults; without any, where they are quick, ten times as many.
SEEDS = int(os.environ.get("SEEDS", "20"))
RANKS = {"conversation:created": 4, "conversation:updated": 5, "conversation:ended": 8}
STATUSES = {"conversation:created": "active", "conversation:ended": "ended"}
LEGACY_RANKS = {"active": 4, "ended": 8}
STATE = ("status", "timestamp")
SNAPSHOT = ("type", "externalContactId", "rawPayload")
# Of all that design.md allows, the forms that scenario() uses.
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")

Register = collections.namedtuple("Register", "order tie values")
Write = collections.namedtuple("Write", "state snapshot")  # snapshot None: an update
RANK = operator.attrgetter("order", "tie")


# --- the model

def time_ms(timestamp):
    """What does not parse counts as 0."""
    if re.fullmatch(r"[0-9]{1,15}", timestamp):
        return int(timestamp)
    if not RFC_3339.fullmatch(timestamp):
        return 0
    # Finer than a millisecond is cut off.
    moment = datetime.datetime.fromisoformat(re.sub(r"(\.\d{3})\d+", r"\1", timestamp))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return (moment - epoch) // datetime.timedelta(milliseconds=1)


def raw_payload(body):
    return body.replace(b"\r", b" ").replace(b"\n", b" ").decode()


def write_of(body):
    """(conversation id, Write) of an event that a route handles."""
    event = json.loads(body)
    kind, timestamp = event["event_type"], event["timestamp"]
    order = time_ms(timestamp) * 16 + RANKS[kind]
    status = STATUSES.get(kind) or event.get("state") or "unknown"
    values = {"status": status, "timestamp": timestamp}
    if kind == "conversation:updated":
        return event["conversation_id"], Write(Register(order, content(status, timestamp), values),
                                               None)
    payload = raw_payload(body)
    contact = (event.get("external_contact") or {}).get("id") or "unknown"
    snapshot = {"type": event["type"], "externalContactId": contact, "rawPayload": payload}
    return event["conversation_id"], Write(Register(order, content(payload), values),
                                           Register(order, content(payload), snapshot))


def content(*texts):
    """What settles writes of one order; strings of one kind compare bytewise."""
    return tuple(text.encode() for text in texts)


def write_of_legacy(record):
    """A record as the function left it, as the write that it counts as."""
    values = {name: record[name] for name in STATE if name in record}
    status, timestamp = record.get("status", ""), record.get("timestamp", "")
    order = time_ms(timestamp) * 16 + LEGACY_RANKS.get(status, 5)
    payload = content(record["rawPayload"]) if "rawPayload" in record else ()
    # Of an even order, the order of puts, a payload decides, and any is more than none.
    tie = content(status, timestamp) if order % 2 else payload
    snapshot = {name: record[name] for name in SNAPSHOT if name in record}
    return Write(Register(order, tie, values),
                 Register(order, payload, snapshot) if payload else None)


def fold_one(conversation_id, writes, legacy=None):
    """The record after all the writes; legacy is the record before them."""
    before = [write_of_legacy(legacy)] if legacy else []
    everything = [*before, *writes]
    if not everything:
        return None
    # Of equals the first, which is what was there before.
    state = max((write.state for write in everything), key=RANK)
    snapshot = max((write.snapshot for write in everything if write.snapshot), key=RANK,
                   default=None)
    if before and state is before[0].state and snapshot is before[0].snapshot:
        return legacy  # nothing applied, so nothing was written
    record = {KEY: conversation_id, **state.values, "eventOrder": state.order}
    if snapshot:
        record |= {**snapshot.values, "snapshotOrder": snapshot.order}
    elif legacy:
        record |= {name: legacy[name] for name in SNAPSHOT if name in legacy}
    return record


def by_conversation(bodies):
    writes = collections.defaultdict(list)
    for conversation_id, write in map(write_of, bodies):
        writes[conversation_id].append(write)
    return writes


def fold(bodies, legacy=None):
    """{conversation id: record} after all the events; legacy are the records before them."""
    legacy = legacy or {}
    writes = by_conversation(bodies)
    return {identity: fold_one(identity, writes[identity], legacy.get(identity))
            for identity in {*writes, *legacy}}


def possible(conversation_id, sure, ambiguous, legacy=None):
    """All records that may be: each of the ambiguous writes was done or not. Two of them at most
    can show, since one wins the state and one the snapshot."""
    pairs = itertools.combinations_with_replacement(ambiguous, 2)
    return [fold_one(conversation_id, [*sure, *pair], legacy) for pair in [(), *pairs]]


def check_table(records, acknowledged, ambiguous=(), legacy=None):
    """The table's records are the fold of what was acknowledged, and of any of the ambiguous."""
    legacy = legacy or {}
    sure, unsure = by_conversation(acknowledged), by_conversation(ambiguous)
    for identity in {*records, *sure, *unsure, *legacy}:
        found = records.get(identity)
        allowed = possible(identity, sure[identity], unsure[identity], legacy.get(identity))
        assert found in allowed, f"{identity}: found {found}, expected {allowed[0]}" + \
            (f" or one of {len(allowed) - 1} more" if allowed[1:] else "")


# --- events that try it

TIMESTAMPS = (
    "2026-11-23T12:00:00.000Z", "2026-11-23T12:00:00Z", "2026-11-23T13:00:00+01:00",  # one moment
    "2026-11-23T12:00:00.001Z", "1795435200002", "2026-11-23T12:00:00.0029Z", "no time at all", "")
STATES = ("connected", "alerting", "ended", "active", "", None, "größer", "🙂")
CONTACTS = (None, {}, {"id": None}, {"id": ""}, {"id": "contact-1"}, {"id": "Kunde ü"})


def event_of(chance, conversation_id):
    """Few moments and many contents, so that orders tie often."""
    kind = chance.choice(list(RANKS))
    event = {"event_type": kind, "conversation_id": conversation_id,
             "timestamp": chance.choice(TIMESTAMPS)}
    if kind == "conversation:updated":
        event["state"] = chance.choice(STATES)
    else:
        event["type"] = chance.choice(("voice", "chat", ""))
        event["external_contact"] = chance.choice(CONTACTS)
        event["note"] = "x" * chance.randrange(3)
    kept = {name: value for name, value in event.items() if value is not None}
    return json.dumps(kept, ensure_ascii=chance.random() < 0.5,
                      indent=chance.choice((None, 1))).encode()


def scenario(seed, conversations=3, events=8, prefix="conv"):
    """Bodies of so many different events a conversation; ids are the seed's own."""
    chance = random.Random(f"scenario {seed}")
    bodies = []
    for number in range(conversations):
        identity = f"{prefix}-{seed}-{number}"
        made = set()
        while len(made) < events:
            made.add(event_of(chance, identity))
        bodies += sorted(made)
    return bodies


def shuffled(bodies, seed, repetitions=0.5):
    """Each at least once, so large a part of them again, in the seed's order."""
    chance = random.Random(f"shuffle {seed}")
    delivered = [*bodies, *(body for body in bodies if chance.random() < repetitions)]
    chance.shuffle(delivered)
    return delivered


def legacy_records(bodies, seed):
    """Records as the function may have left them, for about half of the conversations."""
    chance = random.Random(f"legacy {seed}")
    records = {}
    for identity, writes in sorted(by_conversation(bodies).items()):
        if chance.random() < 0.5:
            continue
        snapshot = chance.choice([write.snapshot for write in writes])
        state = chance.choice(writes).state
        records[identity] = {KEY: identity, **state.values, **(snapshot.values if snapshot else {})}
    return records


# --- delivery

class Delivery:
    """Sends all bodies, by so many clients to each of the addresses at once. acknowledged: answered
    200, as often as they were. unsure: sent, and answered otherwise or not at all. Any answer comes
    within_s."""

    def __init__(self, addresses, bodies, clients=8, secret=wire.SECRET, within_s=wire.TIMEOUT):
        self.waiting = queue.SimpleQueue()
        for body in bodies:
            self.waiting.put(body)
        self.secret = secret
        self.within_s = within_s
        self.acknowledged = []
        self.unsure = []
        self.statuses = collections.Counter()
        self.problems = []
        threads = [threading.Thread(target=self._run, args=(address,), daemon=True)
                   for address in addresses for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not self.problems, self.problems[0]

    def _run(self, address):
        client = None
        while True:
            try:
                body = self.waiting.get_nowait()
            except queue.Empty:
                break
            try:
                client = self._send(client or wire.Client(address), body)
            except (OSError, wire.Closed):
                self.statuses["no answer"] += 1
                self.unsure.append(body)
                client = None
            except BaseException as problem:
                self.problems.append(problem)
                break
        if client:
            client.close()

    def _send(self, client, body):
        """Returns the connection if it can be used again."""
        began = time.monotonic()
        response = client.post(body, secret=self.secret)
        assert time.monotonic() - began < self.within_s, response
        self.statuses[response.status] += 1
        (self.acknowledged if response.status == 200 else self.unsure).append(body)
        if not response.closes:
            return client
        client.close()
        return None


def deliver(addresses, bodies, rounds=1, **options):
    """The deliveries' acknowledged and unsure bodies; what was unsure is sent again for as many
    rounds, as Genesys does, and is then only unsure if it never was acknowledged."""
    acknowledged, left = [], list(bodies)
    for _ in range(rounds):
        delivery = Delivery(addresses, left, **options)
        acknowledged += delivery.acknowledged
        left = delivery.unsure
        if not left:
            break
    sure = set(acknowledged)
    return acknowledged, [body for body in left if body not in sure]
