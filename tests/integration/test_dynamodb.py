# SPDX-License-Identifier: Apache-2.0
"""DynamoDB as the store: what the table holds after which events, and after which faults."""

import itertools
import json
import threading

import pytest

import aws_faults
from aws_backend import (ANSWER_WITHIN_S, Backend, check_no_secret, environment_of, timed_post,
                         updated)
from aws_proxy import ALWAYS
from certificates import Authority
from convergence import SEEDS, check_table, deliver, fold, legacy_records, scenario, shuffled
from wire import event

# --- what the table holds

def test_each_event_becomes_its_record(start, table):
    daemon = start()
    created = event("c-1", external_contact={"id": "contact-1"})
    for body in [created, updated("c-2"), event("c-3", "conversation:ended"), updated("c-1")]:
        assert daemon.post(body).status == 200
    order = 1795435200000 * 16
    assert table.records() == {
        "c-1": {"conversationId": "c-1", "type": "voice", "status": "connected",
                "timestamp": "2026-11-23T12:00:01.000Z", "externalContactId": "contact-1",
                "rawPayload": created.decode(), "eventOrder": order + 16005,
                "snapshotOrder": order + 4},
        "c-2": {"conversationId": "c-2", "status": "connected",
                "timestamp": "2026-11-23T12:00:01.000Z", "eventOrder": order + 16005},
        "c-3": {"conversationId": "c-3", "type": "voice", "status": "ended",
                "timestamp": "2026-11-23T12:00:00.000Z", "externalContactId": "unknown",
                "rawPayload": event("c-3", "conversation:ended").decode(),
                "eventOrder": order + 8, "snapshotOrder": order + 8},
    }
    assert table.proxy.operations() == {"PutItem": 2, "UpdateItem": 2}
    counters = daemon.stop().check()
    assert (counters["stored"], counters["superseded"]) == (4, 0)
    check_no_secret(daemon.log_text())


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
@pytest.mark.parametrize("adds_item", [True, False])
def test_any_order_ends_in_one_record(start, table, order, adds_item):
    table.proxy.adds_item = adds_item
    bodies = [event("c-1"), updated("c-1"),
              event("c-1", "conversation:ended", timestamp="2026-11-23T12:00:02Z")]
    daemon = start()
    for index in [*order, *order]:
        assert daemon.post(bodies[index]).status == 200
    assert table.records() == fold(bodies)
    daemon.stop().check()


@pytest.mark.parametrize("members", [
    {"type": "größer 🙂"}, {"type": ""}, {"external_contact": {"id": "a\u0000b"}},
    {"timestamp": ""}, {"timestamp": "no time"}, {"note": "\\\"\u2028<>&"},
], ids=str)
@pytest.mark.parametrize("adds_item", [True, False])
def test_strings_are_stored_as_sent(start, table, adds_item, members):
    """And merged, too: the update lacks what came before it, and the end comes before its put."""
    table.proxy.adds_item = adds_item
    update = updated("c-ü", state=members.get("type", "a\u0000b"))
    bodies = [update, event("c-ü", **members)]
    daemon = start()
    assert [daemon.post(body).status for body in bodies] == [200, 200]
    assert table.records() == fold(bodies)


@pytest.mark.parametrize("status", ["active", "held", "ended"])
def test_records_of_the_function_are_merged(start, table, status):
    table.put({"conversationId": "c-1", "type": "voice", "status": status,
               "timestamp": "2026-11-23T12:00:00.000Z", "externalContactId": "x",
               "rawPayload": "~"})
    legacy = table.records()
    bodies = [updated("c-1", timestamp="2026-11-23T11:59:59Z"), updated("c-1"),
              event("c-1", timestamp="2026-11-23T12:00:00Z"),
              event("c-1", "conversation:ended", timestamp="2026-11-23T12:00:05Z")]
    daemon = start()
    for count, body in enumerate(bodies, 1):
        assert daemon.post(body).status == 200
        assert table.records() == fold(bodies[:count], legacy)
    counters = daemon.stop().check()
    assert (counters["stored"], counters["superseded"]) == (2, 2)


def test_the_biggest_item_is_stored_and_a_bigger_one_is_the_events_fault(start, table):
    daemon = start()
    empty = len(event("c-1", note=""))
    item = empty + sum(map(len, ("conversationIdtypestatustimestampexternalContactIdrawPayload"
                                 "eventOrdersnapshotOrder", "c-1voiceactiveunknown",
                                 "2026-11-23T12:00:00.000Z"))) + 2 * 21
    biggest = event("c-1", note="x" * (400 * 1024 - item))
    assert daemon.post(biggest).status == 200
    assert table.get("c-1")["rawPayload"] == biggest.decode()
    requests = table.proxy.count()
    assert daemon.post(event("c-2", note="x" * 400 * 1024)).status == 500
    assert table.proxy.count() == requests, "what cannot be stored is not sent"
    counters = daemon.stop().check()
    assert (counters["stored"], counters["rejected"]) == (1, 1)
    assert "c-2" in daemon.log_text()


def test_what_expires_says_when(start, table):
    daemon = start(**{"dynamodb.ttl": "90d"})
    seconds = 1795435200 + 90 * 86400
    for body in [event("c-1"), updated("c-2"), event("c-3", timestamp="no time")]:
        assert daemon.post(body).status == 200
    assert table.get("c-1")["expiresAt"] == seconds
    assert table.get("c-2")["expiresAt"] == seconds + 1
    assert "expiresAt" not in table.get("c-3")
    assert daemon.post(updated("c-3")).status == 200
    assert table.get("c-3")["expiresAt"] == seconds + 1


# --- faults

FIRST = {"put": event("c-1"), "update": updated("c-1")}


@pytest.mark.parametrize("body", FIRST.values(), ids=FIRST)
@pytest.mark.parametrize("fault", [*aws_faults.PASSING.values(), *aws_faults.CURABLE.values()],
                         ids=[*aws_faults.PASSING, *aws_faults.CURABLE])
def test_a_fault_that_passes_is_not_seen(start, table, fault, body):
    daemon = start()
    rule = table.proxy.play(fault)
    assert timed_post(daemon, body) == 200
    assert rule.played == 1
    assert table.records() == fold([body])
    daemon.stop().check()
    check_no_secret(daemon.log_text())


MERGES = [event("c-1"), updated("c-1", timestamp="2026-11-23T11:00:00Z")]


@pytest.mark.parametrize("nth", [0, 1])
@pytest.mark.parametrize("fault", aws_faults.PASSING.values(), ids=aws_faults.PASSING)
def test_a_fault_in_a_merge_is_not_seen(start, table, fault, nth):
    daemon = start()
    bodies = [updated("c-1"), event("c-1")]
    assert daemon.post(bodies[0]).status == 200
    if nth:
        table.proxy.play(lambda exchange: exchange.reply(exchange.forward()), times=nth)
    rule = table.proxy.play(fault)
    assert timed_post(daemon, bodies[1]) == 200
    assert rule.played == 1
    assert table.records() == fold(bodies)
    daemon.stop().check()


@pytest.mark.parametrize("name", [name for name in aws_faults.FINAL
                                  if name != "ValidationException"])
def test_what_only_a_person_can_mend_is_waited_for_and_told(start, table, name):
    daemon = start(**{"dynamodb.deadline": "3s"})
    table.proxy.play(aws_faults.FINAL[name], times=ALWAYS)
    load = [threading.Thread(target=daemon.post, args=(event(f"c-{n}"),)) for n in range(5)]
    for thread in load:
        thread.start()
    assert timed_post(daemon, event("c-1")) == 500
    for thread in load:
        thread.join()
    table.proxy.clear()
    assert timed_post(daemon, event("c-1")) == 200
    counters = daemon.stop().check()
    assert counters["rejected"] == 0
    assert counters["dynamodb_outages"] >= 1
    assert any(entry["level"] == "error" and "advice" in entry for entry in daemon.log())
    check_no_secret(daemon.log_text())


def test_an_event_that_dynamodb_refuses_is_rejected_at_once(start, table):
    daemon = start()
    table.proxy.play(aws_faults.FINAL["ValidationException"])
    assert daemon.post(event("c-1")).status == 500
    assert table.proxy.count() == 1
    assert daemon.stop().check()["rejected"] == 1
    assert "c-1" in daemon.log_text()


@pytest.mark.parametrize("skew_s", [-3600, 3600])
def test_a_clock_that_is_off_is_corrected(start, table, skew_s):
    table.proxy.expected.add("clock")
    table.proxy.skew_s = skew_s
    daemon = start()
    for number in range(3):
        assert timed_post(daemon, event(f"c-{number}")) == 200
    assert len(table.proxy.refusals) <= 2, "each worker learns it once"
    daemon.stop().check()


def test_a_foreign_write_between_read_and_merge_is_not_lost(start, table):
    bodies = [event("c-1", note=str(number)) for number in range(3)]
    winner = max(bodies)

    def write_another(exchange):
        foreign = fold([winner])["c-1"]
        table.put(foreign)

    daemon = start()
    others = [body for body in bodies if body != winner]
    assert daemon.post(others[0]).status == 200
    table.proxy.play(aws_faults.meanwhile(write_another), "PutItem")
    assert daemon.post(others[1]).status == 200
    assert table.records() == fold(bodies)
    daemon.stop().check()


# --- many at once

UPDATES = [updated("hot", state=f"state {number}",
                   timestamp=f"2026-11-23T12:00:{number % 60:02}.{number:03}Z")
           for number in range(64)]
PUTS = [event("hot", note=str(number), timestamp=f"2026-11-23T12:00:{number:02}Z")
        for number in range(16)]
HOT = {"updates": UPDATES, "updates and puts": UPDATES + PUTS,
       "of one moment": [updated("hot", state=f"state {number}") for number in range(64)]}


@pytest.mark.parametrize("bodies", HOT.values(), ids=HOT)
@pytest.mark.parametrize("count", [1, 2])
def test_a_hot_conversation_ends_right_with_few_requests(start, table, count, bodies):
    settings = {"dynamodb.connections": len(bodies), "dynamodb.deadline": "30s"}
    daemons = [start(**settings) for _ in range(count)]
    table.proxy.play(aws_faults.together(len(bodies)), times=len(bodies))
    acknowledged, unsure = deliver([daemon.address for daemon in daemons],
                                   shuffled(bodies, 1, 0), clients=len(bodies))
    assert len(acknowledged) == len(bodies) and not unsure
    assert table.records() == fold(bodies)
    requests = table.proxy.operations()
    print(f"{len(bodies)} events of one conversation at once through {count}: "
          f"{requests.total()} requests, {dict(requests)}")
    # Of writes of one moment each that wins leaves, by chance, half of those that go on: twice
    # the events in all, more than eight times in none of a million runs.
    assert requests.total() <= 8 * len(bodies)
    for daemon in daemons:
        daemon.stop().check()


@pytest.mark.parametrize("seed", range(10 * SEEDS))
def test_shuffled_repeated_events_through_two_daemons_converge(start, table, seed):
    daemons = [start(), start()]
    bodies = scenario(seed)
    legacy = legacy_records(bodies, seed)
    for record in legacy.values():
        table.put(record)
    acknowledged, unsure = deliver([daemon.address for daemon in daemons], shuffled(bodies, seed))
    assert not unsure
    check_table(table.records(), acknowledged, legacy=legacy)
    for daemon in daemons:
        daemon.stop().check()


@pytest.mark.parametrize("seed", range(SEEDS))
def test_random_faults_lose_nothing(start, table, seed):
    table.proxy.expected.add("clock")
    daemons = [start(), start()]
    bodies = scenario(seed)
    faults = [aws_faults.forward, aws_faults.condition_failed_unasked,
              aws_faults.skewed("InvalidSignatureException", 3600),
              *aws_faults.PASSING.values(), *aws_faults.CURABLE.values()]
    rule = table.proxy.play(aws_faults.any_of(faults, seed), times=60)
    acknowledged, unsure = deliver([daemon.address for daemon in daemons], shuffled(bodies, seed),
                                   rounds=20, within_s=ANSWER_WITHIN_S)
    assert rule.played > 0 and not unsure
    check_table(table.records(), acknowledged)
    for daemon in daemons:
        daemon.stop().check()


# --- TLS, credentials

def test_tls_is_verified(spawn, tls_table):
    daemon = spawn(tls_table.settings, environment=tls_table.environment).start()
    assert daemon.post(event("c-1")).status == 200
    daemon.stop().check()


def test_an_authority_can_come_from_the_environment_as_for_the_sdks(spawn, tls_table):
    """Where the configuration names none."""
    settings = dict(tls_table.settings)
    environment = {**tls_table.environment, "AWS_CA_BUNDLE": str(settings.pop("dynamodb.ca_file"))}
    daemon = spawn(settings, environment=environment).start()
    assert daemon.post(event("c-1")).status == 200
    daemon.stop().check()


def test_a_token_as_long_as_is_taken_is_sent(spawn, table):
    daemon = spawn(table.settings, environment=environment_of("AKIDLONG")).start()
    assert daemon.post(event("c-1")).status == 200
    daemon.stop().check()


def test_static_keys_that_are_refused_are_called_so(start, table):
    """To fetch them again brings the same, and is no renewal."""
    table.proxy.play(aws_faults.CURABLE["ExpiredTokenException"], times=ALWAYS)
    daemon = start(**{"dynamodb.deadline": "2s"})
    assert timed_post(daemon, event("c-1")) == 500
    assert "gives the same again" in daemon.wait_log("could not be renewed")["reason"]
    assert "credentials renewed" not in daemon.log_text()
    table.proxy.clear()
    assert daemon.post(event("c-1")).status == 200
    daemon.stop().check()


@pytest.mark.parametrize("issued, trusted, says", [
    ({}, None, "certificate"), ({}, "other", "certificate"), ({"days": -1}, "tests", "expired"),
    ({"names": "DNS:example.invalid"}, "tests", "name matches target host name '127.0.0.1'"),
], ids=["the system's authorities", "another authority", "expired", "another name"])
def test_a_wrong_certificate_is_refused(spawn, dynalite, tmp_path, issued, trusted, says):
    authorities = {name: Authority(tmp_path, name) for name in ("tests", "other")}
    tls = authorities["tests"].issue(**issued)
    with Backend(dynalite, tls, trusted and authorities[trusted].file) as table:
        table.proxy.expected.add("tls")
        daemon = spawn({**table.settings, "server.workers": 1, "dynamodb.deadline": "5s"},
                       environment=table.environment).start()
        posts = [threading.Thread(target=timed_post, args=(daemon, event(f"c-{n}")))
                 for n in range(6)]
        for post in posts:
            post.start()
        assert says in daemon.wait_log("DynamoDB takes no writes")["text"]
        for post in posts:
            post.join()
        assert table.proxy.count() == 0 and not table.records()
        assert daemon.stop().check()["failed"] == 6
        table.proxy.check()


@pytest.mark.parametrize("environment, says", [
    ({"AWS_SECRET_ACCESS_KEY": ""}, "AWS_SECRET_ACCESS_KEY"),
    ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "credentials"),
])
def test_without_credentials_it_does_not_start(spawn, table, environment, says):
    daemon = spawn(table.settings, environment={**table.environment, **environment}).launch()
    assert daemon.wait_exit() == 1
    assert says in daemon.log_text()
    check_no_secret(daemon.log_text())


def test_without_a_region_it_does_not_start(spawn, table):
    daemon = spawn({**table.settings, "dynamodb.region": None, "dynamodb.endpoint": None},
                   environment=table.environment).launch()
    assert daemon.wait_exit() == 1
    assert "region" in daemon.log_text()
    assert json.loads(daemon.log_text().splitlines()[0])
