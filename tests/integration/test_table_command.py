# SPDX-License-Identifier: Apache-2.0
"""genesys-webhook table: against dynalite as it is, and through the proxy with what it lacks."""

import concurrent.futures
import dataclasses
import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import termios

import pytest

import aws_faults
from aws_backend import Backend, check_no_secret
from aws_cloud import Cloud, Tunnel, json_answer, says_of_table
from aws_http import CORAL, Answer
from aws_proxy import ALWAYS
from certificates import Authority
from dynamodb import KEY, REGION, TABLE
from harness import BOUND, COMPANION, SANITIZER, clean_environment, free_port, write_ini

TRIES = ("PutItem", "UpdateItem", "GetItem")


@dataclasses.dataclass
class Done:
    status: int
    out: str
    err: str

    @property
    def findings(self):
        """{what: (verdict, text)} of the lines on stdout."""
        lines = [re.fullmatch(r"(\w+) +(.+?)  +(.*)", line) for line in self.out.splitlines()]
        return {line[2]: (line[1], line[3]) for line in lines}

    @property
    def verdicts(self):
        return {what: verdict for what, (verdict, _) in self.findings.items()}


class Command:
    """The companion with an ini of its own, and what AWS's account would give it."""

    def __init__(self, folder, settings, environment):
        self.ini = folder / "genesys-webhookd.ini"
        self.settings = settings
        self.environment = clean_environment(**environment)

    def arguments(self, verb, *options, **changes):
        settings = {**self.settings, **changes}
        write_ini(self.ini, {name: value for name, value in settings.items() if value is not None})
        return [str(COMPANION), "table", verb, "--config", str(self.ini), *options]

    def __call__(self, verb, *options, **changes):
        done = subprocess.run(self.arguments(verb, *options, **changes), env=self.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
                              check=False)
        return self.look_through(Done(done.returncode, done.stdout.decode(), done.stderr.decode()))

    @staticmethod
    def look_through(done):
        check_no_secret(done.out + done.err)
        assert not SANITIZER.search(done.err), done.err
        return done


@pytest.fixture
def cloud(table):
    return Cloud(table)


@pytest.fixture
def command(tmp_path, table):
    return Command(tmp_path, {**table.settings, "dynamodb.ttl": "90d"}, table.environment)


# --- create

def test_create_makes_the_table_as_it_should_be(command, table, cloud):
    table.table.delete()
    done = command("create")
    assert done.status == 0, done
    assert done.verdicts == {
        "table": "done", "key": "ok", "billing": "ok", "deletion protection": "ok",
        "time to live": "done", "point-in-time recovery": "done"}
    assert done.findings["table"][1] == f"{TABLE} in {REGION}: created"
    assert (cloud.ttl, cloud.recovery, cloud.protected) == ("expiresAt", True, True)
    said = table.table.call("DescribeTable")["Table"]
    assert said["KeySchema"] == [{"AttributeName": KEY, "KeyType": "HASH"}]
    assert said["AttributeDefinitions"] == [{"AttributeName": KEY, "AttributeType": "S"}]
    assert said["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert command("check").status == 0


def test_create_run_again_only_looks(command, table, cloud):
    table.put({KEY: "c-1", "status": "active"})
    assert command("create").status == 0
    table.proxy.exchanges.clear()
    done = command("create")
    assert (done.status, set(done.verdicts.values()), cloud.changes()) == (0, {"ok"}, set())
    assert "there already" in done.findings["table"][1]
    assert table.get("c-1") == {KEY: "c-1", "status": "active"}


@pytest.mark.parametrize("off, change, what", [
    ({"protected": False}, "UpdateTable", "deletion protection"),
    ({"ttl": None}, "UpdateTimeToLive", "time to live"),
    ({"recovery": False}, "UpdateContinuousBackups", "point-in-time recovery")], ids=str)
def test_create_mends_only_what_is_missing(command, cloud, off, change, what):
    cloud.make_whole()
    vars(cloud).update(off)
    done = command("create")
    assert (done.status, cloud.changes()) == (0, {change})
    assert {name for name, verdict in done.verdicts.items() if verdict == "done"} == {what}
    assert (cloud.ttl, cloud.recovery, cloud.protected) == ("expiresAt", True, True)


def test_create_without_ttl_leaves_the_time_to_live_alone(command, cloud, table):
    done = command("create", **{"dynamodb.ttl": None})
    assert done.status == 0 and "time to live" not in done.findings
    assert not table.proxy.operations()["DescribeTimeToLive"]


def test_two_creates_at_once_both_succeed(command, table, cloud):
    table.table.delete()
    cloud.first(aws_faults.together(2), "CreateTable", times=2)
    arguments = command.arguments("create")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: subprocess.run(
            arguments, env=command.environment, capture_output=True, timeout=60, check=False),
            range(2)))
    assert [done.returncode for done in both] == [0, 0], both
    assert sum(b": created" in done.stdout for done in both) == 1


def test_create_takes_the_table_of_somebody_who_was_quicker(command, cloud):
    cloud.make_whole()
    cloud.first(aws_faults.says("ResourceNotFoundException"), "DescribeTable")
    done = command("create")
    assert (done.status, cloud.changes()) == (0, {"CreateTable"})
    assert "there already" in done.findings["table"][1]


def test_create_takes_the_time_to_live_of_somebody_who_was_quicker(command, cloud):
    cloud.make_whole()
    cloud.first(aws_faults.answers(json_answer(
        {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}})), "DescribeTimeToLive")
    done = command("create")
    assert (done.status, done.verdicts["time to live"]) == (0, "ok")
    assert cloud.changes() == {"UpdateTimeToLive"}


def test_create_waits_until_the_table_is_active_and_seen(command, table, cloud):
    table.table.delete()
    cloud.first(says_of_table(TableStatus="CREATING"), "DescribeTable", times=2, skip=1)
    cloud.first(aws_faults.says("ResourceNotFoundException"), "DescribeTable", skip=1)
    done = command("create")
    assert done.status == 0 and done.verdicts["table"] == "done"
    lines = done.err.splitlines()
    assert [bool(re.search(f"waiting: .*{TABLE}.*{state}", line))
            for state, line in zip(("not there", "CREATING"), lines)] == [True, True], lines
    assert len(lines) == 2, "a line only when the state changes"


PASSING = {
    "UpdateContinuousBackups": [aws_faults.says("ContinuousBackupsUnavailableException"),
                                aws_faults.reset_after],
    "UpdateTimeToLive": [aws_faults.says("ResourceInUseException"), aws_faults.says(
        "ValidationException", message="Backups are being enabled. Please retry later")],
    "UpdateTable": [aws_faults.says("ResourceInUseException"),
                    aws_faults.says("InternalServerError", 500)],
    "CreateTable": [aws_faults.reset_before],
}


@pytest.mark.parametrize("operation, fault", [
    (operation, fault) for operation, faults in PASSING.items() for fault in faults],
    ids=lambda value: value if isinstance(value, str) else "fault")
def test_create_waits_for_what_passes(command, table, cloud, operation, fault):
    if operation == "CreateTable":
        table.table.delete()
    times = 6  # more than the client tries by itself
    rule = cloud.first(fault, operation, times=times)
    done = command("create")
    assert (done.status, rule.played) == (0, times), done
    assert (cloud.ttl, cloud.recovery, cloud.protected) == ("expiresAt", True, True)


def test_create_is_throttled(command, table, cloud):
    table.table.delete()
    rules = [cloud.first(aws_faults.throttled(code, retry_after_ms=10), operation)
             for operation, code in [("CreateTable", "LimitExceededException"),
                                     ("DescribeTable", "ThrottlingException")]]
    assert command("create").status == 0
    assert [rule.played for rule in rules] == [1, 1]


def test_create_tells_when_its_time_is_over(command, table, cloud):
    table.table.delete()
    cloud.first(says_of_table(TableStatus="CREATING"), "DescribeTable", times=ALWAYS)
    done = command("create", "--timeout", "4")
    assert done.status == 1
    assert done.findings.keys() == {"table"}
    verdict, text = done.findings["table"]
    assert verdict == "wrong" and "CREATING" in text and "--timeout" in text


def test_create_does_not_wait_for_recovery_for_ever(command, cloud):
    cloud.first(aws_faults.says("ContinuousBackupsUnavailableException"),
                "UpdateContinuousBackups", times=ALWAYS)
    done = command("create", "--timeout", "4")
    assert done.status == 1
    assert "ContinuousBackupsUnavailable" in done.findings["point-in-time recovery"][1]


def test_create_never_touches_a_table_with_another_key(command, table, cloud):
    cloud.first(says_of_table(KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}]),
                "DescribeTable", times=ALWAYS)
    done = command("create")
    assert (done.status, cloud.changes()) == (1, set())
    verdict, text = done.findings["key"]
    assert verdict == "wrong" and "id (, HASH)" in text and "[dynamodb] table" in text


@pytest.mark.parametrize("state", ["DELETING", "INACCESSIBLE_ENCRYPTION_CREDENTIALS", "NEW"])
def test_create_does_not_wait_for_what_will_not_come(command, cloud, state):
    cloud.first(says_of_table(TableStatus=state), "DescribeTable", times=ALWAYS)
    done = command("create")
    assert (done.status, cloud.changes()) == (1, set())
    assert state in done.findings["table"][1]


@pytest.mark.parametrize("attribute, status", [("ttl", "ENABLED"), ("expiresAt", "DISABLING")])
def test_create_says_what_is_to_be_done_about_another_time_to_live(command, cloud, attribute,
                                                                   status):
    cloud.ttl, cloud.ttl_status = attribute, status
    done = command("create")
    assert done.status == 1 and "UpdateTimeToLive" not in cloud.changes()
    assert "an hour" in done.findings["time to live"][1]
    assert cloud.recovery, "one that cannot be mended does not keep from the next"


@pytest.mark.parametrize("operation, what", [
    ("DescribeTable", "table"), ("CreateTable", "table"), ("UpdateTable", "deletion protection"),
    ("DescribeTimeToLive", "time to live"), ("UpdateTimeToLive", "time to live"),
    ("DescribeContinuousBackups", "point-in-time recovery"),
    ("UpdateContinuousBackups", "point-in-time recovery")])
def test_create_names_the_permission_it_lacks(command, table, cloud, operation, what):
    if operation == "CreateTable":
        table.table.delete()
    cloud.first(aws_faults.says("AccessDeniedException", namespace=CORAL), operation, times=ALWAYS)
    done = command("create")
    assert done.status == 1
    verdict, text = done.findings[what]
    assert verdict == "wrong" and f"dynamodb:{operation}" in text
    assert what == "table" or list(done.verdicts.values()).count("wrong") == 1


def test_create_does_not_pass_over_what_it_can_see_no_more(command, cloud):
    cloud.make_whole()
    cloud.first(aws_faults.says("AccessDeniedException"), "DescribeTable", times=ALWAYS, skip=2)
    done = command("create")
    assert (done.status, done.verdicts["deletion protection"]) == (1, "wrong")


def test_create_tells_soon_that_nobody_listens(command):
    done = command("create", **{"dynamodb.endpoint": f"http://127.0.0.1:{free_port('127.0.0.1')}"})
    assert done.status == 1 and "connect" in done.findings["table"][1]


def test_create_over_tls_needs_the_right_authority(tmp_path, tls_table):
    command = Command(tmp_path, tls_table.settings, tls_table.environment)
    assert command("create").status == 0
    tls_table.proxy.expected.add("tls")
    done = command("create", **{"dynamodb.ca_file": None})
    assert done.status == 1 and "certificate" in done.findings["table"][1]


# --- progress

def run_on_terminal(arguments, environment, columns=60):
    """(status, what stderr showed): stderr alone is a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(arguments, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while select.select([ours], [], [], BOUND)[0]:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # nobody holds the other end any more
                break
        os.close(ours)
        return process.wait(BOUND), shown.decode()


def test_a_terminal_gets_one_line_that_is_renewed_and_goes(command, table, cloud):
    table.table.delete()
    cloud.first(says_of_table(TableStatus="CREATING"), "DescribeTable", times=3, skip=1)
    status, shown = run_on_terminal(command.arguments("create"), command.environment)
    assert status == 0
    renewed = shown.split("\r\033[K")
    assert len(renewed) == 1 + 3 + 1 and (renewed[0], renewed[-1]) == ("", ""), shown
    assert all("CREATING" in line and len(line) < 60 for line in renewed[1:-1])
    assert "\n" not in shown


# --- check

def test_check_finds_nothing_wrong_and_writes_nothing(command, table, cloud):
    cloud.make_whole()
    done = command("check")
    assert (done.status, done.err) == (0, "")
    assert set(done.verdicts.values()) == {"ok"} and set(TRIES) <= done.findings.keys()
    assert table.records() == {} and cloud.changes() == set()


FLAWS = {
    "creating": ("table", "wrong", says_of_table(TableStatus="CREATING"), "CREATING"),
    "updating": ("table", "warning", says_of_table(TableStatus="UPDATING"), "takes writes"),
    "key": ("key", "wrong", says_of_table(KeySchema=[{"AttributeName": "id"}]), "conversationId"),
    "type": ("key", "wrong", says_of_table(
        AttributeDefinitions=[{"AttributeName": KEY, "AttributeType": "N"}]), "(N, HASH)"),
    "capacity": ("billing", "warning", says_of_table(
        BillingModeSummary=None, DeletionProtectionEnabled=True,
        ProvisionedThroughput={"WriteCapacityUnits": 5, "ReadCapacityUnits": 6}), "5 write and 6"),
    "hostile": ("key", "wrong", says_of_table(
        KeySchema=[{"AttributeName": "\033[31m\u202e", "KeyType": "HASH"}]), r"\x1b[31m\u202e"),
    "garbage": ("table", "wrong", aws_faults.answers(Answer(200, b"[]")), "answer"),
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_check_tells_each_flaw_of_the_table(command, cloud, flaw):
    what, verdict, fault, text = FLAWS[flaw]
    cloud.make_whole()
    cloud.first(fault, "DescribeTable", times=ALWAYS)
    done = command("check")
    assert done.findings[what][0] == verdict and text in done.findings[what][1], done
    assert done.status == (verdict == "wrong")
    assert verdict == "wrong" or {"ok"} == {
        other for name, other in done.verdicts.items()
        if name not in (what, "deletion protection")}


@pytest.mark.parametrize("off, what, verdict", [
    ({"protected": False}, "deletion protection", "warning"),
    ({"ttl": None}, "time to live", "wrong"), ({"ttl": "other"}, "time to live", "wrong"),
    ({"recovery": False}, "point-in-time recovery", "wrong")], ids=str)
def test_check_tells_what_is_off(command, cloud, off, what, verdict):
    cloud.make_whole()
    vars(cloud).update(off)
    done = command("check")
    assert {name: found for name, found in done.verdicts.items() if found != "ok"} == \
        {what: verdict}
    assert done.status == (verdict == "wrong")


def test_check_tells_that_there_is_no_table(command, table):
    table.table.delete()
    done = command("check")
    assert done.status == 1 and done.findings.keys() == {"table"}
    assert "table create" in done.findings["table"][1]


@pytest.mark.parametrize("denied", TRIES)
def test_check_tells_what_the_daemon_may_not(command, cloud, denied):
    cloud.make_whole()
    cloud.first(aws_faults.says("AccessDeniedException", namespace=CORAL), denied, times=ALWAYS)
    done = command("check")
    assert done.status == 1
    assert {name for name, verdict in done.verdicts.items() if verdict != "ok"} == {denied}
    assert f"dynamodb:{denied}" in done.findings[denied][1]


def test_check_with_the_daemons_own_role_only_warns(command, cloud):
    cloud.make_whole()
    looks = {"DescribeTable": "table", "DescribeTimeToLive": "time to live",
             "DescribeContinuousBackups": "point-in-time recovery"}
    for operation in looks:
        cloud.first(aws_faults.says("AccessDeniedException", namespace=CORAL), operation,
                    times=ALWAYS)
    done = command("check")
    assert done.status == 0
    assert done.verdicts == {**dict.fromkeys(looks.values(), "warning"),
                             **dict.fromkeys(TRIES, "ok")}
    for operation, what in looks.items():
        assert f"cannot be seen with these credentials (needs dynamodb:{operation})" in \
            done.findings[what][1]


def test_check_notices_a_server_that_ignores_conditions(command, cloud):
    cloud.make_whole()
    cloud.first(aws_faults.answers(json_answer({})), "PutItem", times=ALWAYS)
    done = command("check")
    assert done.status == 1 and "conditions" in done.findings["PutItem"][1]


def test_check_says_that_the_daemon_uses_another_store(command, cloud):
    cloud.make_whole()
    done = command("check", **{"storage.backend": None})
    assert (done.status, done.verdicts["backend"]) == (0, "warning")


def test_check_tells_of_credentials_that_are_refused(command, table):
    table.proxy.expected.add("signature")
    command.environment["AWS_SECRET_ACCESS_KEY"] = "another"
    done = command("check")
    assert done.status == 1 and "secret" in done.findings["table"][1]


# --- describe

def test_describe_prints_what_is_there(command, cloud):
    cloud.make_whole()
    done = command("describe")
    rows = dict(re.split("  +", line, maxsplit=1) for line in done.out.splitlines())
    assert (done.status, done.err) == (0, "")
    assert rows["table"] == f"{TABLE} in {REGION}: ACTIVE"
    assert rows["key"] == "conversationId (S, HASH)" and rows["billing"] == "on demand"
    assert rows["time to live"] == "on, by expiresAt"
    assert rows["deletion protection"] == rows["point-in-time recovery"] == "on"
    assert rows["items"].startswith("0 (") and rows["ARN"].startswith("arn:aws:dynamodb:")
    assert rows["endpoint"] == command.settings["dynamodb.endpoint"]


def test_describe_as_json_is_what_dynamodb_answered(command, table, cloud):
    cloud.make_whole()
    done = command("describe", "--json")
    answered = {}
    for exchange in table.proxy.exchanges:
        answered.update(json.loads(exchange.answered.body))
    assert (done.status, done.err) == (0, "")
    assert json.loads(done.out) == answered and done.out.count("\n") == 1
    assert answered.keys() == {"Table", "TimeToLiveDescription", "ContinuousBackupsDescription"}


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_describe_without_a_table_fails(command, table, options):
    table.table.delete()
    done = command("describe", *options)
    assert (done.status, done.out) == (1, "") and "not there" in done.err


def test_describe_leaves_out_of_its_json_what_cannot_be_seen(command, cloud):
    cloud.first(aws_faults.says("AccessDeniedException"), "DescribeTimeToLive", times=ALWAYS)
    done = command("describe", "--json")
    assert done.status == 0 and "DescribeTimeToLive: AccessDeniedException" in done.err
    assert json.loads(done.out).keys() == {"Table", "ContinuousBackupsDescription"}


# --- servers

@pytest.mark.parametrize("ttl", [None, "90d"])
def test_a_server_of_ones_own_may_lack_what_only_protects(command, dynalite, table, ttl):
    """The five minutes of a new user: create, check, and the daemon's own writes."""
    table.table.delete()
    host, port = dynalite.address
    changes = {"dynamodb.endpoint": f"http://{host}:{port}", "dynamodb.ttl": ttl}
    created = command("create", **changes)
    assert created.status == 0
    assert created.verdicts["point-in-time recovery"] == "warning"
    assert created.findings["point-in-time recovery"][1] == \
        "this server has no point-in-time recovery"
    assert created.verdicts.get("time to live") == (ttl and "warning")
    assert command("check", **{**changes, "dynamodb.ttl": None}).status == 0


def test_aws_itself_may_not(tmp_path, dynalite):
    host = f"dynamodb.{REGION}.amazonaws.com"
    authority = Authority(tmp_path)
    with Backend(dynalite, authority.issue(f"DNS:{host}"), authority.file) as table:
        tunnel = Tunnel(table.proxy.address)
        environment = {**table.environment, "https_proxy": tunnel.url}
        command = Command(tmp_path, {**table.settings, "dynamodb.endpoint": None}, environment)
        done = command("create")
        tunnel.listener.close()
        table.proxy.check()
    assert set(tunnel.wanted) == {f"{host}:443"}
    assert (done.status, done.verdicts["point-in-time recovery"]) == (1, "wrong")


# --- usage

@pytest.mark.parametrize("arguments, said", [
    ([], "create|check|describe"), (["chekc"], "'check'"), (["delete"], "create, check or describe"),
    (["check", "--json"], "describe"), (["create", "check"], "too many"),
    (["create", "--timeout", "0"], "seconds")])
def test_wrong_usage_is_2(arguments, said):
    done = subprocess.run([COMPANION, "table", *arguments], env=clean_environment(),
                          capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, b"") and said in done.stderr.decode()


@pytest.mark.parametrize("changes, said", [
    ({"dynamodb.tabel": "x"}, "tabel"), ({"dynamodb.region": None}, "region"),
    ({"dynamodb.endpoint": "nonsense"}, "endpoint")], ids=str)
def test_a_bad_configuration_fails(command, changes, said):
    done = command("check", **changes)
    assert (done.status, done.out) == (1, "") and said in done.err


def test_no_configuration_file_fails():
    done = subprocess.run([COMPANION, "table", "check", "-c", "/nonexistent"],
                          env=clean_environment(), capture_output=True, timeout=60, check=False)
    assert done.returncode == 1 and b"/nonexistent" in done.stderr


def test_without_credentials_it_says_what_to_do(command):
    for name in list(command.environment):
        if name.startswith("AWS_") and "KEY" in name:
            del command.environment[name]
    done = command("check")
    assert (done.status, done.out) == (1, "") and "AWS_ACCESS_KEY_ID" in done.err
