# SPDX-License-Identifier: Apache-2.0
"""The companion against the real daemon: sign, health and show."""

import gzip
import json
import os
import socketserver
import subprocess
import threading

import pytest

import wire
from companion import run, url, write
from harness import BOUND, COMPANION, clean_environment, free_port
from load import Load
from wire import event, sign


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["help"], ["sign", "--help"],
                                       ["send", "--help"], ["show", "-h"], ["help", "show"]])
def test_help_goes_to_stdout(arguments):
    done = run(*arguments, secret=None)
    assert (done.returncode, done.stderr) == (0, "")
    assert "genesys-webhook" in done.stdout


def test_version():
    done = run("--version")
    assert done.returncode == 0 and done.stdout.startswith("genesys-webhook ")


@pytest.mark.parametrize("arguments, said", [
    ([], "--help"), (["sned"], "send"), (["frobnicate"], "frobnicate"),
    (["sign", "--colour"], "colour"), (["send"], "--help"), (["show"], "--help"),
    (["show", "--jsno", "x"], "json")])
def test_wrong_usage_is_2_and_says_what_would_be_right(arguments, said):
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_sign_prints_the_header_of_a_file_or_stdin(tmp_path):
    body = event("c-1") + b"\n"
    expected = f"X-Genesys-Signature: {sign(body)}\n"
    assert run("sign", write(tmp_path / "e.json", body)).stdout == expected
    assert run("sign", stdin=body).stdout == expected
    assert run("sign", "-", stdin=body).stdout == expected


def test_sign_knows_the_other_schemes():
    body = event("c-1")
    done = run("sign", "--header", "X-Hub-Signature-256", "--encoding", "base64", "--prefix",
               "sha256=", stdin=body)
    assert done.stdout == f"X-Hub-Signature-256: sha256={wire.sign_base64(body)}\n"


def test_sign_takes_the_secret_from_a_file(tmp_path):
    path = write(tmp_path / "secret", b"from-a-file-0123456789\n")
    path.chmod(0o600)
    done = run("sign", "--secret-file", path, stdin=b"{}", secret=None)
    assert sign(b"{}", "from-a-file-0123456789") in done.stdout


def test_sign_without_a_secret_fails():
    done = run("sign", stdin=b"{}", secret=None)
    assert (done.returncode, done.stdout) == (1, "")
    assert "GENESYS_WEBHOOK_SECRET" in done.stderr and "--secret-file" in done.stderr


def test_the_help_s_own_example_works_with_curl(daemon, tmp_path):
    body = write(tmp_path / "e.json", event("c-1"))
    header = run("sign", body).stdout.strip()
    done = subprocess.run(["curl", "-s", "-H", header, "--data-binary", f"@{body}", url(daemon)],
                          capture_output=True, check=True)
    assert json.loads(done.stdout) == {"success": True, "eventId": "c-1"}


def shown(*arguments, **options):
    done = run("show", "--json", *arguments, **options)
    assert done.returncode == 0, done.stderr
    return {record["conversationId"]: record
            for record in map(json.loads, done.stdout.splitlines())}


def fill(daemon):
    """A conversation's life out of order, and another one."""
    bodies = [event("c-1", "conversation:ended", timestamp="2026-11-23T12:09:00Z"),
              event("c-1", "conversation:updated", type=None, state="held",
                    timestamp="2026-11-23T12:05:00Z"),
              event("c-1", timestamp="2026-11-23T12:00:00Z", external_contact={"id": "k-7"}),
              event("c-2", timestamp="2026-11-23T12:01:00Z")]
    for body in bodies:
        assert daemon.post(body).status == 200
    return bodies


def test_health_says_nothing_where_all_is_well(daemon):
    for path in ("/healthz", "/readyz"):
        done = run("health", url(daemon, path), secret=None)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_health_of_what_is_not_answered_2xx_says_the_status(daemon):
    for path, status in (("/nowhere", 404), ("/webhook", 405)):
        done = run("health", url(daemon, path))
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"genesys-webhook: {url(daemon, path)}: answered {status}\n"


def test_health_of_nobody_fails_in_one_line():
    done = run("health", f"http://127.0.0.1:{free_port('127.0.0.1')}/readyz")
    assert done.returncode == 1
    assert "no answer" in done.stderr and len(done.stderr.splitlines()) == 1


def test_health_waits_no_longer_than_it_was_told():
    with wire.socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        done = run("health", "--timeout", "0.2", f"http://127.0.0.1:{port}/")
    assert done.returncode == 1 and "no answer" in done.stderr


@pytest.mark.parametrize("target", ["nonsense://x", "http://", "file:///etc/passwd"])
def test_health_of_no_url_is_an_error(target):
    done = run("health", target)
    assert done.returncode == 1 and f"{target}: no answer" in done.stderr


def test_health_asks_no_proxy(daemon):
    nobody = f"http://127.0.0.1:{free_port('127.0.0.1')}"
    environment = clean_environment(http_proxy=nobody, all_proxy=nobody)
    subprocess.run([str(COMPANION), "health", url(daemon, "/readyz")], env=environment, check=True)


@pytest.mark.parametrize("answer, status", [(b"HTTP/1.0 204 No Content\r\n\r\n", 0),
                                            (b"HTTP/1.0 503 Busy\r\n\r\n", 1)])
def test_health_asks_through_a_unix_socket(tmp_path, answer, status):
    def take(request, *_):
        assert request.recv(9999).startswith(b"GET /readyz ")
        request.sendall(answer)

    with socketserver.UnixStreamServer(str(tmp_path / "socket"), take) as server:
        server.timeout = BOUND
        answering = threading.Thread(target=server.handle_request)
        answering.start()
        done = run("health", "--unix-socket", server.server_address, "http://localhost/readyz")
        answering.join()
    assert done.returncode == status, done.stderr


def test_show_folds_the_lines_to_records(daemon):
    bodies = fill(daemon)
    records = shown(daemon.events)
    assert sorted(records) == ["c-1", "c-2"]
    first = records["c-1"]
    assert (first["status"], first["timestamp"]) == ("ended", "2026-11-23T12:09:00Z")
    assert first["rawPayload"] == bodies[0].decode()
    assert first["eventOrder"] == first["snapshotOrder"]
    assert records["c-2"]["status"] == "active"


def test_show_folds_rotated_and_compressed_files_in_any_order(daemon, tmp_path):
    fill(daemon)
    whole = daemon.events.read_bytes().splitlines(keepends=True)
    packed = tmp_path / "events.jsonl.2.gz"
    packed.write_bytes(gzip.compress(b"".join(whole[:1])))
    rotated = write(tmp_path / "events.jsonl.1", b"".join(whole[1:3]))
    newest = write(tmp_path / "events.jsonl", whole[3])
    expected = shown(daemon.events)
    for order in ((packed, rotated, newest), (newest, rotated, packed)):
        assert shown(*order) == expected


def test_show_prints_a_table(daemon):
    fill(daemon)
    done = run("show", daemon.events)
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and done.stderr == "" and len(lines) == 3
    assert "conversationId" in lines[0] and "status" in lines[0]
    [row] = [line for line in lines if line.startswith("c-1")]
    assert "ended" in row and "held" not in row


def test_show_of_one_conversation(daemon):
    fill(daemon)
    assert list(shown("--id", "c-2", daemon.events)) == ["c-2"]
    done = run("show", "--id", "c-9", daemon.events)
    assert (done.returncode, done.stdout) == (1, "") and "c-9" in done.stderr


def test_show_skips_and_counts_what_is_no_line(daemon, tmp_path):
    fill(daemon)
    whole = daemon.events.read_bytes()
    broken = write(tmp_path / "broken", b"\0" * 512 + b"\n" + whole + b"nonsense\n" + b'{"torn')
    done = run("show", "--json", broken)
    assert done.returncode == 0 and "2 lines skipped" in done.stderr
    assert len(done.stdout.splitlines()) == 2


def test_show_tells_of_files_moved_aside_that_were_not_named(daemon, tmp_path):
    fill(daemon)
    first, *others = daemon.events.read_bytes().splitlines(keepends=True)
    newest = write(tmp_path / "[a] b*.jsonl", b"".join(others))
    write(tmp_path / "[a] b_.jsonl.failed-1", first)  # another file's
    assert run("show", newest).stderr == ""
    aside = [write(tmp_path / f"{newest.name}.failed-20261123T120000.{number}Z", first)
             for number in range(2)]
    done = run("show", newest)
    assert done.returncode == 0 and len(done.stderr.splitlines()) == 1
    assert "2 files" in done.stderr and f"show {newest} {newest}.failed-*" in done.stderr
    assert "1 file " in run("show", newest, aside[1]).stderr
    done = run("show", "--json", newest, *aside)
    assert done.stderr == "" and shown(newest, *aside) == shown(daemon.events)


def test_show_finds_what_was_moved_aside_beside_the_file_that_a_link_leads_to(daemon, tmp_path):
    fill(daemon)
    aside = write(daemon.folder / "events.jsonl.failed-1", b"")
    link = tmp_path / "link"
    link.symlink_to(daemon.events)
    assert f"show {link} {daemon.events}.failed-*" in run("show", link).stderr
    assert run("show", link, os.path.relpath(aside)).stderr == ""


def test_show_of_no_file_is_an_error_that_hides_no_other(daemon, tmp_path):
    fill(daemon)
    done = run("show", "--json", tmp_path / "none", daemon.events)
    assert done.returncode == 1 and "none" in done.stderr
    assert len(done.stdout.splitlines()) == 2


def test_show_reads_while_the_file_grows(daemon):
    with Load(daemon.address) as load:
        seen = 0
        for _ in range(5):
            load.wait_acked(50)
            at_least = len(load.acked)
            records = shown(daemon.events)
            assert at_least <= len(records) and seen <= len(records)
            seen = len(records)
        load.stop()
    assert len(shown(daemon.events)) == len(load.acked)


def test_a_full_output_is_an_error(daemon):
    fill(daemon)
    with open("/dev/full", "wb") as full:
        done = subprocess.run([str(COMPANION), "show", str(daemon.events)], stdout=full,
                              stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1 and done.stderr
