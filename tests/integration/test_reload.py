# SPDX-License-Identifier: Apache-2.0
"""SIGHUP changes what may be changed without a request or a connection noticing."""

import contextlib
import os
import signal

import wire
from harness import eventually
from load import Load, check_stored
from wire import event, post, sign

OLD = "the-old-secret-0123456789"
NEW = "the-new-secret-0123456789"


def write_secret(path, text):
    path.write_text(text + "\n")
    path.chmod(0o600)
    return path


def with_files(spawn, tmp_path, *secrets, **options):
    files = [write_secret(tmp_path / f"secret-{number}", secret)
             for number, secret in enumerate(secrets)]
    return spawn({"signature.secret_file": files}, secret=None, **options), files


def reload(daemon, *, bad=False):
    """Sends SIGHUP and waits until the daemon has said what became of it."""
    since = daemon.log_length()
    daemon.signal(signal.SIGHUP)
    level, said = ("error", "not reloaded") if bad else ("info", "reloaded")
    return daemon.wait_log(rf'"level":"{level}","message":"{said}', since)


def test_reloads_under_load_fail_no_request(daemon):
    with Load(daemon.address, connections=8) as load:
        for _ in range(20):
            load.wait_acked(50)
            daemon.configure(**{"server.request_timeout": "50s"})
            reload(daemon)
        load.stop()
    assert not load.refused and not load.unknown and not load.closing, load.summary()
    ids = daemon.ids()
    check_stored(load, ids)
    daemon.stop().check(lines=len(load.acked))


def test_a_rotation_of_secrets_refuses_no_one(spawn, tmp_path):
    daemon, files = with_files(spawn, tmp_path, OLD)
    daemon.start()
    new = write_secret(tmp_path / "new", NEW)
    assert daemon.post(event("a"), secret=NEW).status == 401
    with Load(daemon.address, connections=4, secret=OLD) as load:
        load.wait_acked(50)
        daemon.configure(**{"signature.secret_file": [new, files[0]]})
        daemon.signal(signal.SIGHUP)
        eventually(lambda: daemon.post(event("b"), secret=NEW).status == 200, "NEW is taken")
        load.wait_acked(50)
        load.stop()
    assert not load.refused and not load.unknown, load.summary()
    daemon.configure(**{"signature.secret_file": [new]})
    daemon.signal(signal.SIGHUP)
    eventually(lambda: daemon.post(event("c"), secret=OLD).status == 401, "OLD is refused")
    assert daemon.post(event("d"), secret=NEW).status == 200
    daemon.stop().check(lines=len(daemon.records()))


def test_the_content_of_a_secret_file_is_read_anew(spawn, tmp_path):
    daemon, files = with_files(spawn, tmp_path, OLD)
    daemon.start()
    write_secret(files[0], NEW)
    assert daemon.post(event("a"), secret=OLD).status == 200
    daemon.signal(signal.SIGHUP)
    eventually(lambda: daemon.post(event("b"), secret=NEW).status == 200, "NEW is taken")
    assert daemon.post(event("c"), secret=OLD).status == 401


def open_for_reader(path):
    """The writing end of a FIFO; None as long as nobody reads it."""
    with contextlib.suppress(OSError):
        return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    return None


def test_signals_that_come_while_it_starts_are_kept_until_it_serves(spawn):
    daemon = spawn()
    fifo, kept = daemon.ini, daemon.folder / "kept"
    fifo.rename(kept)
    os.mkfifo(fifo)
    daemon.launch()
    writer = eventually(lambda: open_for_reader(fifo), "it reads its configuration")
    daemon.signal(signal.SIGUSR1)
    daemon.signal(signal.SIGHUP)
    os.write(writer, kept.read_bytes())
    kept.rename(fifo)
    os.close(writer)
    daemon.wait_log('"reloaded"')
    daemon.wait_log("journal opened anew")
    assert daemon.post(event("a")).status == 200


def test_a_bad_configuration_is_logged_and_the_old_one_kept(daemon):
    daemon.configure(**{"server.max_body": "many", "server.colour": "blue"})
    since = daemon.log_length()
    reload(daemon, bad=True)
    said = "\n".join(daemon.log_text().split("\n")[since:])
    assert "max_body" in said and "many" in said and "colour" in said
    assert daemon.post(event("a", padding="x" * 5000)).status == 200
    daemon.configure(**{"server.max_body": "1KiB", "server.colour": None})
    reload(daemon)
    eventually(lambda: daemon.post(event("b", padding="x" * 5000)).status == 413, "the new one")
    daemon.stop().check()


def test_a_configuration_that_is_gone_keeps_the_old_one(daemon):
    daemon.ini.unlink()
    reload(daemon, bad=True)
    assert daemon.post(event("a")).status == 200


def test_a_secret_file_that_is_gone_keeps_the_old_one(spawn, tmp_path):
    daemon, files = with_files(spawn, tmp_path, OLD)
    daemon.start()
    files[0].unlink()
    reload(daemon, bad=True)
    assert daemon.post(event("a"), secret=OLD).status == 200


def test_keys_that_need_a_restart_are_named(daemon):
    daemon.configure(**{"server.listen": "127.0.0.1:1", "server.workers": 3})
    before = daemon.events
    daemon.settings["file.path"] = daemon.folder / "other.jsonl"
    daemon.configure()
    since = daemon.log_length()
    daemon.signal(signal.SIGHUP)
    line = daemon.wait_log("restart", since)
    text = str(line)
    assert "[server] listen" in text and "[server] workers" in text and "[file] path" in text
    assert "max_body" not in text
    assert daemon.post(event("a")).status == 200
    daemon.events = before
    assert list(daemon.ids()) == ["a"]


def named_by_reload(daemon, workers):
    """What a reload to so many workers says of keys that need a restart; "" for nothing."""
    daemon.configure(**{"server.workers": workers})
    since = daemon.log_length()
    reload(daemon)
    said = daemon.log_text().split("\n")[since:]
    return "".join(line for line in said if "restart" in line)


def test_keys_that_need_a_restart_are_compared_with_what_runs(daemon):
    runs = daemon.settings["server.workers"]
    assert "[server] workers" in named_by_reload(daemon, runs + 1)
    assert "[server] workers" in named_by_reload(daemon, runs + 1), "it is still not what runs"
    assert not named_by_reload(daemon, runs)


def test_limits_and_log_level_are_reloaded(daemon):
    daemon.configure(**{"server.max_body": "1KiB", "log.level": "error"})
    daemon.signal(signal.SIGHUP)
    eventually(lambda: daemon.post(event("a", padding="x" * 2000)).status == 413, "the new limit")
    since = daemon.log_length()
    daemon.post(event("b"), signature="00")
    daemon.get("/none")
    assert '"level":"info"' not in "".join(daemon.log_text().split("\n")[since:])


def body_of_size(size):
    return event("c-1", padding="x" * (size - len(event("c-1", padding=""))))


def test_more_may_be_buffered_after_a_reload(spawn):
    """Also by the store: where the two limits are one, the longest body still finds room."""
    daemon = spawn({"server.max_body": "1MiB", "server.max_buffered": "1MiB"}).start()
    assert daemon.post(body_of_size(1 << 20)).status == 200
    assert daemon.post(body_of_size((1 << 20) + 1)).status == 413
    daemon.configure(**{"server.max_body": "8MiB", "server.max_buffered": "64MiB"})
    reload(daemon)
    eventually(lambda: daemon.post(body_of_size(3 << 20)).status == 200, "the new limits")
    daemon.stop().check(lines=2)


def test_a_body_of_which_the_line_repeats_the_most_finds_room(spawn):
    daemon = spawn({"server.max_body": "64KiB", "server.max_buffered": "64KiB"}).start()
    long = "x" * 65000
    assert daemon.post(event("c-1", type=long)).status == 200
    assert daemon.records()[0]["item"]["type"] == long
    daemon.stop().check(lines=1)


def serves(client):
    with contextlib.suppress(wire.Closed, ConnectionError):
        return client.get("/elsewhere").status == 404  # probes have no limit
    return False


def test_max_connections_is_reloaded(spawn):
    daemon = spawn({"server.max_connections": 1}).start()
    daemon.wait_no_connection()
    with daemon.client() as first:
        assert serves(first)
        with daemon.client() as second:
            assert not serves(second)
        daemon.configure(**{"server.max_connections": 2})
        reload(daemon)
        with daemon.client() as third:
            assert serves(first) and serves(third)


def test_max_in_flight_is_reloaded(spawn):
    daemon = spawn({"server.max_in_flight": 1}, faults=True).start()
    daemon.faults.set("fdatasync", "hang")
    with daemon.client() as first, daemon.client() as second:
        first.send(post(event("a")))
        eventually(lambda: daemon.events.stat().st_size > 0, "the first is written")
        assert second.post(event("b")).status == 503
        daemon.configure(**{"server.max_in_flight": 2})
        reload(daemon)
        second.send(post(event("c")))
        assert not second.answered(0.5), "it waits like the first"
        daemon.faults.clear("fdatasync")
        assert [client.response().status for client in (first, second)] == [200, 200]
    daemon.stop().check(lines=2)


def test_the_signature_scheme_and_the_path_are_reloaded(daemon):
    daemon.configure(**{"signature.header": "X-Other", "server.path": "/other"})
    reload(daemon)
    body = event("a")
    other = post(body, signature=False, headers=[("X-Other", sign(body))], target="/other")
    # The workers take new settings over in their next pass.
    eventually(lambda: daemon.ask(other).status == 200, "the new path and header")
    assert daemon.ask(post(body, target="/other")).status == 401
    assert daemon.post(body).status == 404


def test_an_open_connection_outlives_a_reload(daemon):
    with daemon.client() as client:
        assert client.post(event("a")).status == 200
        body = event("b", padding="x" * 3000)
        client.begin(body)
        daemon.configure(**{"server.max_body": "1KiB"})
        reload(daemon)
        # A request ends under the settings that it began with.
        eventually(lambda: daemon.post(body).status == 413, "the new limit")
        assert client.ask(body).status == 200
