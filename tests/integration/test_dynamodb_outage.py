# SPDX-License-Identifier: Apache-2.0
"""DynamoDB as the store when it does not answer, refuses single events, or is given too much."""

import collections
import resource
import threading

import pytest

import aws_faults
from aws_backend import posting, timed_post, updated
from aws_http import Answer
from aws_proxy import ALWAYS
from convergence import fold
from harness import BOUND, eventually
from wire import event


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
