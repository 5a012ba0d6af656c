# SPDX-License-Identifier: Apache-2.0
"""The alert rules and the dashboard: by promtool, and against what the daemon really shows."""

import json
import re
import shutil
import subprocess

import pytest

from harness import SOURCE

RULES = SOURCE / "packaging/prometheus/genesys-webhookd.rules.yml"
DASHBOARD = SOURCE / "packaging/prometheus/grafana-dashboard.json"
TESTS = SOURCE / "tests/prometheus/rules.test.yml"
ALERTS = re.findall(r"- alert: (\w+)", RULES.read_text())
METRIC = re.compile(r"\b(?:genesys_webhookd|process)_[a-z_]+\b")


def promtool(*arguments):
    found = subprocess.run(["promtool", *arguments], check=False, text=True, timeout=120,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert found.returncode == 0, found.stdout


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_promtool_finds_no_fault_in_the_rules_and_their_tests_pass():
    promtool("check", "rules", str(RULES))
    promtool("test", "rules", str(TESTS))


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_is_tested_and_leads_to_what_is_to_be_done(alert):
    assert f"alertname: {alert}\n" in TESTS.read_text()
    own = RULES.read_text().split(f"- alert: {alert}\n")[1].split("- alert:")[0]
    page, anchor = re.search(r'runbook_url: "(.*)#(.*)"', own).groups()
    headings = re.findall(r"^## (\w+)$", (SOURCE / page).read_text(), flags=re.MULTILINE)
    assert alert in headings
    assert anchor == alert.lower(), "as a heading becomes an anchor"


def test_the_runbook_has_no_alert_that_is_none():
    headings = re.findall(r"^## (\w+)$", (SOURCE / "docs/runbook.md").read_text(),
                          flags=re.MULTILINE)
    assert headings == ALERTS


def test_failing_means_each_reason_of_a_5xx_that_is_not_one_clients_own_doing():
    answers = (SOURCE / "docs/answers.md").read_text()
    reasons = set(re.findall(r"^\|.*\| 5\d\d .*`refused_(\w+)`", answers, flags=re.MULTILINE))
    rule = RULES.read_text().split("- alert: GenesysWebhookdFailing\n")[1]
    assert set(re.search(r'reason=~"(.*?)"', rule)[1].split("|")) == \
        reasons - {"max_connections_per_ip", "by_library"}


def expressions():
    targets = [target["expr"] for panel in json.loads(DASHBOARD.read_text())["panels"]
               for target in panel["targets"]]
    return targets + [RULES.read_text()]


def test_every_metric_is_in_the_docs_and_no_other(watched):
    """But for those that a daemon with the file store, and without an event yet, does not show."""
    text = (SOURCE / "docs/operations.md").read_text().split("## Metrics")[1].split("\n## ")[0]
    rows = "".join(line.split(" | ")[0] for line in text.splitlines() if line.startswith("| `"))
    documented = set(re.findall(r"`(\w+)`", rows))
    shown = {name.removeprefix("genesys_webhookd_") for name in
             re.findall(r"^# TYPE (\S+) ", watched.admin.get("/metrics")[1], flags=re.MULTILINE)}
    assert documented == shown | {"last_event_timestamp_seconds",
                                  "last_gap_start_timestamp_seconds", "last_gap_end_timestamp_seconds",
                                  "credentials_expiry_timestamp_seconds"}


def test_rules_and_dashboard_ask_for_nothing_that_is_not_there(watched):
    """But for the credentials' expiry, which only some backends have, and what has not happened."""
    shown = re.findall(r"^# TYPE (\S+) (\S+)$", watched.admin.get("/metrics")[1],
                       flags=re.MULTILINE)
    names = {f"{name}{end}" for name, kind in shown
             for end in (("_bucket", "_sum", "_count") if kind == "histogram" else ("",))}
    asked = {name for text in expressions() for name in METRIC.findall(text)}
    assert asked - names <= {"genesys_webhookd_credentials_expiry_timestamp_seconds",
                             "genesys_webhookd_last_event_timestamp_seconds",
                             "genesys_webhookd_last_gap_end_timestamp_seconds"}
