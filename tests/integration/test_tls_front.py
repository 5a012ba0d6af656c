# SPDX-License-Identifier: Apache-2.0
"""nginx and Caddy in front, with the files of packaging/tls, in which nothing but names, ports and
certificates is other than shipped."""

import collections
import contextlib
import os
import shutil
import ssl
import subprocess
import threading

import pytest

import wire
from activation import activated, listener, use
from certificates import Authority
from harness import SOURCE, eventually, free_port
from load import Load, check_stored
from wire import event

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin")
CADDY = shutil.which("caddy")
NAME = "webhook.example.com"
PEER = "127.0.0.1"
# What Debian's nginx.conf is around such a file, as far as it matters here.
AROUND = """{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 2;
events {{ worker_connections 768; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/genesys-webhookd.conf;
}}
"""


def load_below_the_rate_limit(front):
    """At most 400 events a second."""
    return Load((PEER, front.port), connections=8, pause=0.02, reconnect=True, tls=front.tls)


def replaced(text, replacements):
    """Each must stand there, or the file is not what this test thinks."""
    for old, new in replacements.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


class Front:
    """A running front; .tls trusts its certificate."""

    def __init__(self, folder, daemon):
        self.folder = folder
        self.authority = Authority(folder)
        self.certificate, self.key = self.authority.issue_files()
        self.tls = ssl.create_default_context(cafile=self.authority.file)
        self.port, self.plain_port = free_port(PEER), free_port(PEER)
        self.daemon_port = daemon.port
        self.write()
        assert self.run("check") == "", "it has nothing to say about its configuration"
        with (folder / "front.log").open("w") as log:
            self.process = subprocess.Popen(self.command("run"), stdout=log, stderr=log,
                                            env={**os.environ, "HOME": str(folder)})
        eventually(self.listens, "it listens")

    def run(self, what):
        """Its own word on it."""
        done = subprocess.run(self.command(what), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False, timeout=60,
                              env={**os.environ, "HOME": str(self.folder)})
        assert done.returncode == 0, done.stdout
        return self.worth_saying(done.stdout)

    def listens(self):
        assert self.process.poll() is None, (self.folder / "front.log").read_text()
        try:
            self.client().close()
        except ConnectionRefusedError:
            return False
        return True

    def client(self, tls=None):
        return wire.Client((PEER, self.port), tls=tls or self.tls)

    def ask(self, data, kind="application/json"):
        with self.client() as client:
            client.send(data)
            return client.response(kind=kind)

    def post(self, body, **options):
        return self.ask(wire.post(body, **options))

    def end(self):
        self.process.terminate()
        self.process.wait(timeout=60)


class Nginx(Front):
    own_kind = "text/html"  # of answers that it makes itself

    def write(self):
        text = (SOURCE / "packaging/tls/nginx.conf").read_text()
        (self.folder / "genesys-webhookd.conf").write_text(replaced(text, {
            "listen 80;": f"listen {PEER}:{self.plain_port};", "listen [::]:80;": "",
            "listen 443 ssl;": f"listen {PEER}:{self.port} ssl;", "listen [::]:443 ssl;": "",
            f"/etc/letsencrypt/live/{NAME}/fullchain.pem": str(self.certificate),
            f"/etc/letsencrypt/live/{NAME}/privkey.pem": str(self.key),
            "/var/www/html": str(self.folder / "html"),
            "127.0.0.1:8080": f"127.0.0.1:{self.daemon_port}", NAME: "localhost"}))
        (self.folder / "nginx.conf").write_text(AROUND.format(
            folder=self.folder, user="user root;" if os.geteuid() == 0 else ""))

    def command(self, what):
        base = [NGINX, "-c", str(self.folder / "nginx.conf"), "-g", "daemon off;"]
        return base + {"check": ["-q", "-t"], "run": [], "reload": ["-s", "reload"]}[what]

    def worth_saying(self, text):
        # Its built-in path is tried before any configuration is read, and only root may write there.
        return "".join(line for line in text.splitlines(True) if "/var/log/nginx" not in line)

    def workers(self):
        """Their process ids."""
        return set(subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)],
                                  stdout=subprocess.PIPE, text=True, check=True).stdout.split())


class Caddy(Front):
    own_kind = None

    def write(self):
        self.admin_port = free_port(PEER)
        text = (SOURCE / "packaging/tls/Caddyfile").read_text()
        (self.folder / "Caddyfile").write_text(replaced(text, {
            "\tauto_https disable_redirects\n":
                f"\tauto_https disable_redirects\n\tadmin {PEER}:{self.admin_port}\n"
                f"\thttp_port {self.plain_port}\n\thttps_port {self.port}\n",
            f"\n{NAME} {{\n": f"\nhttps://localhost:{self.port} {{\n"
                              f"\ttls {self.certificate} {self.key}\n",
            "127.0.0.1:8080": f"127.0.0.1:{self.daemon_port}"}))

    def command(self, what):
        verb = {"check": "validate", "run": "run", "reload": "reload"}[what]
        return [CADDY, verb, "--adapter", "caddyfile", "--config", str(self.folder / "Caddyfile")]

    def worth_saying(self, text):
        usual = ('"level":"info"', "Valid configuration", "redirects are disabled",
                 "no OCSP server specified in certificate")
        return "".join(line for line in text.splitlines(True)
                       if not any(words in line for words in usual))


@pytest.fixture
def backend(spawn):
    """The daemon as docs/install.md configures it behind them."""
    return spawn({"server.trusted_proxies": "127.0.0.1"}).start()


@contextlib.contextmanager
def front_of(kind, backend, tmp_path):
    folder = tmp_path / "front"
    folder.mkdir()
    front = kind(folder, backend)
    try:
        yield front
    finally:
        front.end()
        print((folder / "front.log").read_text()[-4000:])


NEEDS_NGINX = pytest.mark.skipif(not NGINX, reason="nginx is not installed")
NEEDS_CADDY = pytest.mark.skipif(not CADDY, reason="caddy is not installed")


@pytest.fixture(params=[pytest.param(Nginx, marks=NEEDS_NGINX, id="nginx"),
                        pytest.param(Caddy, marks=NEEDS_CADDY, id="caddy")])
def front(request, backend, tmp_path):
    with front_of(request.param, backend, tmp_path) as made:
        yield made


@pytest.fixture
def nginx(backend, tmp_path):
    with front_of(Nginx, backend, tmp_path) as made:
        yield made


def test_the_daemons_answers_come_through(front, backend):
    with front.client() as client:
        assert client.post(event("c-1")).json() == {"success": True, "eventId": "c-1"}
        assert client.post(event("c-2"), signature="0" * 64).status == 401
        assert client.post(b"{", target="/webhook").status == 400
        assert client.post(event("c-2"), target="/elsewhere").status == 404
        assert client.get("/webhook").status == 405
        assert client.get("/readyz").status == 200
    backend.stop().check(lines=1)


AT_THE_LIMIT = event("c-1", padding="x" * (6 * 1024 * 1024 - len(event("c-1", padding=""))))
BODIES = [
    b' {"event_type" : "conversation:created",\t"conversation_id":"c-1", "type":"voice",'
    b' "timestamp":"2026-11-23T12:00:00Z", "more": "\\u0000 \xc3\xa9 \\/ %2F + &amp;" }  ',
    event("c-1", padding="x" * 200_000),
    AT_THE_LIMIT,
]


@pytest.mark.parametrize("send", [wire.post, lambda body: wire.chunked(body, [1, 1000, 70_000])],
                         ids=["length", "chunked"])
@pytest.mark.parametrize("body", BODIES, ids=["odd", "200 KB", "6 MiB"])
def test_a_body_comes_through_byte_for_byte(front, backend, body, send):
    assert front.ask(send(body)).status == 200
    backend.stop()
    stored = backend.events.read_bytes()
    assert stored.endswith(b'"payload":' + body + b"}\n"), stored[:300]


def test_a_body_over_the_limit_is_answered_413(front):
    with front.client() as client:
        with contextlib.suppress(OSError):
            client.send(wire.post(AT_THE_LIMIT + b" "))
        assert client.response(kind=front.own_kind).status == 413


def test_the_peer_is_the_client_whatever_it_claims(front, backend):
    claims = [("X-Forwarded-For", "192.0.2.7"), ("Forwarded", "for=192.0.2.8"),
              ("X-Real-IP", "192.0.2.9")]
    since = backend.log_length()
    assert front.post(event("c-1"), signature="0" * 64, headers=claims).status == 401
    assert backend.wait_log('"request refused"', since=since)["peer"] == PEER


def test_connections_to_the_daemon_are_kept(front, backend):
    for _ in range(20):
        with front.client() as client:
            assert client.post(event("c-1")).status == 200
            assert client.post(event("c-2")).status == 200
    assert backend.stop()["connections"] <= 5, "20 from the clients and a probe or two"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_older_tls_is_refused(front):
    with pytest.raises(ssl.SSLError):
        old = ssl.create_default_context(cafile=front.authority.file)
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
        front.client(old)


def test_tls_1_2_will_do(front):
    older = ssl.create_default_context(cafile=front.authority.file)
    older.maximum_version = ssl.TLSVersion.TLSv1_2
    with front.client(older) as client:
        assert client.post(event("c-1")).status == 200


@NEEDS_NGINX
def test_port_80_has_the_certificates_proofs_and_nothing_else(nginx):
    proofs = nginx.folder / "html/.well-known/acme-challenge"
    proofs.mkdir(parents=True)
    (proofs / "token").write_text("proof")
    with wire.Client((PEER, nginx.plain_port)) as client:
        client.send(wire.get("/.well-known/acme-challenge/token"))
        assert client.response(kind="text/plain").body == b"proof"
        client.send(wire.post(event("c-1")))
        assert client.response(kind="text/html").status == 404


@NEEDS_NGINX
def test_beyond_the_rate_limit_the_answer_is_429(nginx, backend):
    """More than burst and rate allow in the time that it takes, whatever that is: until one comes."""
    answers = collections.Counter()
    enough = threading.Event()

    def flood():
        # A bare GET costs the least.
        with nginx.client() as client:
            while not enough.is_set():
                client.send(wire.get("/healthz") * 50)
                for _ in range(50):
                    answers[client.status()] += 1

    flooders = [threading.Thread(target=flood, daemon=True) for _ in range(4)]
    for flooder in flooders:
        flooder.start()
    try:
        eventually(lambda: answers[429], "it is beyond the limit", bound=120)
    finally:
        enough.set()
    for flooder in flooders:
        flooder.join(wire.TIMEOUT)
    assert set(answers) == {200, 429}, answers
    assert answers[200] >= 1000, "the burst passes"
    assert backend.running()


@NEEDS_NGINX
def test_a_restart_of_the_daemon_fails_no_request(spawn, tmp_path):
    """With its socket held by systemd: behind nginx, which sends again what met a closing connection."""
    with listener(PEER) as one:
        backend = activated(spawn, [one], settings={"server.trusted_proxies": "127.0.0.1"})
        use(backend, one)
        with front_of(Nginx, backend.start(), tmp_path) as front, \
                load_below_the_rate_limit(front) as load:
            for _ in range(5):
                load.wait_acked(200)
                backend.stop()
                backend.start()
            load.wait_acked(200)
            load.stop()
        print(f"restarts: 5; {load.summary()}")
        assert not load.refused and not load.unknown, load.summary()


@NEEDS_NGINX
def test_a_new_certificate_fails_no_request_that_was_read(nginx, backend):
    """As certbot's deploy hook does it. A client may find its idle connection closed just as it
    sends, as on any server; that request was never read, and it has to send again."""
    with load_below_the_rate_limit(nginx) as load:
        for _ in range(3):
            load.wait_acked(100)
            before = nginx.workers()
            nginx.run("reload")
            eventually(lambda: not before & nginx.workers(), "new workers serve alone")
        load.wait_acked(100)
        load.stop()
    print(f"reloads: 3; {load.summary()}")
    assert not load.refused, load.summary()
    stored = backend.ids()
    check_stored(load, stored)
    assert not stored.keys() & set(load.unknown), "what was stored was answered"
