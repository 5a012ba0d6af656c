# SPDX-License-Identifier: Apache-2.0
"""The command line and the configuration: what is said, where, and with which exit status."""

import os
import re
import shutil
import signal
import subprocess

import pytest

import wire
from harness import DAEMON, SOURCE, clean_environment
from wire import event

OK, FAILED, USAGE, BAD = 0, 1, 2, 78


def run(*arguments, secret=wire.SECRET, **options):
    environment = clean_environment(**options.pop("environment", {}))
    if secret is not None:
        environment["GENESYS_WEBHOOK_SECRET"] = secret
    return subprocess.run([str(DAEMON), *map(str, arguments)], env=environment, text=True,
                          capture_output=True, timeout=60, check=False,
                          stdin=subprocess.DEVNULL, **options)


def check(tmp_path, text, **options):
    ini = tmp_path / "test.ini"
    ini.write_text(text)
    return run("-t", "-c", ini, **options)


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_goes_to_stdout(flag):
    done = run(flag, secret=None)
    assert (done.returncode, done.stderr) == (OK, "")
    for word in ("--config", "--check-config", "--version", "--help", "HUP", "USR1", "78"):
        assert word in done.stdout


@pytest.mark.parametrize("flag", ["-V", "--version"])
def test_version_goes_to_stdout(flag):
    done = run(flag, secret=None)
    assert (done.returncode, done.stderr) == (OK, "")
    assert re.fullmatch(r"genesys-webhookd \d+\.\d+\.\d+\S*\n", done.stdout)


@pytest.mark.parametrize("arguments", [["--colour"], ["-x"], ["-c"], ["file.ini"],
                                       ["-t", "extra"]])
def test_wrong_usage_is_2_and_says_where_help_is(arguments):
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert "--help" in done.stderr


@pytest.mark.parametrize("flag", ["-t", "--check-config"])
def test_a_right_configuration_is_0(tmp_path, flag):
    ini = tmp_path / "test.ini"
    ini.write_text("[server]\nlisten=127.0.0.1:1\n; a comment\n\n[log]\nlevel=debug\n")
    done = run(flag, f"--config={ini}")
    assert done.returncode == OK and str(ini) in done.stdout


def test_the_shipped_configuration_is_right():
    assert run("-t", "-c", SOURCE / "config" / "genesys-webhookd.ini").returncode == OK


def test_the_defaults_are_right():
    assert run("-t").returncode == OK


WRONG = {
    "an unknown section": ("[colours]\nred=1\n", 1, ["[colours]", "server"]),
    "an unknown key": ("[server]\nlisten=127.0.0.1:1\ncolour=blue\n", 3, ["colour"]),
    "a key of another section": ("[log]\nlisten=127.0.0.1:1\n", 2, ["[log]", "listen"]),
    "no number": ("[server]\n\nworkers=many\n", 3, ["workers", "many"]),
    "a negative number": ("[server]\nworkers=-1\n", 2, ["workers", "-1"]),
    "a number without its unit": ("[server]\nrequest_timeout=10\n", 2, ["request_timeout", "ms"]),
    "an unknown unit": ("[server]\nmax_body=6 parsecs\n", 2, ["max_body", "parsecs", "MiB"]),
    "a number beyond the range": ("[server]\nmax_body=99999999GiB\n", 2, ["max_body"]),
    "no address": ("[server]\nlisten=nowhere\n", 2, ["listen", "nowhere"]),
    "a port beyond 65535": ("[server]\nlisten=127.0.0.1:70000\n", 2, ["listen", "70000"]),
    "an unknown choice": ("[log]\nformat=xml\n", 2, ["format", "xml", "json"]),
    "a header that frames the request": ("[signature]\nheader=host\n", 2, ["header", "Host"]),
    "an unknown backend": ("[storage]\nbackend=tape\n", 2, ["backend", "tape", "file"]),
    "a key twice": ("[server]\nworkers=1\nworkers=2\n", 3, ["workers"]),
    "no key at all": ("[server]\nnonsense\n", 2, []),
    "a line too long": ("[file]\npath=/" + "x" * 400 + "\n", 2, []),
}


@pytest.mark.parametrize("text, line, named", WRONG.values(), ids=WRONG.keys())
def test_an_error_names_file_line_key_and_value(tmp_path, text, line, named):
    done = check(tmp_path, text)
    assert done.returncode == BAD
    assert f"test.ini:{line}" in done.stderr, done.stderr
    for word in named:
        assert word in done.stderr, done.stderr


def test_all_errors_are_reported_at_once(tmp_path):
    done = check(tmp_path, "[server]\nworkers=many\ncolour=blue\n[log]\nlevel=loud\n"
                           "[file]\nsync=perhaps\n")
    assert done.returncode == BAD
    for line, word in ((2, "many"), (3, "colour"), (5, "loud"), (7, "perhaps")):
        assert f"test.ini:{line}" in done.stderr and word in done.stderr


def test_errors_of_secrets_are_reported_with_those_of_the_configuration(tmp_path):
    (tmp_path / "empty").touch(0o600)
    done = check(tmp_path, "[server]\nworkers=many\nmax_buffered=1MiB\n[signature]\n"
                           f"secret_file={tmp_path}/none\nsecret_file={tmp_path}/empty\n",
                 secret=None)
    assert done.returncode == BAD
    for line, word in ((2, "many"), (3, "max_body"), (5, "No such file"), (6, "is empty")):
        assert re.search(rf"test\.ini:{line}: .*{word}", done.stderr), done.stderr


def test_a_configuration_that_cannot_be_read_says_nothing_of_secrets(tmp_path):
    done = run("-t", "-c", tmp_path / "none.ini", secret=None)
    assert done.returncode == BAD and "none.ini" in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.parametrize("text, line", [
    ("[signature]\nsecret_file={}\n", 2), ("[signature]\nheader={}\xe9\n", 2),
    ("[signature]\nprefix={}\xe9\n", 2), ("[signature]\nencoding={}\n", 2),
    ("[signature]\nheader=X\n  {}\n", 3), ("[signature]\nsecret={}\n", 2),
    ("[signature]\n{}\n", 2), ("[signature]\n{}==\n", 2), ("{}=\n", 1)])
@pytest.mark.parametrize("secret", ["hunter2hunter2hunter2", "p/Hunter2/Hunter2+hunter2"])
def test_a_secret_in_the_wrong_place_is_not_shown(tmp_path, text, line, secret):
    done = check(tmp_path, text.format(secret), secret=None)
    assert done.returncode == BAD and f"test.ini:{line}: " in done.stderr
    assert "unter2" not in done.stderr + done.stdout


def test_a_slip_of_the_pen_gets_a_suggestion(tmp_path):
    assert "max_body" in check(tmp_path, "[server]\nmax_bdoy=1MiB\n").stderr


def test_the_daemon_itself_refuses_a_bad_configuration(spawn):
    daemon = spawn({"server.workers": "many"}).launch()
    assert daemon.wait_exit() == BAD
    assert "workers" in daemon.log_text()
    assert not daemon.events.exists()


def test_a_configuration_that_is_not_there_is_an_error(tmp_path):
    done = run("-t", "-c", tmp_path / "none.ini")
    assert done.returncode == BAD and "none.ini" in done.stderr


def secret_file(tmp_path, text="a-file-secret-0123456789\n", mode=0o600):
    path = tmp_path / "secret"
    path.write_text(text)
    path.chmod(mode)
    return path


def check_secret(tmp_path, path):
    return check(tmp_path, f"[signature]\nsecret_file={path}\n", secret=None)


def test_without_a_secret_it_does_not_start(tmp_path):
    done = check(tmp_path, "", secret=None)
    assert done.returncode == BAD
    for way in ("GENESYS_WEBHOOK_SECRET", "secret_file", "LoadCredential"):
        assert way in done.stderr


@pytest.mark.parametrize("secret", ["", "\n"])
def test_an_empty_secret_is_refused(tmp_path, secret):
    assert check_secret(tmp_path, secret_file(tmp_path, secret)).returncode == BAD
    assert check(tmp_path, "", secret="").returncode == BAD


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_secret_that_others_may_write_is_refused(tmp_path, mode):
    path = secret_file(tmp_path, mode=mode)
    done = check_secret(tmp_path, path)
    assert done.returncode == BAD and str(path) in done.stderr


@pytest.fixture
def given_away(tmp_path):
    """A secret file of another user's."""
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    path = secret_file(tmp_path)
    os.chown(path, 65534, 65534)
    return path


def test_a_secret_of_another_user_is_refused(tmp_path, given_away):
    done = check_secret(tmp_path, given_away)
    assert done.returncode == BAD and str(given_away) in done.stderr and "65534" in done.stderr


def mounted_read_only(path):
    """The command before one that is to find the file so. In a chroot that is no mount point nothing
    can be made private, nor need it be."""
    for propagation in ("private", "unchanged"):
        wrapper = ["unshare", "--mount", "--propagation", propagation, "sh", "-c",
                   'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"', path]
        if shutil.which("unshare") and subprocess.run([*wrapper, "true"],
                                                      check=False).returncode == 0:
            return wrapper
    return pytest.skip("nothing can be mounted here")


def test_a_secret_of_another_user_is_taken_where_it_is_mounted_read_only(tmp_path, given_away):
    """As compose mounts a file of whoever deploys."""
    wrapper = mounted_read_only(given_away)
    ini = tmp_path / "test.ini"
    ini.write_text(f"[signature]\nsecret_file={given_away}\n")
    done = subprocess.run([*wrapper, DAEMON, "-t", "-c", ini], env=clean_environment(), check=False,
                          capture_output=True, text=True)
    assert done.returncode == OK, done.stderr


@pytest.mark.parametrize("mode, warned", [(0o644, True), (0o640, True), (0o600, False),
                                          (0o400, False)])
def test_a_secret_that_others_may_read_is_warned_about(tmp_path, mode, warned):
    path = secret_file(tmp_path, mode=mode)
    done = check_secret(tmp_path, path)
    assert done.returncode == OK
    assert ("warning" in done.stderr and str(path) in done.stderr) == warned


@pytest.mark.parametrize("secret", ["s3cr3t!", "changeme", "changeme-changeme-changeme"])
def test_a_weak_secret_is_warned_about_and_not_shown(tmp_path, secret):
    done = check(tmp_path, "", secret=secret)
    assert done.returncode == OK and "warning" in done.stderr
    assert secret not in done.stderr + done.stdout


def test_a_secret_file_that_is_not_there_is_refused(tmp_path):
    done = check_secret(tmp_path, tmp_path / "none")
    assert done.returncode == BAD and "No such file" in done.stderr
    assert "test.ini:2: [signature] secret_file" in done.stderr


CLOSED = ["sh", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "sh"]


def test_standard_streams_that_are_closed_become_no_others(spawn):
    daemon = spawn(wrapper=CLOSED).start()
    for number in range(3):
        assert os.readlink(f"/proc/{daemon.pid}/fd/{number}") == "/dev/null"
    assert daemon.post(event("c-1")).status == 200
    daemon.signal(signal.SIGTERM)
    assert daemon.wait_exit() == OK
    assert list(daemon.ids()) == ["c-1"]


def test_what_cannot_be_printed_is_an_error():
    assert subprocess.run([*CLOSED, DAEMON, "--version"], check=False).returncode == FAILED


def test_a_relative_path_is_in_the_state_directory(spawn, tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    daemon = spawn(environment={"STATE_DIRECTORY": str(state)})
    daemon.configure(**{"file.path": "events.jsonl"})
    daemon.start()
    assert daemon.post(event("c-1")).status == 200
    assert (state / "events.jsonl").stat().st_size > 0


def test_with_no_configuration_it_runs_on_the_defaults(spawn):
    """But for the port, which another test may hold; so by a file with that alone."""
    daemon = spawn()
    daemon.ini.write_text(f"[server]\nlisten=127.0.0.1:{daemon.port}\n")
    daemon.start()
    assert daemon.post(event("c-1")).status == 200
    assert daemon.events.stat().st_size > 0, "the file is in the working folder"
