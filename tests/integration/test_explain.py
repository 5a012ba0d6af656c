# SPDX-License-Identifier: Apache-2.0
"""explain says beforehand what the daemon answers, and of a wrong signature what would be right."""

import base64

import pytest

import wire
from companion import run, write
from harness import free_port, write_ini
from wire import chunked, event, head, post, sign

SECOND = "second-secret-0123456789"
CREATED = event("c-1")


def explain(request, *arguments, **options):
    done = run("explain", *arguments, stdin=request, **options)
    assert done.stderr == "", done.stderr
    done.steps = [line.split(None, 1) for line in done.stdout.splitlines()]
    done.answer = done.steps[-1][1].split()
    assert done.answer[0] == "answer"
    assert (done.returncode == 0) == (done.answer[1] == "200")
    return done


def tries(done):
    """What it advises, as {what: text}."""
    return dict(rest.split(None, 1) for verdict, rest in done.steps if verdict == "try")


REQUESTS = {
    "stored": post(CREATED),
    "chunked": chunked(CREATED, [3, 70]),
    "on many lines": post(CREATED.replace(b",", b",\r\n")),
    "skipped": post(event("c-2", "conversation:transferred")),
    "no object": post(b"[1]"),
    "a number as id": post(b'{"conversation_id": 7}'),
    "null": post(b"null"),
    "unfit": post(event("c-1", type=None)),
    "not JSON": post(b'{"a":\x01}'),
    "empty": post(b""),
    "invalid UTF-8": post(b'{"a":"\xff\x1b[2J"}'),
    "no signature": post(CREATED, signature=False),
    "forged": post(CREATED, signature="0" * 64),
    "malformed": post(CREATED, signature="sha256=" + sign(CREATED)),
    "two signatures": post(CREATED, headers=[("x-genesys-signature", sign(CREATED))]),
    "blanks around": post(CREATED, signature="  " + sign(CREATED).upper() + " \t"),
    "another path": post(CREATED, target="/other"),
    "a query": post(CREATED, target="/webhook?a=/b"),
    "absolute form": post(CREATED, target="http://localhost/webhook"),
    "another method": post(CREATED).replace(b"POST", b"PUT", 1),
    "too long": post(CREATED + b" " * 4096),
    "too long in chunks": chunked(CREATED + b" " * 4096, [1000]),
    "too long in chunks, and forged": chunked(CREATED + b" " * 4096, [1000], secret=SECOND),
    "too long in chunks, to another path": chunked(CREATED + b" " * 4096, [1000]).replace(
        b"/webhook", b"/other", 1),
    "announced too long, to another path": post(CREATED + b" " * 4096, target="/other"),
    "two lengths": post(CREATED, headers=[("Content-Length", len(CREATED))]),
    "a bad name": post(CREATED, headers=[("A b", "c")]),
    "no host": post(CREATED).replace(b"Host: localhost\r\n", b"", 1),
}


def test_it_says_what_the_daemon_answers(spawn):
    daemon = spawn({"server.max_body": "4KiB"}).start()
    for name, request in REQUESTS.items():
        answered = daemon.ask(request)
        done = explain(request, "--config", daemon.ini)
        assert int(done.answer[1]) == answered.status, f"{name}: {done.stdout}"
        said = " ".join(done.answer[2:])
        assert answered.body.decode() in said, f"{name}: {done.stdout}"


def test_it_names_the_write_that_the_daemon_makes(daemon):
    assert daemon.post(CREATED).status == 200
    [line] = daemon.records()
    done = explain(post(CREATED), "--config", daemon.ini)
    assert f"put of c-1, order {line['eventOrder']}" in done.stdout


@pytest.mark.parametrize("settings, request_, advice", [
    ({}, post(CREATED, signature=wire.sign_base64(CREATED)), {"encoding": "encoding = base64"}),
    ({}, post(CREATED, signature="sha256=" + sign(CREATED)), {"prefix": "prefix = sha256="}),
    ({"encoding": "base64"}, post(CREATED), {"encoding": "encoding = hex"}),
    ({"header": "X-Hub-Signature-256"}, post(CREATED), {"header": "header = X-Genesys-Signature"}),
    ({}, post(CREATED + b"\n", signature=sign(CREATED)), {"body": "without the line break"}),
    ({}, post(CREATED, signature=sign(CREATED + b"\n")), {"body": "one more line break (LF)"}),
    ({}, post(CREATED.replace(b",", b",\n"), signature=sign(CREATED.replace(b",", b",\r\n"))),
     {"body": "CR LF as its line breaks, and came with LF"}),
], ids=["base64", "prefix", "hex", "header", "line-break-more", "line-break-less", "lf"])
def test_its_advice_is_what_would_mend_it(tmp_path, settings, request_, advice):
    ini = tmp_path / "f.ini"
    write_ini(ini, {f"signature.{key}": value for key, value in settings.items()})
    done = explain(request_, "--config", ini)
    assert done.returncode == 1
    given = tries(done)
    assert given.keys() == advice.keys()
    for what, text in advice.items():
        assert text in given[what]
    mended = [line.split("] ")[1] for line in given.values() if line.startswith("[signature]")]
    if mended:
        settings = {**settings, **dict(line.split(" = ", 1) for line in mended)}
        write_ini(ini, {f"signature.{key}": value for key, value in settings.items()})
        assert explain(request_, "--config", ini).returncode == 0


def test_base64url_is_recognised_though_the_daemon_cannot_read_it():
    body = next(body for body in (b'{"n":%d}' % n for n in range(99))
                if {"+", "/"} <= set(wire.sign_base64(body)))
    value = base64.urlsafe_b64encode(wire.digest(body)).decode().rstrip("=")
    assert "base64url without its =" in tries(explain(post(body, signature=value)))["encoding"]


@pytest.mark.parametrize("content, advice", [
    (b"%s\n", None), (b"%s\r\n", None), (b" %s\n", "white space"), (b"%s\n\n", "white space"),
    (b'"%s"\n', "in quotes"), (b"SECRET='%s'\n", "behind a name"), (b"\xef\xbb\xbf%s", "mark")])
def test_what_is_around_the_secret_in_its_file_is_told(tmp_path, content, advice):
    path = write(tmp_path / "secret", content % wire.SECRET.encode())
    path.chmod(0o600)
    done = explain(post(CREATED), "--secret-file", path, secret=None)
    assert done.returncode == (1 if advice else 0)
    assert advice is None or advice in tries(done)["secret"]


def test_of_several_secrets_it_names_the_one_by_its_number_alone(tmp_path):
    files = [write(tmp_path / "new", b"new-secret-0123456789\n"),
             write(tmp_path / "old", wire.SECRET.encode())]
    for path in files:
        path.chmod(0o600)
    ini = tmp_path / "f.ini"
    write_ini(ini, {"signature.secret_file": files})
    done = explain(post(CREATED), "--config", ini, secret=None)
    assert "made with secret 2 of 2" in done.stdout
    assert wire.SECRET not in done.stdout
    only_new = explain(post(CREATED), "--config", ini, "--secret-file", files[0], secret=None)
    assert only_new.returncode == 1


def test_neither_the_secret_nor_the_right_signature_is_printed():
    for name, request in REQUESTS.items():
        stated = sign(CREATED) if name in ("malformed",) else "-"
        for secret in (wire.SECRET, f'"{wire.SECRET}"', SECOND):
            shown = run("explain", stdin=request, secret=secret).stdout
            assert secret not in shown and wire.SECRET not in shown, name
            for body in (CREATED, b"null", b"[1]"):
                right = sign(body, secret)
                assert right == stated or right not in shown, name


def test_control_characters_of_a_request_do_not_reach_the_terminal():
    request = post(b'{"event_type":"\\u001b","x":"\x1b[2J"}', headers=[("X-\x1b", "0" * 64)])
    for data in (request, request.replace(b"\\u001b", b"\xc2\x9b"), post(b'{"a":"\x1b[2J\x07"}')):
        done = run("explain", stdin=data)
        assert "\x1b" not in done.stdout + done.stderr
        assert "\x07" not in done.stdout and "\x9b" not in done.stdout


def test_a_body_alone_goes_with_its_signature(tmp_path):
    path = write(tmp_path / "body.json", CREATED)
    done = run("explain", "--signature", sign(CREATED), path)
    assert done.returncode == 0 and "put of c-1" in done.stdout and "path" not in done.stdout
    done = run("explain", "--signature", f"sha256={sign(CREATED)}", "--prefix", "sha256=", path)
    assert done.returncode == 0
    done = run("explain", "--signature", wire.sign_base64(CREATED), "--encoding", "base64", path)
    assert done.returncode == 0


def test_a_request_that_was_not_saved_whole_is_told():
    done = explain(post(CREATED)[:-5])
    assert "5 bytes" in done.stdout and "not saved whole" in done.stdout and not tries(done)
    done = explain(post(CREATED) + b"\n")
    assert done.returncode == 0 and "1 bytes stand behind" in done.stdout
    lines = head("POST", wire.PATH, [("X-Genesys-Signature", sign(CREATED))])
    assert explain(lines.replace(b"\r\n", b"\n") + CREATED).returncode == 0


@pytest.mark.parametrize("data", [b"", CREATED, b"POST / HTTP/1.1\r\n", b"\0" * 100,
                                  b"POST / HTTP/1.1\r\n" + b"A: b\r\n" * 101 + b"\r\n"],
                         ids=["empty", "body", "head", "zeros", "headers"])
def test_what_is_no_request_is_an_error(data):
    done = run("explain", stdin=data)
    assert (done.returncode, done.stdout) == (1, "")
    assert "standard input is no saved request" in done.stderr


@pytest.mark.parametrize("arguments, status, said", [
    (["--header", "a b"], 2, "--header"), (["--prefix", "\x01"], 2, "--prefix"),
    (["--encoding", "base32"], 2, "hex or base64"), (["--config", "/nonexistent"], 1, "nonexist"),
    (["/nonexistent"], 1, "/nonexistent"), (["a", "b"], 2, "too many")])
def test_wrong_usage_says_what_would_be_right(arguments, status, said):
    done = run("explain", *arguments, stdin=post(CREATED))
    assert (done.returncode, done.stdout) == (status, "")
    assert said in done.stderr


def test_every_error_of_the_configuration_and_of_the_secrets_is_told(tmp_path):
    ini = tmp_path / "f.ini"
    write_ini(ini, {"server.listen": f"127.0.0.1:{free_port('127.0.0.1')}",
                    "signature.secret_file": [tmp_path / "none", tmp_path / "nor-this"]})
    done = run("explain", "--config", ini, stdin=post(CREATED), secret=None)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 2
    assert "no secret" in run("explain", stdin=post(CREATED), secret=None).stderr
