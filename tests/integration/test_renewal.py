# SPDX-License-Identifier: Apache-2.0
"""Credentials are renewed while events are under way, and no event is the worse for it; nobody
reads them in the log."""

import contextlib
import json
import re
import signal
import time

import pytest

import sigv4
from aws_backend import check_no_secret
from aws_http import error
from aws_proxy import ALWAYS
from fake_aws import (AGENT, HUSH, ROLE_PROFILE, Answer, by_profile, container, imds,
                      web_identity)
from harness import eventually
from load import Load
from wire import event

RENEWED = "AWS credentials renewed"
KEPT = "the present ones stay in use"
LIFE_S = 8  # renewed after half of it, so 4 s are left for that
RENEWALS = 3


@pytest.fixture
def start(spawn, table, aws):
    """What aws gives out, and nothing else, is what the table takes."""
    table.proxy.keys = aws.keys
    settings = {**table.settings, "log.level": "debug"}

    def start(environment, **more):
        return spawn({**settings, **more}, environment={
            "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            **environment}).start()

    return start


def used_keys(proxy):
    return {exchange.request.header("authorization").split("=")[1].split("/")[0]
            for exchange in list(proxy.exchanges)}


def check_all_went_well(daemon, load):
    """Each event stored by its first request."""
    counters = daemon.stop().check()
    assert not load.refused and not load.unknown, load.summary()
    assert len(load.acked) == counters["stored"] == counters["dynamodb_requests"]
    check_no_secret(daemon.log_text())


# --- under load

def test_no_event_fails_and_none_is_sent_twice_while_credentials_change(start, table, aws,
                                                                        web_token):
    aws.life_s = LIFE_S
    daemons = [start(environment) for environment in (
        imds(aws), container(aws), web_identity(aws, web_token))]
    with contextlib.ExitStack() as stack:
        loads = [stack.enter_context(Load(daemon.address, connections=4, pause=0.02))
                 for daemon in daemons]
        for daemon in daemons:
            eventually(lambda log=daemon: log.log_text().count(RENEWED) >= RENEWALS,
                       f"{RENEWALS} renewals")
        eventually(lambda: used_keys(table.proxy) >= {keys.id for keys in aws.given[:-1]},
                   "each has been used", interval=0.2)
    assert len(aws.given) > RENEWALS * len(daemons)
    for daemon, load in zip(daemons, loads):
        check_all_went_well(daemon, load)
    print(f"{table.proxy.count()} requests with {len(aws.given)} keys, none refused")
    assert table.proxy.count() == sum(len(load.acked) for load in loads) == len(table.records())


def test_no_event_fails_while_credentials_cannot_be_renewed(start, table, aws):
    """AWS takes them beyond their time, as it may."""
    aws.life_s, aws.grace_s = 2, 3600
    daemon = start(container(aws))
    aws.order(AGENT, *[Answer(503)] * 4)
    with Load(daemon.address, connections=4, pause=0.02) as load:
        eventually(lambda: not aws.orders[AGENT], "the agent was asked twice")
        kept = daemon.wait_log(KEPT)
        assert kept["level"] == "warning" and "status 503" in kept["reason"]
        daemon.wait_log(RENEWED, since=daemon.log_length())
        load.wait_acked(10)
    assert daemon.log_text().count(KEPT) == 2
    check_all_went_well(daemon, load)


def test_an_event_waits_for_credentials_that_come_late(start, table, aws):
    table.proxy.expected.add("expired")
    aws.life_s = 2
    daemon = start(container(aws), **{"dynamodb.deadline": "30s"})
    aws.order(AGENT, *[Answer(503)] * 4)
    eventually(lambda: time.time() > next(reversed(aws.keys.values())).expires_at, "they expire")
    assert daemon.post(event("c-1")).status == 200
    assert len(table.proxy.refusals) == 1 and table.get("c-1")
    daemon.stop().check()


# --- what nobody may read

def environment_variables(aws, _):
    keys = aws.make_keys()
    return {"AWS_ACCESS_KEY_ID": keys.id, "AWS_SECRET_ACCESS_KEY": keys.secret,
            "AWS_SESSION_TOKEN": keys.token}


def static_profile(aws, folder):
    keys = aws.make_keys()
    return by_profile(aws, folder, f"[profile writer]\naws_access_key_id = {keys.id}\n"
                      f"aws_secret_access_key = {keys.secret}\naws_session_token = {keys.token}\n")


def process(aws, folder):
    keys = aws.make_keys()
    (folder / "made").write_text(json.dumps({
        "Version": 1, "AccessKeyId": keys.id, "SecretAccessKey": keys.secret,
        "SessionToken": keys.token, "Expiration": keys.expiration}))
    return by_profile(aws, folder, f"[profile writer]\ncredential_process = cat {folder}/made\n")


def assumed_role(aws, folder):
    aws.keys["AKIABASE"] = sigv4.Key(f"{HUSH}/Base+Secret")
    return by_profile(aws, folder, ROLE_PROFILE)


def web_identity_of(aws, folder):
    (folder / "token").write_text(f"{HUSH}Web")
    aws.web_tokens.add(f"{HUSH}Web")
    return web_identity(aws, folder / "token")


def container_with_token(aws, _):
    aws.authorization = f"{HUSH}Agent"
    return container(aws, AWS_CONTAINER_AUTHORIZATION_TOKEN=aws.authorization)


KINDS = {"environment": environment_variables, "profile": static_profile, "process": process,
         "role": assumed_role, "web identity": web_identity_of, "container": container_with_token,
         "IMDS": lambda aws, _: imds(aws)}


@pytest.mark.parametrize("kind", KINDS)
def test_no_log_holds_a_secret(start, table, aws, tmp_path, kind):
    daemon = start(KINDS[kind](aws, tmp_path))
    assert daemon.post(event("c-1")).status == 200 and table.get("c-1")
    daemon.signal(signal.SIGHUP)
    daemon.wait_log('"reloaded"')
    daemon.stop().check()
    check_no_secret(daemon.log_text())


def quotes_authorization(exchange):
    exchange.reply(error("IncompleteSignatureException", "Authorization header requires 'Signature'"
                         f" parameter. Authorization={exchange.request.header('authorization')}"))


def quotes_token(exchange):
    exchange.reply(error("AccessDeniedException",
                         f"token {exchange.request.header('x-amz-security-token')} is not allowed"))


def quotes_canonical_request(exchange):
    """As AWS does below the first line."""
    signed = [name.lower() for name, _ in exchange.request.headers if name.lower() not in (
        "authorization", "content-length", "accept")]
    canonical = sigv4.canonical_request(exchange.request, sorted(signed))
    exchange.reply(error("InvalidSignatureException", "The request signature we calculated does "
                         "not match the signature you provided.\n\nThe Canonical String for this "
                         f"request should have been\n'{canonical}'"))


def quotes_authorization_of_an_event(exchange):
    exchange.reply(error("ValidationException", exchange.request.header("authorization")))


QUOTES = {"authorization": (quotes_authorization, "quotes"), "token": (quotes_token, "quotes"),
          "canonical request": (quotes_canonical_request, "does not match"),
          "of an event": (quotes_authorization_of_an_event, "quotes")}


@pytest.mark.parametrize("quote, shown", QUOTES.values(), ids=QUOTES)
def test_no_log_holds_what_an_answer_quotes_of_the_request(start, table, aws, quote, shown):
    daemon = start(environment_variables(aws, None),
                   **{"server.workers": 1, "dynamodb.deadline": "200ms"})
    table.proxy.play(quote, times=ALWAYS)

    def told():
        assert daemon.post(event("c-1")).status == 500
        return re.search('"error".*"table"|can never store', daemon.log_text())

    eventually(told, "the daemon says why")
    told = daemon.wait_log('"error".*"table"|can never store')
    assert shown in told["text"]
    daemon.stop().check()
    check_no_secret(daemon.log_text())
