# SPDX-License-Identifier: Apache-2.0
"""docs/moving-from-the-lambda.md, its commands as they stand there: two tables side by side, the
comparison, the cut, and the way back."""

import hashlib
import hmac
import http.server
import json
import re
import shutil
import subprocess
import textwrap
import threading

import pytest

from dynamodb import KEY, REGION, TABLE
from harness import COMPANION, SOURCE, clean_environment
from wire import SECRET, event

AWS = shutil.which("aws", path="/usr/bin:/usr/local/bin")
PAGE = (SOURCE / "docs/moving-from-the-lambda.md").read_text()
BLOCK = re.compile(r"<!-- tested: ([\w ]+) -->\n\n((?: {4}.*\n|\n)+)")
COMMANDS = {name: textwrap.dedent(block) for name, block in BLOCK.findall(PAGE)}
NEXT = TABLE + "Next"
FUNCTION_SECRET = "the-functions-own-secret-0123456789"

pytestmark = pytest.mark.skipif(not AWS or not shutil.which("jq"),
                                reason="awscli or jq is not installed")


class Function(http.server.ThreadingHTTPServer):
    """The Lambda function, as far as its table can tell: the last that comes overwrites."""

    def __init__(self, table):
        super().__init__(("127.0.0.1", 0), Handler)
        self.table = table
        self.url = "http://{}:{}/".format(*self.server_address)

    def handle_event(self, body):
        sent = json.loads(body)
        status = {"conversation:created": "active", "conversation:ended": "ended"}.get(
            sent["event_type"])
        record = {**self.table.get(sent["conversation_id"]), "timestamp": sent["timestamp"]} \
            if status is None else {
                KEY: sent["conversation_id"], "type": sent["type"], "timestamp": sent["timestamp"],
                "externalContactId": "unknown", "rawPayload": json.dumps(sent)}
        self.table.put({**record, "status": status or sent["state"]})


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        right = hmac.new(FUNCTION_SECRET.encode(), body, hashlib.sha256).hexdigest()
        if self.headers["X-Genesys-Signature"] == right:
            self.server.handle_event(body)
        self.send_response(200 if self.headers["X-Genesys-Signature"] == right else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Reader:
    """Who follows the page: its paths, its port and its AWS are this test's."""

    def __init__(self, folder, daemon, dynalite, function):
        self.folder = folder
        tools = folder / "bin"
        tools.mkdir()
        self.tool(tools / "genesys-webhook", f'exec {COMPANION} "$@"')
        self.tool(tools / "sudo", 'exec "$@"')
        self.tool(tools / "aws", 'exec {} --endpoint-url http://{}:{} "$@"'.format(
            AWS, *dynalite.address))
        secret, functions = folder / "webhook.secret", folder / "function.secret"
        secret.write_text(SECRET + "\n")
        functions.write_text(FUNCTION_SECRET + "\n")
        for path in secret, functions:
            path.chmod(0o600)
        self.replacements = {
            "/etc/genesys-webhookd/genesys-webhookd.ini": str(daemon.ini),
            "/etc/credstore/genesys-webhookd.secret": str(secret),
            "function.secret": str(functions),
            "http://127.0.0.1:8080": "http://{}:{}".format(*daemon.address)}
        self.environment = {**clean_environment(**AWS_ENVIRONMENT), "FUNCTION_URL": function.url, "SINCE": at(20),
                            "PATH": f"{tools}:/usr/bin:/bin"}

    @staticmethod
    def tool(path, line):
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)

    def follow(self, name, status=0):
        """Runs a block of the page and returns the lines that it printed."""
        command = COMMANDS[name]
        for old, new in self.replacements.items():
            command = command.replace(old, new)
        done = subprocess.run(["bash", "-e", "-o", "pipefail", "-c", command], cwd=SOURCE,
                              env=self.environment, text=True, check=False, timeout=120,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert done.returncode == status, f"{name}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout.splitlines()


AWS_ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "AKIDTESTS", "AWS_SECRET_ACCESS_KEY": "tests",
                   "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, "AWS_PAGER": "",
                   "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
                   "AWS_EC2_METADATA_DISABLED": "true"}


@pytest.fixture
def tables(dynalite):
    """The function's, and the daemon's, which the page makes."""
    old, new = dynalite.table(TABLE), dynalite.table(NEXT)
    for one in old, new:
        one.delete()
    yield old.create(), new
    for one in old, new:
        one.close()


@pytest.fixture
def function(tables):
    with Function(tables[0]) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def daemon(spawn, dynalite):
    settings = {"storage.backend": "dynamodb", "dynamodb.region": REGION, "dynamodb.table": NEXT,
                "dynamodb.endpoint": "http://{}:{}".format(*dynalite.address)}
    return spawn(settings, environment=AWS_ENVIRONMENT)


@pytest.fixture
def reader(tmp_path, daemon, dynalite, function):
    return Reader(tmp_path, daemon, dynalite, function)


def at(minute):
    return f"2026-11-24T12:{minute:02}:00.000Z"


def created(name, minute):
    return event(name, timestamp=at(minute))


def updated(name, minute, state):
    return event(name, "conversation:updated", state=state, timestamp=at(minute), type=None)


def ended(name, minute):
    return event(name, "conversation:ended", timestamp=at(minute), note="the last\n of it")


def to_both(function, daemon, *bodies):
    for body in bodies:
        function.handle_event(body)
        to_daemon(daemon, body)


def to_daemon(daemon, *bodies):
    for body in bodies:
        assert daemon.post(body).status == 200


def restart_on(daemon, table):
    daemon.stop().check()
    daemon.configure(**{"dynamodb.table": table})
    daemon.start()


def test_the_page_has_the_blocks():
    assert list(COMMANDS) == ["create", "compare", "resend", "compare again", "back"]


def test_to_the_daemon_and_back(reader, daemon, function, tables):
    old, new = tables
    reader.follow("create")
    daemon.start()

    function.handle_event(created("before", 0))
    to_both(function, daemon, created("same", 1), updated("same", 2, "connected"),
            created("done", 1), ended("done", 3), updated("before", 4, "held"))
    assert reader.follow("compare") == ["# 3 the same, 0 differ, 0 only in OLD, 0 only in NEW"]

    function.handle_event(created("older", 0))
    to_both(function, daemon, created("late", 5))
    to_daemon(daemon, ended("late", 9), updated("late", 7, "held"))
    for body in ended("late", 9), updated("late", 7, "held"):
        function.handle_event(body)
    assert reader.follow("compare", status=1) == [
        'differs\t"late"\t"status"\t"held"\t"ended"',
        f'differs\t"late"\t"timestamp"\t"{at(7)}"\t"{at(9)}"',
        'only\tOLD\t"older"', "# 3 the same, 1 differ, 1 only in OLD, 0 only in NEW"]

    # The cut. The function is off: these come to the daemon's own table, then to the function's.
    to_daemon(daemon, created("between", 10), updated("between", 11, "held"),
              ended("same", 12), created("both", 13))
    restart_on(daemon, TABLE)
    to_daemon(daemon, ended("both", 14), created("after", 15))
    assert reader.follow("resend")[-1].split() == ["7", "200"]
    assert reader.follow("resend")[-1].split() == ["7", "200"], "again, to no effect"
    found = reader.follow("compare again", status=1)
    assert [line.split("\t")[1] for line in found if line.startswith("differs")] == \
        ['"both"'] * 3, "what came since is in the function's table alone"
    assert found[-1] == "# 5 the same, 1 differ, 2 only in OLD, 0 only in NEW"
    states = {name: record["status"] for name, record in old.records().items()}
    assert states == {"before": "held", "same": "ended", "done": "ended", "older": "active",
                      "late": "ended", "between": "held", "both": "ended", "after": "active"}
    untouched = old.records()["older"]
    assert "eventOrder" not in untouched

    # And back.
    restart_on(daemon, NEXT)
    to_daemon(daemon, ended("after", 20), created("new", 21))
    assert reader.follow("back")[-1].split() == ["2", "200"]
    found = reader.follow("compare again", status=1)
    assert [line.split("\t")[1] for line in found if line.startswith("differs")] == \
        ['"both"'] * 3
    assert found[-1] == "# 7 the same, 1 differ, 1 only in OLD, 0 only in NEW"
