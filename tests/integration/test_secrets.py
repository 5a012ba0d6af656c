# SPDX-License-Identifier: Apache-2.0
"""Where secrets come from, which one counts, and that none can be seen from outside."""

import pathlib
import resource
import shutil
import signal
import subprocess

import pytest

import wire
from harness import COMPANION, DAEMON, clean_environment, sanitized
from wire import event

FILE = "from-a-file-0123456789"
OTHER = "from-another-file-0123456789"


def write(path, text, mode=0o600):
    path.write_text(text)
    path.chmod(mode)
    return path


def accepts(daemon, secret):
    return daemon.post(event("c-1"), secret=secret).status == 200


def test_a_secret_comes_from_a_file(spawn, tmp_path):
    daemon = spawn({"signature.secret_file": write(tmp_path / "s", FILE)}, secret=None).start()
    assert accepts(daemon, FILE) and not accepts(daemon, OTHER)


@pytest.mark.parametrize("text, secret", [
    (FILE + "\n", FILE), (FILE + "\r\n", FILE), (FILE, FILE), (FILE + "\n\n", FILE + "\n"),
    (" " + FILE + " \n", " " + FILE + " ")])
def test_one_trailing_line_break_is_taken_off(spawn, tmp_path, text, secret):
    path = tmp_path / "s"
    path.write_bytes(text.encode())
    path.chmod(0o600)
    daemon = spawn({"signature.secret_file": path}, secret=None).start()
    assert accepts(daemon, secret)


def test_any_of_several_secrets_counts_and_which_is_counted(spawn, tmp_path):
    files = [write(tmp_path / "one", FILE), write(tmp_path / "two", OTHER)]
    daemon = spawn({"signature.secret_file": files}, secret=None).start()
    assert accepts(daemon, FILE) and accepts(daemon, OTHER) and accepts(daemon, OTHER)
    assert not accepts(daemon, wire.SECRET)
    counters = daemon.stop().check(lines=3)
    assert (counters["secret_matched_1"], counters["secret_matched_2"]) == (1, 2)


def test_a_reload_tells_first_which_secrets_were_used(spawn, tmp_path):
    """As it may give them another order."""
    files = [write(tmp_path / "one", FILE), write(tmp_path / "two", OTHER)]
    daemon = spawn({"signature.secret_file": files}, secret=None).start()
    assert accepts(daemon, OTHER)
    daemon.configure(**{"signature.secret_file": [files[1]]})
    daemon.signal(signal.SIGHUP)
    daemon.wait_log('"reloaded"')
    told = daemon.wait_log("events by secret")
    assert told["secret_matched_2"] == 1 and "secret_matched_1" not in told


def test_the_environment_beats_the_file(spawn, tmp_path):
    daemon = spawn({"signature.secret_file": write(tmp_path / "s", FILE)}).start()
    assert accepts(daemon, wire.SECRET) and not accepts(daemon, FILE)


def test_secrets_come_from_systemds_credentials(spawn, tmp_path):
    folder = tmp_path / "credentials"
    folder.mkdir()
    write(folder / "webhook-secret", FILE + "\n", 0o440)
    write(folder / "webhook-secret-old", OTHER + "\n", 0o440)
    write(folder / "something-else", "not-a-webhook-secret-0123")
    daemon = spawn(secret=None, environment={"CREDENTIALS_DIRECTORY": str(folder)}).start()
    assert accepts(daemon, FILE) and accepts(daemon, OTHER)
    assert not accepts(daemon, "not-a-webhook-secret-0123")


def test_the_environment_of_the_process_does_not_show_it(daemon):
    environment = pathlib.Path(f"/proc/{daemon.pid}/environ").read_bytes()
    assert wire.SECRET.encode() not in environment
    assert accepts(daemon, wire.SECRET)
    daemon.signal(signal.SIGHUP)
    daemon.wait_log("reloaded")
    assert accepts(daemon, wire.SECRET), "a reload has it still"


@pytest.mark.skipif(sanitized(), reason="a sanitizer catches the signal")
def test_no_core_dump_is_written(spawn):
    def allow():
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)

    daemon = spawn(preexec_fn=allow).start()
    accepts(daemon, wire.SECRET)
    daemon.signal(signal.SIGABRT)
    daemon.wait_exit()
    assert not [path for path in daemon.folder.iterdir() if path.name.startswith("core")]


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.parametrize("command", [[DAEMON, "-t", "-c", "ini"],
                                     [COMPANION, "sign", "--secret-file", "secret"]])
def test_the_kernel_is_told_to_dump_no_core_before_a_secret_is_read(tmp_path, command):
    """Which holds whatever it would do with one: a pipe leaves no file to look for."""
    write(tmp_path / "secret", FILE)
    (tmp_path / "ini").write_text("[signature]\nsecret_file=secret\n")
    # LeakSanitizer cannot work under a tracer.
    subprocess.run(["strace", "-f", "-o", "trace", "-e", "trace=prctl,openat,open", *command],
                   cwd=tmp_path, env=clean_environment(ASAN_OPTIONS="detect_leaks=0"), input=b"{}",
                   check=True, capture_output=True)
    trace = (tmp_path / "trace").read_text()
    before, told, _ = trace.partition("prctl(PR_SET_DUMPABLE, SUID_DUMP_DISABLE) = 0")
    assert told and '"secret"' not in before, trace


SCHEMES = {
    "open messaging": ({"signature.header": "X-Hub-Signature-256", "signature.encoding": "base64",
                        "signature.prefix": "sha256="}, "sha256=", wire.sign_base64),
    "hex with a prefix": ({"signature.header": "X-Signature", "signature.prefix": "v1,"}, "v1,",
                          wire.sign),
}


@pytest.mark.parametrize("settings, prefix, encode", SCHEMES.values(), ids=SCHEMES.keys())
def test_header_encoding_and_prefix_are_configured(spawn, settings, prefix, encode):
    daemon = spawn(settings).start()
    name, body = settings["signature.header"], event("c-1")
    right = prefix + encode(body)
    wrong = [encode(body), prefix + encode(b"other"), prefix, prefix.upper() + encode(body),
             right[:-1], right + "="]

    def status(value, header=name):
        return daemon.ask(wire.post(body, signature=False, headers=[(header, value)])).status

    assert [status(value) for value in wrong] == [401] * len(wrong)
    assert status(right) == 200
    assert status(right, name.lower()) == 200
    assert status(wire.sign(body), "X-Genesys-Signature") == 401
