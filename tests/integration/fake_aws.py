# SPDX-License-Identifier: Apache-2.0
"""IMDS, a container's agent and STS in one server on loopback: who gives out credentials.

Each answer carries new keys, so that a test sees what was fetched anew. What a test orders for a
path comes first, then what AWS would say. Requests are read strictly and kept.

As a program it is what a test cannot have in its own network: in a new one it takes the addresses
where AWS's services listen, serves there, runs the command that follows, and ends with its status.
"""

import collections
import dataclasses
import datetime
import html
import itertools
import json
import socket
import socketserver
import subprocess
import sys
import threading
import time
import urllib.parse

import sigv4
from aws_http import Malformed, read_request
from harness import address_text

REGION = "eu-central-1"
ROLE_ARN = "arn:aws:iam::123456789012:role/writer"
# What must be in no message begins so.
HUSH = "hush"
ROLE_PROFILE = f"""
[profile writer]
role_arn = {ROLE_ARN}
source_profile = base
external_id = e/x+1
duration_seconds = 1800
role_session_name = me
region = {REGION}

[profile base]
aws_access_key_id = AKIABASE
aws_secret_access_key = {HUSH}/Base+Secret
"""

IMDS_TOKEN = "/latest/api/token"
IMDS_ROLE = "/latest/meta-data/iam/security-credentials/"
AGENT = "/v2/credentials/task"
STS = "/"
NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"

WELL_KNOWN = ("169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254",
              "fd00:ec2::23")


@dataclasses.dataclass
class Answer:
    status: int
    body: bytes = b""
    headers: dict[str, str] = dataclasses.field(default_factory=dict)

    def to_bytes(self):
        headers = {"Content-Length": len(self.body), "Connection": "close", **self.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 {self.status} Told\r\n{lines}\r\n".encode() + self.body


HANG = object()  # no answer until the server ends
CUT = object()  # the connection is closed instead


def as_json(status=200, **members):
    return Answer(status, json.dumps(members).encode(), {"Content-Type": "application/json"})


def as_xml(root, body, status=200):
    text = f'<{root} xmlns="{NAMESPACE}">\n  {body}\n</{root}>\n'
    return Answer(status, text.encode(), {"Content-Type": "text/xml"})


def sts_error(code, message="as the test ordered", status=400):
    return as_xml("ErrorResponse", f"<Error><Type>Sender</Type><Code>{code}</Code>"
                  f"<Message>{html.escape(message)}</Message></Error>", status)


@dataclasses.dataclass(frozen=True)
class Keys:
    id: str
    secret: str
    token: str
    expiration: str


class FakeAws:
    """Knobs: life_s of what is given out, and grace_s for which it is taken beyond that;
    authorization that the agent wants (None: none is wanted); web_tokens that STS takes; keys that
    it knows ({access key id: sigv4.Key})."""

    def __init__(self, host="127.0.0.1", port=0, tls=None):
        self.life_s = 6 * 3600
        self.grace_s = 0
        self.role = "writer"
        self.imds_token = f"{HUSH}ImdsToken=="
        self.authorization = None
        self.web_tokens = set()
        self.keys = {}
        self.given = []  # Keys
        self.requests = []
        self.problems = []
        self.orders = collections.defaultdict(collections.deque)
        self.stopped = threading.Event()
        self.numbers = itertools.count(1)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        server = type("Server", (socketserver.ThreadingTCPServer,), {
            "address_family": family, "allow_reuse_address": True, "daemon_threads": True})
        self.server = server((host, port), self.handler())
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True,
                                                 do_handshake_on_connect=False)
        self.url = f"{'https' if tls else 'http'}://" + \
            address_text(host, self.server.server_address[1])
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def stop(self):
        self.stopped.set()
        self.server.shutdown()
        self.server.server_close()
        assert not self.problems, self.problems

    def order(self, path, *answers):
        """These come first for the path, one a request."""
        self.orders[path].extend(answers)

    def asked(self, path=None):
        return [request for request in self.requests if path in (None, request.target)]

    def forms(self):
        """Of the requests to STS."""
        return [dict(urllib.parse.parse_qsl(request.body.decode(), strict_parsing=True))
                for request in self.asked(STS)]

    # --- a connection

    def handler(fake):  # pylint: disable=no-self-argument
        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                try:
                    request = read_request(self.rfile)
                    answer = fake.answer(request) if request else CUT
                    if answer is HANG:
                        fake.stopped.wait()
                    elif answer is not CUT:
                        self.wfile.write(answer.to_bytes())
                except Malformed as error:
                    fake.problems.append(repr(error))
                except OSError:  # the client went away, or wants no TLS of ours
                    pass

        return Handler

    def answer(self, request):
        self.requests.append(request)
        ordered = self.orders[request.target]
        if ordered:
            return ordered.popleft()
        routes = {("PUT", IMDS_TOKEN): self.give_imds_token,
                  ("GET", IMDS_ROLE): self.give_role,
                  ("GET", IMDS_ROLE + self.role): self.give_imds,
                  ("GET", AGENT): self.give_container,
                  ("POST", STS): self.give_sts}
        route = routes.get((request.method, request.target))
        return route(request) if route else Answer(404)

    # --- what AWS would say

    def make_keys(self):
        number = next(self.numbers)
        at = datetime.datetime.fromtimestamp(int(time.time()) + self.life_s, datetime.timezone.utc)
        keys = Keys(f"ASIAFAKE{number:08}", f"{HUSH}Secret/{number}", f"{HUSH}Token/{number}==",
                    at.strftime("%Y-%m-%dT%H:%M:%SZ"))
        self.given.append(keys)
        self.keys[keys.id] = sigv4.Key(keys.secret, keys.token, at.timestamp() + self.grace_s)
        return keys

    def give_imds_token(self, request):
        life = request.header("x-aws-ec2-metadata-token-ttl-seconds")
        return Answer(200, self.imds_token.encode()) if life == "21600" else Answer(400)

    def is_imds_token(self, request):
        return request.header("x-aws-ec2-metadata-token") == self.imds_token

    def give_role(self, request):
        return Answer(200, self.role.encode()) if self.is_imds_token(request) else Answer(401)

    def give_json(self, **members):
        keys = self.make_keys()
        return as_json(AccessKeyId=keys.id, SecretAccessKey=keys.secret, Token=keys.token,
                       Expiration=keys.expiration, **members)

    def give_imds(self, request):
        if not self.is_imds_token(request):
            return Answer(401)
        return self.give_json(Code="Success", Type="AWS-HMAC", LastUpdated="2026-11-23T12:00:00Z")

    def give_container(self, request):
        if request.header("authorization") != self.authorization:
            return Answer(401)
        return self.give_json(RoleArn=ROLE_ARN)

    def give_sts(self, request):
        form = dict(urllib.parse.parse_qsl(request.body.decode(), strict_parsing=True))
        content_type = request.header("content-type")
        if form.get("Version") != "2011-06-15" or \
                content_type != "application/x-www-form-urlencoded":
            return sts_error("InvalidAction")
        actions = {"AssumeRole": self.judge_signature,
                   "AssumeRoleWithWebIdentity": self.judge_web_token}
        return actions[form["Action"]](request, form) or self.give_xml(form["Action"])

    def judge_signature(self, request, _form):
        try:
            sigv4.verify(request, self.keys, REGION, "sts", time.time())
        except sigv4.Refused as refused:
            return sts_error("SignatureDoesNotMatch", str(refused), 403)
        return None

    def judge_web_token(self, request, form):
        if request.header("authorization") is not None:
            return sts_error("InvalidAction", "signed")
        if form.get("WebIdentityToken") not in self.web_tokens:
            return sts_error("InvalidIdentityToken")
        return None

    def give_xml(self, action):
        keys = self.make_keys()
        return as_xml(f"{action}Response", f"<{action}Result><Credentials>"
                      f"<AccessKeyId>{keys.id}</AccessKeyId>"
                      f"<SecretAccessKey>{keys.secret}</SecretAccessKey>"
                      f"<SessionToken>{keys.token}</SessionToken>"
                      f"<Expiration>{keys.expiration}</Expiration></Credentials></{action}Result>"
                      "<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>")


# --- the environment of who asks it

def imds(aws, **environment):
    return {"AWS_EC2_METADATA_SERVICE_ENDPOINT": aws.url, **environment}


def container(aws, **environment):
    return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": aws.url + AGENT, **environment}


def web_identity(aws, path, **environment):
    """Through a proxy, as it must be able to: but for this server. The token lies at the path."""
    return {"AWS_WEB_IDENTITY_TOKEN_FILE": str(path), "AWS_ROLE_ARN": ROLE_ARN,
            "AWS_REGION": REGION, "AWS_ENDPOINT_URL_STS": aws.url, "no_proxy": "127.0.0.1",
            **environment}


def by_profile(aws, folder, text):
    """The text is that of the file of profiles, of which "writer" is taken."""
    path = folder / "config"
    path.write_text(text)
    return {"AWS_CONFIG_FILE": str(path), "AWS_PROFILE": "writer", "AWS_ENDPOINT_URL_STS": aws.url,
            "no_proxy": "127.0.0.1"}


# --- as a program

def take_addresses():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for address in WELL_KNOWN:
        family = ["-6"] if ":" in address else []
        nodad = ["nodad"] if ":" in address else []
        subprocess.run(["ip", *family, "address", "add", address, "dev", "lo", *nodad], check=True)


def main(command):
    take_addresses()
    servers = [FakeAws(address, 80) for address in WELL_KNOWN]
    status = subprocess.run(command, check=False).returncode
    for server in servers:
        for request in server.asked():
            print("asked", server.url, request.method, request.target)
        server.stop()
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
