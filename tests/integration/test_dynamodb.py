# SPDX-License-Identifier: Apache-2.0
"""DynamoDB as the store: what the table holds after which events, and after which faults."""

import collections
import contextlib
import itertools
import json
import resource
import threading
import time

import pytest

import aws_faults
from aws_backend import Backend, check_no_secret, environment_of
from aws_http import Answer
from aws_proxy import ALWAYS
from certificates import Authority
from convergence import SEEDS, check_table, deliver, fold, legacy_records, scenario, shuffled
from harness import BOUND, eventually
from wire import event

ANSWER_WITHIN_S = 10  # after which Genesys does not listen any more


@pytest.fixture
def start(spawn, table):
    def start(**settings):
        return spawn({**table.settings, **settings}, environment=table.environment).start()

    return start


@contextlib.contextmanager
def posting(daemon, count, **members):
    """Posts events at once; their answers are all there at the end."""
    answers = []
    bodies = [event(f"c-{number}", **members) for number in range(count)]
    threads = [threading.Thread(target=lambda body=body: answers.append(daemon.post(body)))
               for body in bodies]
    for thread in threads:
        thread.start()
    yield answers
    for thread in threads:
        thread.join()


def timed_post(daemon, body):
    began = time.monotonic()
    status = daemon.post(body).status
    assert time.monotonic() - began < ANSWER_WITHIN_S
    return status


def updated(conversation_id, state="connected", timestamp="2026-11-23T12:00:01.000Z", **members):
    return event(conversation_id, "conversation:updated", type=None, state=state,
                 timestamp=timestamp, **members)


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


def test_an_outage_is_waited_for_and_found_over_without_traffic(start, table):
    daemon = start()
    assert daemon.post(event("c-0")).status == 200
    answers = collections.Counter()

    def post(number):
        answers[daemon.post(event(f"c-{number}")).status] += 1

    with table.proxy.refusing():
        waiting = [threading.Thread(target=post, args=(number,)) for number in range(1, 30)]
        for thread in waiting:
            thread.start()
        daemon.wait_log("DynamoDB takes no writes")
        assert daemon.readiness() == 200, "an outage that all share takes no replica away"
    for thread in waiting:
        thread.join()
    assert answers == {200: 29}
    daemon.wait_log("DynamoDB takes writes again")
    assert len(table.records()) == 30
    daemon.stop().check()


def test_an_outage_longer_than_the_deadline_is_a_500(start, table):
    daemon = start(**{"server.workers": 1, "dynamodb.deadline": "1s",
                      "dynamodb.unready_on_outage": "yes"})
    with table.proxy.refusing():
        answers = [timed_post(daemon, event(f"c-{number}")) for number in range(6)]
        assert answers == [500] * 6
        daemon.wait_ready(False)
    daemon.wait_ready()
    assert daemon.post(event("c-0")).status == 200
    counters = daemon.stop().check()
    assert counters["failed"] == 6


def denied_updates(table):
    """The identity may put, but not update."""
    table.proxy.play(aws_faults.FINAL["AccessDeniedException"], "UpdateItem", times=ALWAYS)


def throttled_item(table):
    """One conversation has more writes than a partition takes."""
    table.proxy.play(aws_faults.throttled("ThrottlingException"), times=ALWAYS,
                     when=lambda exchange: exchange.item_key.endswith("/hot"))


@pytest.mark.parametrize("failing", [1, 20])
@pytest.mark.parametrize("fault", [denied_updates, throttled_item])
def test_events_that_fail_for_reasons_of_their_own_hold_up_no_others(start, table, fault, failing):
    """And each is tried again once a second, however many others are stored meanwhile."""
    daemon = start(**{"server.workers": 1, "dynamodb.deadline": "3s",
                      "dynamodb.unready_on_outage": "yes"})
    fault(table)
    answers, others = collections.Counter(), collections.Counter()
    stop = threading.Event()

    def fail():
        answers[timed_post(daemon, updated("hot"))] += 1

    def store(client):
        while not stop.is_set():
            others[daemon.post(event(f"{client}-{others.total()}")).status] += 1
            assert daemon.readiness() == 200

    storing = [threading.Thread(target=store, args=(client,)) for client in range(2)]
    threads = [threading.Thread(target=fail) for _ in range(failing)]
    for thread in storing + threads:
        thread.start()
    for thread in threads:
        thread.join()
    stop.set()
    for thread in storing:
        thread.join()
    assert answers == {500: failing}
    assert list(others) == [200]
    assert daemon.wait_log("did not store an event")["conversation_id"] == "hot"
    counters = daemon.stop().check()
    assert counters["dynamodb_outages"] == 0
    calls = 3  # a second apart, within the deadline
    attempts = 4
    assert counters["dynamodb_requests"] <= others[200] + failing * calls * attempts


def test_one_event_that_fails_on_an_idle_daemon_is_no_outage(start, table):
    table.proxy.play(aws_faults.FINAL["a code that nobody knows"], times=ALWAYS,
                     when=lambda exchange: exchange.item_key.endswith("/odd"))
    daemon = start(**{"server.workers": 1, "dynamodb.deadline": "4s"})
    assert daemon.post(event("c-1")).status == 200
    assert timed_post(daemon, event("odd")) == 500
    assert daemon.wait_log("did not store an event")["conversation_id"] == "odd"
    counters = daemon.stop().check()
    assert counters["dynamodb_requests"] >= 3 and counters["dynamodb_outages"] == 0


def test_a_name_server_that_hangs_stops_nothing_else(spawn, table):
    """Each connection looks the name up, and none comes about."""
    named = table.proxy.url.replace("127.0.0.1", "table.test")
    daemon = spawn({**table.settings, "dynamodb.endpoint": named, "server.workers": 1,
                    "dynamodb.deadline": "30s"}, environment=table.environment, faults=True)
    daemon.faults.set("getaddrinfo", "hang")
    daemon.start()
    with posting(daemon, 4) as answers:
        daemon.wait_log("DynamoDB takes no writes")
        for _ in range(20):
            assert daemon.get("/healthz").status == 200
        assert not answers
        daemon.faults.clear("getaddrinfo")
    assert [answer.status for answer in answers] == [200] * 4
    daemon.stop().check()


def test_a_table_that_takes_no_writes_is_out_though_it_can_be_read(start, table):
    table.proxy.play(aws_faults.FINAL["AccessDeniedException"], "PutItem", times=ALWAYS)
    daemon = start(**{"server.workers": 1, "dynamodb.deadline": "2s",
                      "dynamodb.unready_on_outage": "yes"})
    for number in range(3):
        assert timed_post(daemon, event(f"c-{number}")) == 500
    daemon.wait_ready(False)
    probes = table.proxy.operations()["PutItem"]
    eventually(lambda: table.proxy.operations()["PutItem"] >= probes + 3, "it is probed")
    assert daemon.readiness() == 503
    assert "takes writes again" not in daemon.log_text()
    table.proxy.clear()
    daemon.wait_ready()
    assert daemon.post(event("c-0")).status == 200
    daemon.stop().check()


@pytest.mark.parametrize("body", [b'{"Item":{"status":{"S":"x"}}', b'{"Item":[]}', b'{"Item":{}} {}'])
def test_a_read_that_cannot_be_understood_is_repeated(start, table, body):
    table.proxy.adds_item = False
    daemon = start()
    assert daemon.post(updated("c-1")).status == 200
    table.proxy.play(aws_faults.answers(Answer(200, body)), "GetItem", times=1)
    assert timed_post(daemon, event("c-1")) == 200
    assert table.records() == fold([updated("c-1"), event("c-1")])
    daemon.stop().check()


def test_an_update_is_acknowledged_in_an_outage_where_so_configured(start, table):
    daemon = start(**{"storage.on_update_failure": "acknowledge", "dynamodb.deadline": "300ms"})
    with table.proxy.refusing():
        assert timed_post(daemon, updated("c-1")) == 200
        assert timed_post(daemon, event("c-1")) == 500
    assert daemon.wait_log("failed update acknowledged")
    counters = daemon.stop().check()
    assert (counters["failed"], counters["failures_acknowledged"]) == (2, 1)


def hold(table):
    """The table answers nothing until what is returned is set."""
    released = threading.Event()

    def wait(exchange):
        released.wait(BOUND)
        aws_faults.forward(exchange)

    table.proxy.play(wait, times=ALWAYS)
    return released


def test_what_is_more_than_may_be_under_way_is_a_503_at_once(start, table):
    daemon = start(**{"server.max_in_flight": 4, "dynamodb.deadline": "30s"})
    released = hold(table)
    with posting(daemon, 4) as answers:
        table.wait_requests(4)
        refused = daemon.post(event("c-5"))
        released.set()
    assert refused.status == 503 and refused.header("Retry-After")
    assert [answer.status for answer in answers] == [200] * 4 and len(table.records()) == 4
    daemon.stop().check()


def test_requests_that_would_take_more_memory_than_their_bodies_may_are_a_503_at_once(start, table):
    """A request is twice a body of quotes; two bodies of three fit, with what max_body adds."""
    daemon = start(**{"server.max_buffered": "1MiB", "server.max_body": "340KiB",
                      "dynamodb.deadline": "30s"})
    quotes = {"padding": '"' * 165_000}
    released = hold(table)
    with posting(daemon, 2, **quotes) as answers:
        table.wait_requests(2)
        refused = daemon.post(event("c-5", **quotes))
        released.set()
    assert refused.status == 503 and refused.header("Retry-After")
    assert [answer.status for answer in answers] == [200] * 2 and len(table.records()) == 2
    assert daemon.stop().check()["refused_full_queue"] == 1


def test_where_files_are_too_few_connections_to_the_table_are_fewer(spawn, table):
    """512 are kept for all else; of the others the clients get the half."""
    daemon = spawn({**table.settings, "server.workers": 4, "server.max_connections": 400},
                   environment=table.environment,
                   preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (592, 592)))
    daemon.start()
    assert daemon.wait_log("fewer are made")["connections"] == 10
    assert daemon.wait_log("fewer connections are taken")["max_connections"] == 40
    released = hold(table)
    with posting(daemon, 40) as answers:
        released.set()
    assert [answer.status for answer in answers] == [200] * 40
    daemon.stop().check()


def test_a_missing_table_is_told_and_waited_for(start, table):
    table.table.delete()
    daemon = start(**{"dynamodb.deadline": "1s"})
    for number in range(6):
        assert timed_post(daemon, event(f"c-{number}")) == 500
    daemon.wait_log("genesys-webhook table create")
    table.table.create()
    eventually(lambda: daemon.post(event("c-1")).status == 200, "the table is found")
    daemon.stop().check()


def test_what_waits_at_a_stop_is_still_stored(start, table):
    daemon = start()
    table.proxy.play(aws_faults.late(1.0), times=ALWAYS)
    with posting(daemon, 20) as answers:
        table.wait_requests(20)
        counters = daemon.stop().check()
    assert [answer.status for answer in answers] == [200] * 20
    assert counters["stored"] == 20 == len(table.records())


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
