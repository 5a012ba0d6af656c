# SPDX-License-Identifier: Apache-2.0
"""Where credentials come from over the network, against a fake AWS; and that each failure is one
line that tells what to do and no secret."""

import calendar
import os
import shutil
import subprocess
import sys
import time

import pytest

import fake_aws
import sigv4
from certificates import Authority
from fake_aws import (AGENT, CUT, HANG, HUSH, IMDS_ROLE, IMDS_TOKEN, REGION, ROLE_ARN, ROLE_PROFILE,
                      STS, Answer, FakeAws, as_json, as_xml, by_profile, container, imds, sts_error,
                      web_identity)
from harness import BUILD, clean_environment

PROBE = BUILD / "tests" / "integration" / "credentials_probe"


class Probe:
    """The program that fetches by the whole chain, each time it is told to."""

    def __init__(self, home, **environment):
        # A proxy where nobody listens: who does not pass it by gets no answer.
        proxy = {"http_proxy": "http://127.0.0.1:1"}
        self.process = subprocess.Popen(
            [PROBE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env=clean_environment(**{**proxy, **environment, "HOME": str(home)}))

    def fetch(self):
        """(result, the rest of its line)"""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        result, *rest = self.process.stdout.readline().rstrip("\n").split("\t")
        return result, rest

    def ok(self, source, given):
        """Fetches, and wants what was given out last."""
        result, rest = self.fetch()
        assert result == "ok", rest
        keys = given[-1]
        at = calendar.timegm(time.strptime(keys.expiration, "%Y-%m-%dT%H:%M:%SZ"))
        assert rest == [keys.id, keys.secret, keys.token, str(at * 1000), source]

    def fails(self, *fragments):
        """Fetches, and wants a line with all of them."""
        result, (message,) = self.fetch()
        assert result == "failed", message
        assert HUSH not in message
        assert message.isascii() and message.isprintable() and len(message) < 1000
        missing = [fragment for fragment in fragments if fragment not in message]
        assert not missing, message
        return message

    def end(self):
        if self.process.returncode is None:
            _, errors = self.process.communicate()
            assert (self.process.returncode, errors) == (0, "")


@pytest.fixture(name="probe")
def fixture_probe(tmp_path):
    probes = []

    def make(**environment):
        probes.append(Probe(tmp_path, **environment))
        return probes[-1]

    yield make
    for probe in probes:
        probe.end()


# --- IMDS

def test_imds_is_asked_for_a_token_the_role_and_its_credentials(probe, aws):
    probe(**imds(aws)).ok("IMDS", aws.given)
    assert [(request.method, request.target) for request in aws.requests] == [
        ("PUT", IMDS_TOKEN), ("GET", IMDS_ROLE), ("GET", IMDS_ROLE + "writer")]


def test_imds_is_asked_anew_each_time(probe, aws):
    running = probe(**imds(aws))
    running.ok("IMDS", aws.given)
    aws.imds_token, aws.role = f"{HUSH}Other", "other+=,.@_-9"
    running.ok("IMDS", aws.given)
    assert len(aws.given) == 2


def test_imds_endpoint_may_end_in_a_slash(probe, aws):
    probe(AWS_EC2_METADATA_SERVICE_ENDPOINT=aws.url + "/").ok("IMDS", aws.given)


CREDENTIALS = IMDS_ROLE + "writer"
IMDS_FAILURES = {
    "turned off": ({IMDS_TOKEN: [Answer(403)]}, ["a token", "status 403", "--http-endpoint"]),
    "no imds there": ({IMDS_TOKEN: [Answer(404)]}, ["status 404", "SERVICE_ENDPOINT"]),
    "moved": ({IMDS_TOKEN: [Answer(302, headers={"Location": "/latest/api/token"})]},
              ["status 302"]),
    "no role": ({IMDS_ROLE: [Answer(404)]}, ["role's name", "instance profile"]),
    "role gone": ({CREDENTIALS: [Answer(404)]}, ["role's credentials", "attach"]),
    "token refused": ({IMDS_ROLE: [Answer(401)]}, ["status 401"]),
    "down": ({IMDS_ROLE: [Answer(503), Answer(503)]}, ["status 503"]),
    "cut off": ({IMDS_ROLE: [CUT, CUT]}, ["no answer from"]),
    "error in a 200": ({CREDENTIALS: [as_json(Code="AssumeRoleUnauthorizedAccess",
                                              Message="EC2 cannot assume the role")]},
                       ["AssumeRoleUnauthorizedAccess", "EC2 cannot assume the role"]),
    "html": ({CREDENTIALS: [Answer(200, b"<html>")]}, ["expected JSON"]),
    "nothing": ({CREDENTIALS: [Answer(200)]}, ["expected JSON"]),
    "half": ({CREDENTIALS: [as_json(Code="Success", AccessKeyId="ASIA")]}, ["SecretAccessKey"]),
    "empty token": ({IMDS_TOKEN: [Answer(200)]}, ["no token"]),
    "token with a header": ({IMDS_TOKEN: [Answer(200, f"{HUSH}\r\nX-Other: 1".encode())]},
                            ["no token"]),
    "long token": ({IMDS_TOKEN: [Answer(200, HUSH.encode() * 200)]}, ["no token"]),
    "no name": ({IMDS_ROLE: [Answer(200)]}, ["no role's name"]),
    "name with a path": ({IMDS_ROLE: [Answer(200, b"../../api/token")]}, ["no role's name"]),
    "name with a query": ({IMDS_ROLE: [Answer(200, b"writer?x")]}, ["no role's name"]),
    "long name": ({IMDS_ROLE: [Answer(200, b"w" * 65)]}, ["no role's name"]),
    "endless": ({CREDENTIALS: [Answer(200, b" " * 65537)] * 2}, ["longer than 64 KiB"]),
    "silent": ({IMDS_TOKEN: [HANG, HANG]}, ["container", "hop limit", "hop-limit 2"]),
}


@pytest.mark.parametrize("orders, fragments", IMDS_FAILURES.values(), ids=IMDS_FAILURES.keys())
def test_imds_failure_is_told(probe, aws, orders, fragments):
    running = probe(**imds(aws))
    for path, answers in orders.items():
        aws.order(path, *answers)
    running.fails("IMDS: ", *fragments)
    assert not any(aws.orders.values()), "all that was ordered was asked for"
    running.ok("IMDS", aws.given)


@pytest.mark.parametrize("first", [Answer(500, b"more"), CUT, HANG], ids=["500", "cut", "hang"])
def test_imds_is_asked_once_more_where_it_stumbles(probe, aws, first):
    aws.order(IMDS_TOKEN, first)
    probe(**imds(aws)).ok("IMDS", aws.given)


def test_imds_list_of_roles_may_have_more_lines(probe, aws):
    aws.order(IMDS_ROLE, Answer(200, b"writer\r\nother\n"))
    probe(**imds(aws)).ok("IMDS", aws.given)


@pytest.mark.parametrize("value", ["true", "TRUE"])
def test_imds_can_be_disabled(probe, aws, value):
    result, (message,) = probe(**imds(aws, AWS_EC2_METADATA_DISABLED=value)).fetch()
    assert (result, aws.requests) == ("unconfigured", []) and "AWS_ACCESS_KEY_ID" in message


@pytest.mark.parametrize("environment, fragments", [
    ({"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1"},
     ["no answer from http://127.0.0.1:1 (", "no EC2 instance", "AWS_PROFILE"]),
    ({"AWS_EC2_METADATA_SERVICE_ENDPOINT": "169.254.169.254"}, ["ENDPOINT must be http://HOST"]),
    ({"AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://u:{HUSH}@127.0.0.1/"}, ["must be http://"]),
    ({"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1/?a="}, ["must be http://HOST"]),
    ({"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://" + "a" * 400}, ["must be http://HOST"]),
    ({"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv5"}, ["'IPv5'", "IPv4 or IPv6"]),
], ids=["nobody", "no-url", "user", "query", "long", "mode"])
def test_imds_endpoint_that_is_none_is_told(probe, environment, fragments):
    probe(**environment).fails("IMDS: ", *fragments)


# --- a container's agent

def test_containers_agent_is_asked_by_its_full_uri(probe, aws):
    probe(**container(aws)).ok("container", aws.given)
    assert [(request.method, request.target) for request in aws.requests] == [("GET", AGENT)]
    assert aws.requests[0].header("authorization") is None


def test_containers_token_is_read_anew_each_time(probe, aws, tmp_path):
    path = tmp_path / "token"
    running = probe(**container(aws, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(path),
                                AWS_CONTAINER_AUTHORIZATION_TOKEN=f"{HUSH}Variable"))
    for text in (f"{HUSH}First\n", f"{HUSH}Second"):
        path.write_text(text)
        aws.authorization = text.strip()
        running.ok("container", aws.given)
    path.unlink()
    running.fails("container: ", str(path), "No such file", "mounted")
    path.write_text(f"{HUSH}\r\nX-Other: 1\n")
    running.fails("container: ", str(path), "one line")
    path.write_text("")
    running.fails("container: ", str(path), "one line")
    assert len(aws.requests) == 2


def test_containers_token_may_be_in_the_environment(probe, aws):
    aws.authorization = f"Bearer {HUSH}+/="
    probe(**container(aws, AWS_CONTAINER_AUTHORIZATION_TOKEN=aws.authorization)) \
        .ok("container", aws.given)


@pytest.mark.parametrize("text", [f"{HUSH}\r\nX-Other: 1", f"{HUSH}\n", f"{HUSH}\x7f"])
def test_containers_token_that_would_be_a_header_more_is_refused(probe, aws, text):
    probe(**container(aws, AWS_CONTAINER_AUTHORIZATION_TOKEN=text)) \
        .fails("container: ", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "one line")
    assert not aws.requests


CONTAINER_FAILURES = {
    "bad request": ([as_json(400, code="x", message=HUSH)], ["status 400", "role"]),
    "token refused": ([Answer(401)], ["status 401", "TOKEN_FILE"]),
    "forbidden": ([Answer(403)], ["status 403", "association"]),
    "not found": ([Answer(404)], ["status 404", "FULL_URI"]),
    "moved": ([Answer(307, headers={"Location": AGENT})], ["status 307"]),
    "too often": ([Answer(429)], ["status 429", "too often"]),
    "down": ([Answer(500), Answer(500)], ["status 500", "agent's log"]),
    "cut off": ([CUT, CUT], ["no answer from 127.0.0.1", "agent runs"]),
    "error in a 200": ([as_json(Code="InternalError", Message="no role")],
                       ["InternalError", "no role"]),
    "echo": ([as_json(Code="Odd", Message=f"{HUSH}Authorization is none")], ["agent's log"]),
    "html": ([Answer(200, b"<html>")], ["expected JSON"]),
    "endless": ([Answer(200, b" " * 65537)] * 2, ["longer than 64 KiB"]),
}


@pytest.mark.parametrize("answers, fragments", CONTAINER_FAILURES.values(),
                         ids=CONTAINER_FAILURES.keys())
def test_containers_failure_is_told(probe, aws, answers, fragments):
    aws.authorization = f"{HUSH}Authorization"
    running = probe(**container(aws, AWS_CONTAINER_AUTHORIZATION_TOKEN=aws.authorization))
    aws.order(AGENT, *answers)
    message = running.fails("container: ", *fragments)
    assert AGENT not in message, "its path is a secret on ECS"
    assert not aws.orders[AGENT], "all that was ordered was asked for"
    running.ok("container", aws.given)


@pytest.mark.parametrize("variable, value, fragment", [
    ("FULL_URI", "http://example.invalid/x", "plain http"),
    ("FULL_URI", "http://127.0.0.1.example.invalid/x", "plain http"),
    ("FULL_URI", "http://169.254.170.2.example.invalid/x", "plain http"),
    ("FULL_URI", "http://169.254.170.20/x", "plain http"),
    ("FULL_URI", "http://[fd00:ec2::24]/x", "plain http"),
    ("FULL_URI", "http://{host}@example.invalid/x", "plain http"),
    ("FULL_URI", "http://example.invalid@{host}/x", "https://HOST/PATH"),
    ("FULL_URI", "ftp://{host}/x", "https://HOST/PATH"),
    ("FULL_URI", "{host}/x", "https://HOST/PATH"),
    ("FULL_URI", "http://{host}/\r\nX-Other: 1", "https://HOST/PATH"),
    ("FULL_URI", "http://{host}/" + "x" * 2048, "https://HOST/PATH"),
    ("RELATIVE_URI", "@{host}/x", "begins with /"),
    ("RELATIVE_URI", ".example.invalid/x", "begins with /"),
    ("RELATIVE_URI", "http://{host}/x", "begins with /"),
    ("RELATIVE_URI", "/x\r\nX-Other: 1", "begins with /"),
    ("RELATIVE_URI", "/" + "x" * 2048, "begins with /"),
])
def test_containers_token_goes_nowhere_else(probe, aws, variable, value, fragment):
    name = f"AWS_CONTAINER_CREDENTIALS_{variable}"
    running = probe(**{name: value.replace("{host}", aws.url.partition("//")[2])},
                    AWS_CONTAINER_AUTHORIZATION_TOKEN=f"{HUSH}Token")
    running.fails(f"container: {name}", fragment)
    assert not aws.requests


def test_tls_is_verified(probe, tmp_path):
    authority = Authority(tmp_path)
    server = FakeAws(tls=authority.issue())
    elsewhere = FakeAws(tls=authority.issue(names="DNS:example.invalid"))
    ca = {"AWS_CA_BUNDLE": str(authority.file)}
    probe(**container(server, **ca)).ok("container", server.given)
    probe(**container(server)).fails("container: no answer from 127.0.0.1", "certificate")
    probe(**container(elsewhere, **ca)).fails("container: no answer from 127.0.0.1", "127.0.0.1")
    probe(**container(server, AWS_CA_BUNDLE="/nonexistent")).fails("/nonexistent")
    server.stop()
    elsewhere.stop()
    assert len(server.requests) == 1 and not elsewhere.requests


# --- web identity

def test_web_identity_posts_an_unsigned_form_with_the_token_of_now(probe, aws, web_token):
    running = probe(**web_identity(aws, web_token, AWS_ROLE_SESSION_NAME="pod+=,.@-1"))
    running.ok("web identity", aws.given)
    web_token.write_text(f"{HUSH}Other.e30.+/&=")
    aws.web_tokens = {f"{HUSH}Other.e30.+/&="}
    running.ok("web identity", aws.given)
    assert aws.forms() == [
        {"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": ROLE_ARN,
         "RoleSessionName": "pod+=,.@-1", "WebIdentityToken": token}
        for token in (f"{HUSH}Header.e30.x_-", f"{HUSH}Other.e30.+/&=")]
    names = {name.lower() for request in aws.requests for name, _ in request.headers}
    assert not any(name == "authorization" or name.startswith("x-amz-") for name in names)


def test_web_identity_takes_the_endpoint_of_all_services(probe, aws, web_token):
    environment = web_identity(aws, web_token, AWS_ENDPOINT_URL=aws.url)
    del environment["AWS_ENDPOINT_URL_STS"]
    probe(**environment).ok("web identity", aws.given)
    assert aws.forms()[0]["RoleSessionName"] == "genesys-webhookd"


def test_web_identity_goes_through_the_proxy_of_the_environment(probe, aws, web_token):
    """With the whole URL as target, so that the fake takes it for another's."""
    environment = web_identity(aws, web_token, http_proxy=aws.url,
                               AWS_ENDPOINT_URL_STS="http://sts.example.invalid")
    del environment["no_proxy"]
    probe(**environment).fails("web identity: ", "sts.example.invalid")
    assert aws.problems and "POST http://sts.example.invalid/" in aws.problems[0]
    aws.problems.clear()


def test_web_identity_region_may_come_from_the_profile(probe, aws, web_token, tmp_path):
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(
        f"[default]\nregion = {REGION}\nendpoint_url = {aws.url}\n")
    environment = web_identity(aws, web_token)
    del environment["AWS_REGION"], environment["AWS_ENDPOINT_URL_STS"]
    probe(**environment).ok("web identity", aws.given)


def test_web_identity_takes_the_longest_token(probe, aws, tmp_path):
    token = HUSH + "+" * (20000 - len(HUSH))
    (tmp_path / "long").write_text(token)
    aws.web_tokens.add(token)
    probe(**web_identity(aws, tmp_path / "long")).ok("web identity", aws.given)


@pytest.mark.parametrize("changes, fragments", [
    ({"AWS_ROLE_ARN": ""}, ["AWS_ROLE_ARN is not"]),
    ({"AWS_REGION": ""}, ["set AWS_REGION"]),
    ({"AWS_REGION": "No Region"}, ["region must be"]),
    ({"AWS_ENDPOINT_URL_STS": "127.0.0.1"}, ["endpoint must be"]),
    ({"AWS_ENDPOINT_URL_STS": f"http://u:{HUSH}@127.0.0.1"}, ["endpoint must be"]),
    ({"AWS_USE_FIPS_ENDPOINT": "true"}, ["FIPS"]),
    ({"AWS_WEB_IDENTITY_TOKEN_FILE": "/nonexistent"}, ["/nonexistent", "mounted"]),
    ({"AWS_WEB_IDENTITY_TOKEN_FILE": "/"}, ["/", "Is a directory"]),
    ({"AWS_ROLE_ARN": "a" * 100000}, ["far too long"]),
], ids=["role", "region", "odd-region", "endpoint", "user", "fips", "no-file", "folder", "long"])
def test_web_identity_configured_by_half_is_told(probe, aws, web_token, changes, fragments):
    probe(**web_identity(aws, web_token, **changes)).fails("web identity: ", *fragments)
    assert not aws.requests


STS_FAILURES = {
    "trust": ([sts_error("AccessDenied", "Not authorized", 403)],
              ["status 403, AccessDenied (Not authorized)", "trust policy", ROLE_ARN]),
    "expired": ([sts_error("ExpiredTokenException")], ["expired", "renew"]),
    "region": ([sts_error("RegionDisabledException", status=403)], ["switch on"]),
    "rejected": ([sts_error("IDPRejectedClaim", status=403)], ["mounted anew"]),
    "invalid": ([sts_error("ValidationError")], ["ARN"]),
    "unknown": ([sts_error("NewError")], ["NewError", "look up"]),
    "echo": ([sts_error("ValidationError", f"Value '{HUSH}Header.e30.x_-' is wrong")],
             ["ValidationError (no message)"]),
    "echo cut off": ([sts_error("ValidationError", "a" * 240 + f"{HUSH}Header.e30.x_-")],
                     ["ValidationError (no message)"]),
    "provider": ([sts_error("InvalidIdentityToken")] * 3, ["OIDC provider", "audience"]),
    "provider down": ([sts_error("IDPCommunicationError")] * 3, ["cannot reach", "OIDC"]),
    "throttled": ([sts_error("Throttling")] * 3, ["Throttling"]),
    "html": ([Answer(503, b"<html><hr>")] * 3, ["status 503", "no code", "ENDPOINT_URL_STS"]),
    "moved": ([Answer(301, headers={"Location": "/"})], ["status 301"]),
    "cut off": ([CUT] * 3, ["no answer from STS at 127.0.0.1", "network"]),
    "no xml": ([as_json(AccessKeyId="ASIA")], ["not XML"]),
    "nothing": ([Answer(200)], ["not XML"]),
    "other xml": ([as_xml("GetCallerIdentityResponse", "<Arn>a</Arn>")], ["no AccessKeyId"]),
    "doctype": ([Answer(200, b'<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>')], ["not XML"]),
    "endless": ([Answer(200, b" " * 65537)] * 3, ["longer than 64 KiB"]),
}


@pytest.mark.parametrize("answers, fragments", STS_FAILURES.values(), ids=STS_FAILURES.keys())
def test_sts_failure_is_told(probe, aws, web_token, answers, fragments):
    running = probe(**web_identity(aws, web_token))
    aws.order(STS, *answers)
    running.fails("web identity: ", *fragments)
    assert len(aws.requests) == len(answers), "no more and no less was asked"
    running.ok("web identity", aws.given)


@pytest.mark.parametrize("first", [sts_error("IDPCommunicationError"),
                                   sts_error("InvalidIdentityToken"), Answer(500), CUT],
                         ids=["unreachable provider", "unknown yet", "500", "cut off"])
def test_sts_is_asked_again_where_it_may_pass(probe, aws, web_token, first):
    aws.order(STS, first, first)
    probe(**web_identity(aws, web_token)).ok("web identity", aws.given)
    assert len(aws.requests) == 3


def test_sts_that_nobody_is_is_told(probe, aws, web_token):
    probe(**web_identity(aws, web_token, AWS_ENDPOINT_URL_STS="http://127.0.0.1:1")) \
        .fails("web identity: no answer from STS at 127.0.0.1:1 (", "AWS_REGION")


# --- a role by a profile

SOURCES = {"keys": (ROLE_PROFILE, None),
           "session": (ROLE_PROFILE + f"aws_session_token = {HUSH}/BaseToken==\n",
                       f"{HUSH}/BaseToken==")}


@pytest.mark.parametrize("text, token", SOURCES.values(), ids=SOURCES.keys())
def test_a_role_is_assumed_with_a_signature(probe, aws, tmp_path, text, token):
    aws.keys["AKIABASE"] = sigv4.Key(f"{HUSH}/Base+Secret", token)
    probe(**by_profile(aws, tmp_path, text)).ok("profile", aws.given)
    assert aws.forms() == [{"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": ROLE_ARN,
                            "RoleSessionName": "me", "ExternalId": "e/x+1",
                            "DurationSeconds": "1800"}]


def test_a_signature_that_does_not_match_is_told_without_the_token(probe, aws, tmp_path):
    text, token = SOURCES["session"]
    running = probe(**by_profile(aws, tmp_path, text))
    aws.keys["AKIABASE"] = sigv4.Key(f"{HUSH}/Other", token)
    running.fails("profile: ", "SignatureDoesNotMatch", "clock")
    aws.order(STS, sts_error("IncompleteSignature", "Authorization=AWS4-HMAC-SHA256 Credential=x"))
    assert "AWS4" not in running.fails("IncompleteSignature (no message)")
    for line in ("x-amz-security-token:", "The String should have been\nx-amz-security-token:"):
        aws.order(STS, sts_error("SignatureDoesNotMatch", line + token, 403))
        running.fails("SignatureDoesNotMatch", "clock")


# --- where AWS's services listen

WELL_KNOWN = {
    "imds": ({}, "IMDS", "http://169.254.169.254:80 GET " + IMDS_ROLE + "writer"),
    "imds by IPv6": ({"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "ipv6"}, "IMDS",
                     "http://[fd00:ec2::254]:80 GET " + IMDS_ROLE + "writer"),
    "ecs": ({"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": AGENT,
             "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23" + AGENT}, "container",
            "http://169.254.170.2:80 GET " + AGENT),
    "eks": ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23" + AGENT}, "container",
            "http://169.254.170.23:80 GET " + AGENT),
    "eks by IPv6": ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://[fd00:ec2::23]" + AGENT},
                    "container", "http://[fd00:ec2::23]:80 GET " + AGENT),
}


def in_new_network():
    """Whoever is not root becomes it there, which is not possible in a chroot."""
    return ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]


def has_namespaces():
    return bool(shutil.which("unshare") and shutil.which("ip")) and subprocess.run(
        [*in_new_network(), "ip", "link"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not has_namespaces(), reason="needs unshare and ip, and leave to use them")
@pytest.mark.parametrize("environment, source, asked", WELL_KNOWN.values(), ids=WELL_KNOWN.keys())
def test_the_well_known_addresses_are_asked(tmp_path, environment, source, asked):
    done = subprocess.run(
        [*in_new_network(), sys.executable, fake_aws.__file__, str(PROBE)], input="\n", text=True,
        capture_output=True, check=False, timeout=60,
        env=clean_environment(HOME=str(tmp_path), http_proxy="http://127.0.0.1:1",
                              GW_BUILD=str(BUILD), **environment))
    assert done.returncode == 0, done.stderr
    assert f"\t{source}\n" in done.stdout and f"asked {asked}\n" in done.stdout, done.stdout
