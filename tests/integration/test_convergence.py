# SPDX-License-Identifier: Apache-2.0
"""Any order and any repetition end in the same records, which are those of the tests' own model of
the rule (convergence.py); here for the file store, whose records are the fold of its lines."""

import itertools
import json
import subprocess

import pytest

import convergence
from convergence import SEEDS, check_table, deliver, fold, scenario, shuffled
from dynamodb import KEY
from harness import COMPANION
from wire import event

NOON = "2026-11-23T12:00:00.000Z"
ORDER = 1795435200000 * 16


def created(timestamp=NOON, **members):
    return event("c-1", timestamp=timestamp, **members)


def updated(state, timestamp=NOON):
    return event("c-1", "conversation:updated", timestamp=timestamp, state=state, type=None)


def state_of(bodies, legacy=None):
    record = fold(bodies, {"c-1": legacy} if legacy else None)["c-1"]
    return record.get("status"), record.get("eventOrder"), record.get("snapshotOrder")


# --- the model

@pytest.mark.parametrize("timestamp, milliseconds", [
    (NOON, 1795435200000), ("2026-11-23T13:00:00+01:00", 1795435200000),
    ("2026-11-23T12:00:00", 1795435200000), ("2026-11-23T12:00:00.1Z", 1795435200100),
    ("2026-11-23T12:00:00.0019999Z", 1795435200001), ("1795435200002", 1795435200002),
    ("1969-12-31T23:59:59.999Z", -1), ("no time", 0), ("", 0)])
def test_the_model_reads_timestamps(timestamp, milliseconds):
    assert convergence.time_ms(timestamp) == milliseconds


def test_the_model_makes_records_attribute_for_attribute():
    body = created(external_contact={"id": "k-1"})
    assert fold([body]) == {"c-1": {
        KEY: "c-1", "type": "voice", "status": "active", "timestamp": NOON,
        "externalContactId": "k-1", "rawPayload": body.decode(), "eventOrder": ORDER + 4,
        "snapshotOrder": ORDER + 4}}
    assert fold([updated("")]) == {"c-1": {
        KEY: "c-1", "status": "unknown", "timestamp": NOON, "eventOrder": ORDER + 5}}


@pytest.mark.parametrize("bodies, expected", [
    ([created(), updated("held")], ("held", ORDER + 5, ORDER + 4)),
    ([updated("held"), updated("alerting")], ("held", ORDER + 5, None)),
    ([created(), updated("held"), event("c-1", "conversation:ended")],
     ("ended", ORDER + 8, ORDER + 8)),
    ([created("nonsense")], ("active", 4, 4))])
def test_the_model_knows_the_newest(bodies, expected):
    for order in itertools.permutations([*bodies, bodies[0]]):
        assert state_of(order) == expected


LEGACY = {KEY: "c-1", "status": "active", "timestamp": NOON, "type": "voice", "rawPayload": "{}"}


@pytest.mark.parametrize("legacy, bodies, expected", [
    (LEGACY, [], ("active", None, None)),
    (LEGACY, [updated("late", "2026-11-23T11:00:00Z")], ("active", None, None)),
    (LEGACY, [updated("held")], ("held", ORDER + 5, ORDER + 4)),
    ({**LEGACY, "status": "held"}, [created()], ("held", None, None)),
    ({**LEGACY, "status": "held"}, [updated("alerting")], ("held", None, None)),
    ({**LEGACY, "status": "held"}, [updated("parked")], ("parked", ORDER + 5, ORDER + 5)),
    ({KEY: "c-1", "status": "held", "timestamp": NOON}, [created()],
     ("held", ORDER + 5, ORDER + 4)),
    # No payload of its own: any put of that order is greater.
    ({KEY: "c-1", "status": "active", "timestamp": NOON}, [created()],
     ("active", ORDER + 4, ORDER + 4)),
    ({**LEGACY, "rawPayload": "~"}, [created()], ("active", None, None))])
def test_the_model_takes_over_what_the_function_left(legacy, bodies, expected):
    assert state_of(bodies, legacy) == expected


def test_the_model_keeps_of_what_the_function_left_what_no_write_beat():
    left = {KEY: "c-1", "status": "held", "timestamp": NOON}
    snapshot = {"type": "voice", "externalContactId": "unknown", "rawPayload": created().decode()}
    assert fold([created()], {"c-1": left}) == {"c-1": {
        **left, **snapshot, "eventOrder": ORDER + 5, "snapshotOrder": ORDER + 4}}
    assert fold([updated("parked")], {"c-1": LEGACY}) == {"c-1": {
        **LEGACY, "status": "parked", "eventOrder": ORDER + 5, "snapshotOrder": ORDER + 4}}


def test_ambiguous_writes_may_be_there_or_not():
    sure, perhaps = created(), [updated("a"), updated("b"), event("c-1", "conversation:ended")]
    for length in range(4):
        for done in itertools.combinations(perhaps, length):
            check_table(fold([sure, *done]), [sure], perhaps)
            if done:
                with pytest.raises(AssertionError):
                    check_table(fold([sure, *done]), [sure])
    with pytest.raises(AssertionError):
        check_table({}, [sure], perhaps)
    with pytest.raises(AssertionError):
        check_table(fold(perhaps[:2]), [sure], perhaps)
    check_table({}, [], perhaps)


def test_scenarios_repeat_and_hold_ties():
    bodies = scenario(1)
    assert bodies == scenario(1) != scenario(2)
    assert len(bodies) == len(set(bodies)) == 24
    assert shuffled(bodies, 1) == shuffled(bodies, 1) != shuffled(bodies, 2)
    assert set(shuffled(bodies, 1)) == set(bodies) and len(shuffled(bodies, 1)) > len(bodies)
    assert convergence.legacy_records(bodies, 1) == convergence.legacy_records(bodies, 1)
    ties = 0
    for seed in range(20):
        for writes in convergence.by_conversation(scenario(seed)).values():
            orders = [write.state.order for write in writes]
            ties += len(orders) - len(set(orders))
    assert ties > 20


# --- the file store

def shown(*files):
    done = subprocess.run([COMPANION, "show", "--json", *files], capture_output=True, text=True,
                          check=True)
    records = map(json.loads, done.stdout.splitlines())
    return {record[KEY]: record for record in records}


def test_any_order_ends_in_the_models_records(spawn):
    """Through two daemons, whose files are folded together."""
    daemons = [spawn().start(), spawn().start()]
    everything = []
    for seed in range(10 * SEEDS):
        bodies = scenario(seed)
        acknowledged, unsure = deliver([daemon.address for daemon in daemons],
                                       shuffled(bodies, seed))
        assert not unsure
        everything += acknowledged
    for daemon in daemons:
        daemon.stop().check(len(daemon.records()))
    check_table(shown(*(daemon.events for daemon in daemons)), everything)
