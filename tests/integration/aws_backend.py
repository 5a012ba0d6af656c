# SPDX-License-Identifier: Apache-2.0
"""What the fixture `table` yields: dynalite, the proxy before it, and what a daemon has to be told
to use them.

    def test_a_created_conversation_is_stored(spawn, table):
        daemon = spawn(table.settings, environment=table.environment).start()
        assert daemon.post(event("c-1")).status == 200
        assert table.get("c-1")["status"] == "active"
        assert table.proxy.operations() == {"PutItem": 1}
        daemon.stop().check()

    def test_a_reset_is_tried_again(spawn, table):
        daemon = spawn(table.settings, environment=table.environment).start()
        rule = table.proxy.play(aws_faults.reset_after, "PutItem")
        assert daemon.post(event("c-1")).status == 200
        assert rule.played == 1

The proxy stops checking what a test provokes by naming it: table.proxy.expected.add("clock").
"""

import contextlib
import threading
import time

import sigv4
from aws_proxy import Proxy
from dynamodb import REGION, TABLE
from fake_aws import HUSH
from harness import eventually
from wire import event

ANSWER_WITHIN_S = 10  # after which Genesys does not listen any more

# Secrets of AWS's are base64; nothing in the signing depends on it, and odd characters find those
# who think so.
KEYS = {
    "AKIDTEMPORARY": sigv4.Key("wJa/lr+XUtnFE=MI%2FK7\"M'DE\\NG:bPx;{}", "FwoGZX/Iv+YXdz==" * 40),
    "AKIDSTATIC": sigv4.Key("plain+static/secret==0123456789abcdefghi"),
    "AKIDLONG": sigv4.Key("long/token+secret0123456789abcdefghijklm", "LongToken/+=" * 1024),
    "AKIDNEXT": sigv4.Key("next/rotated+secret0123456789abcdefghijk", "AnotherToken/+="),
}
USED = "AKIDTEMPORARY"


def environment_of(access_key_id):
    """The variables of one of KEYS; and nothing of the machine's own reaches the daemon."""
    key = KEYS[access_key_id]
    token = {} if key.token is None else {"AWS_SESSION_TOKEN": key.token}
    return {"AWS_ACCESS_KEY_ID": access_key_id, "AWS_SECRET_ACCESS_KEY": key.secret, **token,
            "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true"}


def check_no_secret(text):
    """No log and no message holds a secret, a token, or an Authorization header."""
    assert HUSH not in text
    for key in KEYS.values():
        assert key.secret not in text
        assert key.token is None or key.token[:32] not in text
    assert "Signature=" not in text and "AWS4-HMAC" not in text


class Backend:
    """settings and environment are for the spawn fixture; get, put, update and records see and
    change the table past the daemon and the proxy."""

    def __init__(self, dynalite, tls=None, ca_file=None):
        self.proxy = Proxy(dynalite.address, KEYS, tls=tls)
        self.table = dynalite.table()
        self.environment = environment_of(USED)
        self.settings = {"storage.backend": "dynamodb", "dynamodb.endpoint": self.proxy.url,
                         "dynamodb.region": REGION, "dynamodb.table": TABLE}
        if ca_file is not None:
            self.settings["dynamodb.ca_file"] = ca_file
        self.get = self.table.get
        self.put = self.table.put
        self.update = self.table.update
        self.records = self.table.records

    def __enter__(self):
        self.table.delete()
        self.table.create()
        self.proxy.__enter__()
        return self

    def __exit__(self, *_):
        self.proxy.__exit__()
        self.table.close()

    def use(self, access_key_id):
        """Which of KEYS daemons are given from now on."""
        self.environment = environment_of(access_key_id)

    def wait_requests(self, count, operation=None):
        """Until the proxy has seen so many."""
        eventually(lambda: self.proxy.count(operation) >= count,
                   f"{count} requests ({operation or 'any'}) at the backend")


@contextlib.contextmanager
def posting(daemon, count, **members):
    """Posts events at once; their answers are all there at the end."""
    answers = []
    bodies = [event(f"c-{number}", **members) for number in range(count)]
    threads = [threading.Thread(target=lambda body=body: answers.append(daemon.post(body)))
               for body in bodies]
    for thread in threads:
        thread.start()
    yield answers
    for thread in threads:
        thread.join()


def timed_post(daemon, body):
    began = time.monotonic()
    status = daemon.post(body).status
    assert time.monotonic() - began < ANSWER_WITHIN_S
    return status


def updated(conversation_id, state="connected", timestamp="2026-11-23T12:00:01.000Z", **members):
    return event(conversation_id, "conversation:updated", type=None, state=state,
                 timestamp=timestamp, **members)
