# SPDX-License-Identifier: Apache-2.0
"""The systemd units, by systemd's own tools, which need no systemd to run."""

import re
import shutil
import signal
import subprocess

import pytest

from harness import BUILD, DAEMON, SOURCE, sanitized
from wire import event

INSTALLED = ["genesys-webhookd.service", "genesys-webhookd.socket", "genesys-webhookd@.service"]
UNITS = ["genesys-webhookd.service", "genesys-webhookd.socket", "genesys-webhookd@i.service"]
SERVICES = [unit for unit in UNITS if unit.endswith(".service")]
RATING = re.compile(r"Overall exposure level for \S+: (\d+\.\d+)")

pytestmark = pytest.mark.skipif(not shutil.which("systemd-analyze"),
                                reason="systemd-analyze is not installed")


@pytest.fixture
def analyze(tmp_path):
    """systemd-analyze where the units are found before the system's own; they run this build."""
    built, plain = BUILD / "packaging/systemd", SOURCE / "packaging/systemd"
    for name in INSTALLED:
        path = built / name if (built / name).exists() else plain / name
        text = re.sub(r"(?<=^ExecStart=)\S+", str(DAEMON), path.read_text(), flags=re.MULTILINE)
        (tmp_path / name).write_text(text)

    def run(*arguments):
        return subprocess.run(["systemd-analyze", *arguments], check=False, text=True, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={"PATH": "/usr/bin:/bin", "SYSTEMD_UNIT_PATH": f"{tmp_path}:"})
    run.folder = tmp_path
    return run


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_finds_no_fault_in_a_unit(analyze, unit):
    found = analyze("verify", "--man=no", unit)
    assert (found.returncode, found.stdout) == (0, "")


def exposure(analyze, unit):
    return float(RATING.search(analyze("security", "--offline=true", unit).stdout)[1])


@pytest.mark.parametrize("unit", SERVICES)
def test_a_service_is_little_exposed(analyze, unit):
    assert exposure(analyze, unit) <= 1.1


def test_a_list_of_allowed_addresses_exposes_it_less(analyze):
    drop_ins = analyze.folder / "genesys-webhookd.service.d"
    drop_ins.mkdir()
    shutil.copy(SOURCE / "packaging/systemd/allow.conf", drop_ins)
    assert exposure(analyze, "genesys-webhookd.service") <= 0.9


def settings_of(name, service):
    return re.findall(rf"^{name}=(.*)$", (SOURCE / service).read_text(), flags=re.MULTILINE)


def system_calls(analyze, group):
    lines = [line.strip() for line in analyze("syscall-filter", group).stdout.splitlines()[1:]]
    inner = [system_calls(analyze, line) for line in lines if line.startswith("@")]
    return {line for line in lines if not line.startswith(("@", "#"))}.union(*inner)


def allowed_calls(analyze):
    allowed, forbidden = settings_of("SystemCallFilter",
                                     "packaging/systemd/genesys-webhookd.service.in")
    taken = set().union(*(system_calls(analyze, group) for group in forbidden[1:].split()))
    return system_calls(analyze, allowed) - taken


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.skipif(sanitized(), reason="a sanitizer makes system calls of its own")
def test_its_filter_allows_every_system_call_that_the_daemon_makes(analyze, spawn, tmp_path):
    """From its first line to its last, with a reload and a rotation between. Those before the first
    line are the loader's and strace's; their like must be allowed to any program."""
    trace = tmp_path / "trace"
    daemon = spawn(wrapper=["strace", "-D", "-f", "-q", "-e", "signal=none", "-o", str(trace)])
    daemon.start()
    assert daemon.post(event("c-1")).status == 200
    for number, said in (signal.SIGHUP, "reloaded"), (signal.SIGUSR1, "opened anew"):
        since = daemon.log_length()
        daemon.signal(number)
        daemon.wait_log(said, since=since)
    daemon.stop()
    made = set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(), flags=re.MULTILINE))
    assert {"fdatasync", "epoll_wait", "accept4"} <= made
    assert made - allowed_calls(analyze) == set()
