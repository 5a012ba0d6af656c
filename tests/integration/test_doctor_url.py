# SPDX-License-Identifier: Apache-2.0
"""genesys-webhook doctor --url: who answers at the public URL, its certificate and its clock."""

import functools
import socket

import pytest

from certificates import Authority
from doctor import Answers, doctor
from harness import free_port

UNSIGNED = b'{"error":"Unauthorized: Invalid signature"}'


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("authority"))
    authority.issue = functools.cache(authority.issue)
    return authority


@pytest.fixture
def public(ini, authority):
    """Looks at a URL whose server answers so."""
    def look(status, body=UNSIGNED, path="/webhook", days=90, names="IP:127.0.0.1", trusted=True,
             skew_s=0):
        context = authority.issue(names, days)
        with Answers(free_port("127.0.0.1"), status, body, context, skew_s) as server:
            options = ["--ca-file", authority.file] if trusted else []
            return doctor("--config", ini(), *options, "--url",
                          f"https://127.0.0.1:{server.port}{path}")

    return look


def test_a_url_that_leads_to_the_daemon(public):
    found = public(401)
    assert found.status == 0, found.text
    found.has("ok", "url", "refused, as it should be")
    found.has("ok", "certificate", "valid for 89 more days")
    found.has("ok", "clock", "public URL")
    found.has("warning", "url", "port 443")


def test_the_daemon_s_own_answer_is_known(daemon):
    found = doctor("--config", daemon.ini, "--url", f"http://127.0.0.1:{daemon.port}/webhook")
    found.has("ok", "url", "refused, as it should be")
    found.has("wrong", "url", "not https")
    found.has("ok", "clock")


@pytest.mark.parametrize("status, body, verdict, said", [
    (200, b"{}", "wrong", "unsigned event is taken"), (301, b"", "wrong", "redirect"),
    (401, b"<html>", "wrong", "somebody else"), (403, b"{}", "warning", "allow"),
    (404, b"{}", "wrong", "[server] path"), (405, b"{}", "wrong", "no POST"),
    (502, b"<html>", "wrong", "proxy"), (503, b"{}", "wrong", "draining"),
    (500, b"{}", "wrong", "not this daemon")], ids=str)
def test_other_answers_say_what_to_do(public, status, body, verdict, said):
    public(status, body).has(verdict, "url", str(status), said)


@pytest.mark.parametrize("certificate, said", [
    ({"days": -1}, "expired"), ({"names": "DNS:elsewhere.example"}, "subject name"),
    ({"trusted": False}, "issuer certificate")], ids=str)
def test_a_certificate_that_is_not_valid(public, certificate, said):
    found = public(401, **certificate)
    found.has("wrong", "url", "no answer", said)
    found.has("warning", "clock", "not checked")


def test_a_certificate_that_ends_soon(public):
    public(401, days=5).has("warning", "certificate", "renewed")


@pytest.mark.parametrize("skew_s, verdict", [(60, "warning"), (-3600, "wrong")])
def test_a_clock_that_is_off_by_the_url_s(public, skew_s, verdict):
    public(401, skew_s=skew_s).has(verdict, "clock", "public URL")


def test_a_path_that_is_not_the_configuration_s(public):
    public(401, path="/other").has("warning", "url", "[server] path = /webhook")


@pytest.mark.parametrize("url", ["ftp://x/", "nonsense", "https://"])
def test_what_is_no_url(ini, url):
    doctor("--config", ini(), "--url", url).has("wrong", "url", "no https://")


def test_a_url_where_nobody_is(ini):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    found = doctor("--config", ini(), "--url", f"https://127.0.0.1:{port}/webhook")
    found.has("wrong", "url", "no answer")
