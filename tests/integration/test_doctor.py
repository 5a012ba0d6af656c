# SPDX-License-Identifier: Apache-2.0
"""genesys-webhook doctor: each thing that can be wrong is found, and what is right is not."""

import fcntl
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

import wire
from activation import activated, listener, use
from aws_cloud import Cloud
from doctor import Answers, Found, doctor
from dynamodb import TABLE
from harness import COMPANION, clean_environment, fill_up, free_port, write_ini

ANOTHER = 65534  # a user who owns nothing here
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes others")


# --- all is well

def test_a_daemon_that_serves_is_found_well(watched):
    found = doctor("--config", watched.ini)
    assert found.status == 0
    found.has("ok", "configuration", str(watched.ini))
    found.has("ok", "listen", str(watched.port), "ready")
    found.has("ok", "admin", watched.settings["admin.listen"])
    found.has("ok", "secret", "GENESYS_WEBHOOK_SECRET", f"{len(wire.SECRET)} bytes")
    found.has("ok", "limits", "10000")
    found.has("ok", "file store", str(watched.events))
    found.has("ok", "lock", "held")
    found.has("warning", "clock", "not checked")
    watched.stop().check()


def test_where_none_runs_the_ports_are_free(ini):
    found = doctor("--config", ini(admin__listen=f"127.0.0.1:{free_port('127.0.0.1')}"))
    assert found.status == 0
    found.has("warning", "listen", "nobody listens", "free")
    found.has("warning", "admin", "nobody listens", "free")
    found.has("ok", "limits")
    found.has("ok", "file store", "will make")
    found.has("ok", "lock", "free")


def test_without_a_configuration_the_defaults_are_looked_at(tmp_path):
    doctor(cwd=tmp_path).has("ok", "configuration", "defaults")


# --- configuration

def test_each_error_of_the_configuration_is_a_finding(ini):
    path = ini(server__listn="x", file__sync="sometimes")
    found = doctor("--config", path)
    found.has("wrong", "configuration", f"{path}:", "listn")
    found.has("wrong", "configuration", f"{path}:", "sync")
    assert found.about("lock") == ["ok"], "what was right is looked at all the same"


def test_a_configuration_that_cannot_be_read_ends_it(tmp_path):
    found = doctor("--config", tmp_path / "nothing.ini")
    found.has("wrong", "configuration", "nothing.ini")
    assert len(found.findings) == 1


def test_a_configuration_that_others_may_write(ini):
    path = ini()
    path.chmod(0o666)
    doctor("--config", path).has("wrong", "configuration", "chmod go-w")


# --- listeners

def test_another_program_on_the_ports(ini):
    admin = free_port("127.0.0.1")
    path = ini(admin__listen=f"127.0.0.1:{admin}")
    with Answers(ini.port, 404, b"{}"), Answers(admin, 200, b"hello"):
        found = doctor("--config", path)
    found.has("wrong", "listen", "another program", "404")
    found.has("wrong", "admin", "another program", "200")


def test_who_does_not_answer_is_told_in_time(ini):
    with Answers(ini.port):
        begun = time.monotonic()
        found = doctor("--config", ini(), "--timeout", "1")
        assert time.monotonic() - begun < 20
    found.has("wrong", "listen", "does not answer")


def test_an_address_of_another_machine(ini):
    found = doctor("--config", ini(server__listen="192.0.2.1:8080"), "--timeout", "3")
    found.has("wrong", "listen", "192.0.2.1:8080", "[server] listen")


def test_a_daemon_that_drains_is_not_ready(spawn):
    daemon = spawn({"server.drain_delay": "60s"}).start()
    daemon.signal(signal.SIGTERM)
    daemon.wait_ready(False)
    doctor("--config", daemon.ini).has("wrong", "listen", "not ready")
    daemon.kill()


def test_an_admin_listener_of_a_later_configuration(daemon):
    port = free_port("127.0.0.1")
    daemon.configure(**{"admin.listen": f"127.0.0.1:{port}"})
    found = doctor("--config", daemon.ini)
    found.has("wrong", "admin", "restart")
    found.has("warning", "limits", "not checked")


def test_an_admin_listener_for_everybody(ini):
    listen = f"0.0.0.0:{free_port('127.0.0.1')}"
    doctor("--config", ini(admin__listen=listen)).has("wrong", "admin", "remote = yes")
    assert doctor("--config", ini(admin__listen=listen, admin__remote="yes")).status == 0


def test_the_environment_s_proxy_is_not_asked(daemon):
    found = doctor("--config", daemon.ini, environment={"http_proxy": "http://127.0.0.1:1"})
    found.has("ok", "listen")


# --- secrets

def test_no_secret(ini, daemon):
    text = doctor("--config", ini(), secret=None).has("wrong", "secret", "no secret")
    assert "CREDENTIALS_DIRECTORY" in text
    doctor("--config", daemon.ini, secret=None).has("warning", "secret", "not checked")


@pytest.mark.parametrize("content, mode, verdict, said", [
    (b"a-secret-of-a-file-0123", 0o600, "ok", "23 bytes"),
    (b"a-secret-of-a-file-0123\n", 0o600, "ok", "23 bytes"),
    (b"a-secret-of-a-file-0123\n\n", 0o600, "warning", "line break"),
    (b"a-secret of-a-file-0123", 0o600, "warning", "blank"),
    (b"a-secret-of-a-file-0123", 0o644, "warning", "chmod 0600"),
    (b"short", 0o600, "warning", "shorter than 16"), (b"", 0o600, "wrong", "empty"),
    (b"a-secret-of-a-file-0123", 0o622, "wrong", "written by its group")], ids=str)
def test_files_of_secrets(ini, tmp_path, content, mode, verdict, said):
    secret = tmp_path / "secret"
    secret.write_bytes(content)
    secret.chmod(mode)
    found = doctor("--config", ini(signature__secret_file=secret), secret=None)
    found.has(verdict, "secret", said)
    assert "of-a-file" not in found.text


def test_one_of_several_secrets(ini, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"a-secret-of-a-file-0123")
    secret.chmod(0o600)
    path = ini(signature__secret_file=[secret, tmp_path / "nothing"])
    doctor("--config", path, secret=None).has("wrong", "secret", f"{path}:", "No such file")


@as_root
def test_a_secret_of_another_user(ini, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"a-secret-of-a-file-0123")
    secret.chmod(0o600)
    os.chown(secret, ANOTHER, ANOTHER)
    found = doctor("--config", ini(signature__secret_file=secret), secret=None)
    found.has("warning", "secret", "not checked")
    found = doctor("--config", ini(signature__secret_file=[secret, tmp_path / "nothing"]),
                   secret=None)
    found.has("wrong", "secret", "No such file")
    found.has("wrong", "secret", str(ANOTHER))
    secret.chmod(0o622)
    found = doctor("--config", ini(signature__secret_file=secret), secret=None)
    found.has("wrong", "secret", "written by its group")


# --- limits and proxies

def few_files(soft, hard):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_too_few_files(ini, spawn):
    found = doctor("--config", ini(), preexec_fn=few_files(500, 500))
    found.has("warning", "limits", "500", "max_connections")
    port = free_port("127.0.0.1")
    daemon = spawn({"admin.listen": f"127.0.0.1:{port}"},
                   preexec_fn=few_files(2000, 2000)).start()
    doctor("--config", daemon.ini).has("warning", "limits", "not the 10000", "LimitNOFILE")


def test_each_address_of_a_list_is_looked_at(watched, tmp_path):
    """Unix sockets, too; and who answers beside the daemon is not taken for it."""
    path = tmp_path / "webhook.sock"
    watched.stop()
    listen, admin = watched.settings["server.listen"], watched.settings["admin.listen"]
    watched.configure(**{"server.listen": [listen, f"unix:{path}"]})
    watched.start()
    foreign, another = free_port("127.0.0.1"), free_port("127.0.0.1")
    watched.configure(**{"server.listen": [listen, f"unix:{path}", f"127.0.0.1:{foreign}"],
                         "admin.listen": [admin, f"127.0.0.1:{another}"]})
    with Answers(foreign, 200, b"{}"), Answers(another, 200, b"hello"):
        found = doctor("--config", watched.ini)
    found.has("ok", "listen", str(watched.port), "ready")
    found.has("ok", "listen", f"unix:{path}", "ready")
    found.has("wrong", "listen", "another program", str(foreign), "/readyz")
    found.has("ok", "admin", admin)
    found.has("wrong", "admin", "another program", str(another), "/metrics")
    found.has("ok", "limits", "the daemon takes")


def test_an_address_before_the_daemon_s_is_judged_by_what_is_known_after_it(daemon):
    listen = [f"127.0.0.1:{free_port('127.0.0.1')}", daemon.settings["server.listen"]]
    daemon.configure(**{"server.listen": listen})
    doctor("--config", daemon.ini).has("wrong", "listen", listen[0], "restart")


def test_where_systemd_s_socket_has_another_address(spawn, ini):
    with listener("127.0.0.1") as one:
        daemon = activated(spawn, [one], settings={
            "admin.listen": f"127.0.0.1:{free_port('127.0.0.1')}"})
        elsewhere = daemon.port
        use(daemon, one)
        daemon.start()
        found = doctor("--config", daemon.ini, secret=None)
    assert found.status == 0, found.text
    found.has("warning", "listen", "the daemon runs, but not on", str(elsewhere), "systemd")
    found.has("ok", "admin")
    found.has("ok", "lock", "held")
    found.has("warning", "secret", "not checked")


# --- Unix sockets

@pytest.fixture
def sock(ini, tmp_path):
    """The path of a socket in a folder of its own, and the doctor's view of it, which changes
    nothing there."""
    path = tmp_path / "run" / "webhook.sock"
    path.parent.mkdir()

    def look(*arguments, **settings):
        os.utime(path.parent, (1, 1))
        before = os.listdir(path.parent)
        settings = {"server__listen": f"unix:{path}", **settings}
        found = doctor("--config", ini(**settings), *arguments)
        assert os.listdir(path.parent) == before
        assert path.parent.stat().st_mtime == 1, "no name came or went"
        return found

    path.parent.joinpath("beside").touch()
    look.path = path
    return look


def test_a_socket_s_name_that_is_free(sock):
    assert sock().has("warning", "listen", "nobody listens", f"unix:{sock.path}", "it is free")


def test_a_socket_that_a_killed_daemon_left_behind(sock, spawn):
    daemon = spawn()
    daemon.configure(**{"server.listen": [daemon.settings["server.listen"], f"unix:{sock.path}"]})
    daemon.start()
    daemon.kill()
    found = sock()
    assert found.status == 0
    found.has("warning", "listen", "start the daemon", "left behind")
    daemon.start()
    doctor("--config", daemon.ini).has("ok", "listen", f"unix:{sock.path}")


def test_a_socket_of_who_does_not_answer(sock):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(sock.path))
        server.listen(0)
        for _ in range(3):  # the first ones fill its queue
            sock("--timeout", "1").has("wrong", "listen", "does not answer", "ss -lxnp")


def test_a_socket_s_name_that_another_file_has(sock):
    sock.path.touch()
    sock().has("wrong", "listen", f"unix:{sock.path}", "nothing but a socket")
    sock.path.unlink()
    sock.path.symlink_to("webhook.sock")
    sock().has("wrong", "listen", f"unix:{sock.path}", "nothing but a socket")


def test_a_socket_s_folder_that_is_not_there(sock, tmp_path):
    listen = f"unix:{tmp_path / 'nothing' / 'webhook.sock'}"
    sock(server__listen=listen).has("wrong", "listen", listen, "No such file", "folder")


@pytest.mark.parametrize("listen", ["0.0.0.0", "[::]"])
def test_beyond_loopback_proxies_should_be_named(ini, listen):
    listen = f"{listen}:{ini.port}"
    doctor("--config", ini(server__listen=listen)).has("warning", "proxies", "trusted_proxies")
    found = doctor("--config", ini(server__listen=listen, server__trusted_proxies="10.0.0.0/8"))
    found.has("ok", "proxies", "1 trusted")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "[::1]"])
def test_on_loopback_proxies_need_not_be_named(ini, host):
    found = doctor("--config", ini(server__listen=f"{host}:{ini.port}"))
    assert found.about("proxies") == []


@pytest.mark.parametrize("settings, verdicts", [
    ({}, ["warning"]), ({"server__max_connections_per_ip": 0}, []),
    ({"server__trusted_proxies": "127.0.0.1"}, ["ok"]),
    ({"server__listen": "unix:/run/nothing/webhook.sock"}, [])], ids=str)
def test_a_limit_by_address_that_would_cut_a_proxy_off(ini, settings, verdicts):
    found = doctor("--config", ini(**{"server__max_connections_per_ip": 5, **settings}))
    assert found.about("proxies") == verdicts, found.text


# --- the file store

def test_a_folder_that_is_not_there(ini, tmp_path):
    found = doctor("--config", ini(file__path=tmp_path / "nothing" / "events.jsonl"))
    found.has("wrong", "file store", "nothing", "No such file")


def test_a_path_that_is_no_file(ini, tmp_path):
    doctor("--config", ini(file__path=tmp_path)).has("wrong", "file store", "another")


def test_a_relative_path_is_the_daemon_s(ini, tmp_path):
    (tmp_path / "state").mkdir()
    path = ini(file__path="events.jsonl")
    found = doctor("--config", path, environment={"STATE_DIRECTORY": str(tmp_path / "state")})
    found.has("ok", "file store", str(tmp_path / "state" / "events.jsonl"))


@as_root
def test_a_file_of_another_user_or_open_to_others(ini, tmp_path):
    events = tmp_path / "events.jsonl"
    events.touch(0o644)
    doctor("--config", ini()).has("warning", "file store", "chmod 0600")
    # Root has started the daemon by hand once.
    os.chown(tmp_path, ANOTHER, ANOTHER)
    doctor("--config", ini()).has("warning", "file store", "chown")


def test_a_disk_without_room(ini, small_disk):
    fill_up(small_disk)
    found = doctor("--config", ini(file__path=small_disk / "events.jsonl"))
    found.has("wrong", "room", "0 MiB", "make room")


def test_a_folder_that_is_mounted_read_only(ini, small_disk):
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    found = doctor("--config", ini(file__path=small_disk / "events.jsonl"))
    found.has("wrong", "file store", "Read-only")


def test_a_lock_that_is_held_by_who_does_not_serve(ini, tmp_path):
    with open(tmp_path / "events.jsonl.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        doctor("--config", ini()).has("wrong", "lock", "no daemon answers")


def test_a_daemon_that_writes_elsewhere(daemon, tmp_path):
    daemon.configure(**{"file.path": tmp_path / "elsewhere.jsonl"})
    doctor("--config", daemon.ini).has("warning", "lock", "elsewhere")


def test_looking_at_the_lock_keeps_nobody_out(daemon):
    for _ in range(3):
        doctor("--config", daemon.ini)
    daemon.stop()
    daemon.start()
    doctor("--config", daemon.ini).has("ok", "lock", "held")


@as_root
def test_what_another_user_may_not_see_is_said(spawn):
    """As whoever looks by: nothing of it is called wrong."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="gw-doctor-"))
    try:
        folder.chmod(0o755)
        state = folder / "state"
        state.mkdir(0o700)
        secret = folder / "secret"
        secret.write_text("a-secret-of-a-file-0123")
        secret.chmod(0o600)
        sockets = [folder / "webhook.sock", state / "webhook.sock", folder / "nothing.sock"]
        daemon = spawn({"file.path": state / "events.jsonl", "signature.secret_file": secret},
                       secret=None)
        listen = [daemon.settings["server.listen"], *(f"unix:{path}" for path in sockets)]
        daemon.configure(**{"server.listen": listen[:3]})
        daemon.start()
        ini = folder / "genesys-webhookd.ini"
        tool = shutil.copy(COMPANION, folder)

        def look(listen):
            write_ini(ini, {**daemon.settings, "server.listen": listen})
            found = Found(subprocess.run(
                [tool, "doctor", "--config", ini], capture_output=True, check=False,
                env=clean_environment(), user=ANOTHER, group=ANOTHER, extra_groups=[], cwd="/",
                timeout=60))
            assert found.status == 0, found.text
            found.has("warning", "secret", "not checked")
            found.has("warning", "file store", "not checked")
            return found

        look(listen[:1]).has("ok", "listen")
        found = look(listen[1:])
        for path in sockets[:2]:
            found.has("warning", "listen", "not checked", "may not connect", str(path))
        found.has("warning", "listen", "not checked", "nobody listens", str(sockets[2]))
    finally:
        shutil.rmtree(folder)


# --- DynamoDB

def test_the_table_is_looked_at_as_table_check_does(ini, table):
    cloud = Cloud(table)
    cloud.make_whole()
    settings = {name.replace(".", "__"): value for name, value in table.settings.items()}
    found = doctor("--config", ini(**settings), environment=table.environment)
    assert found.status == 0, found.text
    found.has("ok", "table", TABLE)
    for what in ("PutItem", "UpdateItem", "GetItem"):
        found.has("ok", what)
    found.has("ok", "clock", "DynamoDB's")
    assert found.about("file store") == []


@pytest.mark.parametrize("skew_s, verdict, said", [(20, "ok", "agrees"),
                                                   (100, "warning", "behind"),
                                                   (-100, "warning", "ahead of"),
                                                   (3600, "wrong", "behind")], ids=str)
def test_a_clock_that_is_off_by_dynamodb_s(ini, table, skew_s, verdict, said):
    table.proxy.skew_s = skew_s
    table.proxy.expected.add("clock")
    settings = {name.replace(".", "__"): value for name, value in table.settings.items()}
    found = doctor("--config", ini(**settings), environment=table.environment)
    found.has(verdict, "clock", said)


def test_no_table_no_credentials_no_backend(ini, table):
    table.table.delete()
    settings = {name.replace(".", "__"): value for name, value in table.settings.items()}
    doctor("--config", ini(**settings), environment=table.environment).has("wrong", "table")
    found = doctor("--config", ini(**settings), environment={
        **table.environment, "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""})
    found.has("wrong", "DynamoDB", "credentials")
    settings["dynamodb__endpoint"] = f"http://127.0.0.1:{free_port('127.0.0.1')}"
    found = doctor("--config", ini(**settings), "--timeout", "3", environment=table.environment)
    assert "wrong" in found.about("table")
    found.has("warning", "clock", "not checked")
