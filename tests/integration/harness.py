# SPDX-License-Identifier: Apache-2.0
"""Starts the real daemon and looks at it from outside: log, counters, files, descriptors."""

import collections
import contextlib
import functools
import glob
import gzip
import itertools
import json
import os
import pathlib
import random
import re
import socket
import subprocess
import threading
import time
from signal import SIGTERM

import wire

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
BUILD = pathlib.Path(os.environ.get("GW_BUILD", SOURCE / "build")).resolve()
DAEMON = BUILD / "genesys-webhookd"
COMPANION = BUILD / "genesys-webhook"
SHIM = BUILD / "tests" / "integration" / "libfaults.so"

BOUND = 30  # seconds until a condition must have come true
OUTCOMES = ("stored", "superseded", "skipped", "rejected", "failed")
SANITIZER = re.compile(r"(Address|Leak|Thread|Memory)Sanitizer|runtime error:")
# Binding below the ephemeral range, so that no client's own port can be in the way.
PORTS = range(18000, 32000)
PORTS_CLAIMED = 200
LISTEN = "0A"  # in /proc/net/tcp


def eventually(condition, what, bound=BOUND, interval=0.01):
    """Waits until the condition is true and returns what it gave."""
    deadline = time.monotonic() + bound
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {bound} s: {what}"
        time.sleep(interval)


@functools.cache
def claimed_ports():
    """A block of ports that no other test process here takes: a name stands for it, which is free
    again when this process has ended. The name's socket, and the ports round and round."""
    for first in random.SystemRandom().sample(PORTS[::PORTS_CLAIMED], len(PORTS) // PORTS_CLAIMED):
        name = socket.socket(socket.AF_UNIX)
        with contextlib.suppress(OSError):
            name.bind(f"\0genesys-webhookd-tests-{first}")
            return name, itertools.cycle(range(first, first + PORTS_CLAIMED))
    raise AssertionError("other test processes have claimed all ports")


def free_port(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in claimed_ports()[1]:
        with socket.socket(family) as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            return port


def tcp_sockets(*tables):
    """The rows of /proc/net/tcp and tcp6, split into their columns."""
    for table in tables:
        for line in pathlib.Path("/proc/net", table).read_text().splitlines()[1:]:
            yield line.split()


def listening_inodes():
    return {row[9] for row in tcp_sockets("tcp", "tcp6") if row[3] == LISTEN}


def tcp_queues():
    """(local port, remote port) and the bytes unsent or unread of each IPv4 socket."""
    for _, local, remote, _, queues, *_ in tcp_sockets("tcp"):
        pair = tuple(int(end.split(":")[1], 16) for end in (local, remote))
        yield pair, sum(int(size, 16) for size in queues.split(":"))


def address_text(host, port):
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def clean_environment(**extra):
    """Nothing of the caller's gets in but what the sanitizers and the loader need."""
    kept = ("PATH", "HOME", "LANG", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS",
            "LSAN_OPTIONS", "LD_LIBRARY_PATH")
    return {**{name: os.environ[name] for name in kept if name in os.environ}, **extra}


def write_ini(path, settings):
    """settings: {"section.key": value or list of values}."""
    sections = collections.defaultdict(list)
    for name, value in settings.items():
        section, key = name.split(".", 1)
        for item in value if isinstance(value, (list, tuple)) else [value]:
            sections[section].append(f"{key}={item}")
    text = "".join(f"[{name}]\n" + "\n".join(lines) + "\n\n" for name, lines in sections.items())
    pathlib.Path(path).write_text(text, encoding="utf-8")


def sanitized():
    """Whether the build is instrumented: its memory then says nothing."""
    code = DAEMON.read_bytes() if DAEMON.exists() else b""
    return b"__asan_init" in code or b"__tsan_init" in code


class Counters(collections.Counter):
    """What the daemon counted until it stopped; an absent one is 0."""

    def check(self, lines=None):
        """Every verified event has exactly one outcome, and the files hold what was stored."""
        assert self["verified"] == sum(self[name] for name in OUTCOMES), dict(self)
        assert self["ambiguous"] <= self["failed"], dict(self)
        if lines is not None:
            least, most = self["stored"], self["stored"] + self["ambiguous"]
            assert least <= lines <= most, f"{lines} lines, counted {dict(self)}"
        return self


class Daemon:
    """One process with its own folder, port and log. Use the spawn fixture to make one."""

    def __init__(self, folder, settings=None, environment=None, secret=wire.SECRET, wrapper=(),
                 faults=False, host="127.0.0.1", **popen):
        self.folder = pathlib.Path(folder)
        self.ini = self.folder / "genesys-webhookd.ini"
        self.log_path = self.folder / "stderr.log"
        self.events = self.folder / "events.jsonl"
        self.host = host
        self.port = free_port(host)
        self.wrapper = list(wrapper)
        self.popen = popen
        self.process = None
        # A machine so busy that 10 s are too few for a request is no test's subject.
        self.settings = {"server.listen": address_text(host, self.port), "server.workers": 2,
                         "server.request_timeout": "60s", "file.path": self.events,
                         "log.format": "json", "log.level": "info"}
        self.configure(**(settings or {}))
        self.environment = clean_environment(**(environment or {}))
        if secret is not None:
            self.environment["GENESYS_WEBHOOK_SECRET"] = secret
        self.faults = Faults(self.folder / "faults") if faults else None

    @property
    def address(self):
        return (self.host, self.port)

    @property
    def pid(self):
        return self.process.pid

    def configure(self, **settings):
        """Changes the ini; a value of None takes the key out. Keys are "section.key"."""
        self.settings.update(settings)
        kept = {name: value for name, value in self.settings.items() if value is not None}
        if "file.path" in kept:
            self.events = pathlib.Path(kept["file.path"])
        write_ini(self.ini, kept)

    def launch(self):
        """Starts the process without waiting for anything."""
        environment = dict(self.environment)
        if self.faults:
            environment.update(self.faults.environment())
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*self.wrapper, str(DAEMON), "-c", str(self.ini)], env=environment, stderr=log,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=self.folder, **self.popen)
        return self

    def start(self):
        return self.launch().wait_ready()

    def wait_ready(self, ready=True):
        wanted = 200 if ready else 503
        eventually(lambda: self.readiness() == wanted, f"/readyz says {wanted}")
        return self

    def readiness(self):
        """The status of /readyz; 0 while nobody answers."""
        assert self.running(), f"exit {self.process.poll()}: {self.tail()}"
        try:
            return wire.once(self.address, wire.get("/readyz"), "GET").status
        except (OSError, wire.Closed):
            return 0

    def running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def wait_exit(self, bound=60):
        return self.process.wait(timeout=bound)

    def end(self, number=SIGTERM, bound=60):
        """Stops it, which must go cleanly."""
        self.signal(number)
        code = self.wait_exit(bound)
        assert code == 0, f"exit {code}: {self.tail()}"
        self.check_log()

    def stop(self, number=SIGTERM):
        """Stops it cleanly and returns the final accounting (of a log in JSON, level info)."""
        self.end(number)
        return self.counters()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def counters(self):
        """The numbers of the last "stopped" line."""
        stopped = [entry for entry in self.log() if entry["message"] == "stopped"]
        assert stopped, f"no \"stopped\" in the log: {self.tail()}"
        return Counters({name: value for name, value in stopped[-1].items()
                         if isinstance(value, int)})

    def client(self):
        return wire.Client(self.address)

    def hold(self):
        """A connection that is kept, once there is room for it."""
        return eventually(self.try_to_hold, "a connection within the limit is served")

    def try_to_hold(self):
        """None while those of before still count."""
        client = self.client()
        with contextlib.suppress(wire.Closed, ConnectionError):
            if not client.get("/healthz").closes:
                return client
        client.close()
        return None

    def ask(self, data, method="POST"):
        return wire.once(self.address, data, method)

    def post(self, body, **options):
        return self.ask(wire.post(body, **options))

    def get(self, target, method="GET"):
        return self.ask(wire.get(target, method), method)

    def tail(self, size=4000):
        return self.log_text()[-size:]

    def log_text(self):
        return self.log_path.read_text(encoding="utf-8") if self.log_path.exists() else ""

    def log(self):
        """The log's whole lines; each must be a JSON object with level and message."""
        lines = self.log_text().split("\n")[:-1]
        entries = [json.loads(line) for line in lines]
        assert all({"level", "message"} <= entry.keys() for entry in entries), lines
        return entries

    def wait_log(self, pattern, since=0, bound=BOUND):
        """The first line after the first @since ones that matches, as a dictionary."""
        def find():
            for line in self.log_text().split("\n")[:-1][since:]:
                if re.search(pattern, line):
                    return json.loads(line)
            return None

        return eventually(find, f"log line {pattern!r}", bound)

    def log_length(self):
        return self.log_text().count("\n")

    def check_log(self):
        found = SANITIZER.search(self.log_text())
        assert not found, self.log_text()[found.start() - 200:found.start() + 8000]

    def wait_read(self, *clients):
        """Waits until the server has taken all that the clients sent (IPv4): neither end of a
        connection has bytes in its kernel queue."""
        ports = {client.socket.getsockname()[1] for client in clients}
        pairs = {(port, self.port) for port in ports} | {(self.port, port) for port in ports}

        def read():
            queues = [size for pair, size in tcp_queues() if pair in pairs]
            return len(queues) == len(pairs) and not any(queues)

        eventually(read, "the server has read everything", interval=0.05)

    def connections(self):
        """How many clients' sockets somebody holds at its port. (Of /proc/PID/fd only root may see
        anything, as the daemon is not dumpable.)"""
        # A table that changes while it is read may show a socket twice.
        return len({inode for _, local, _, state, *_, inode in
                    (row[:10] for row in tcp_sockets("tcp", "tcp6"))
                    if int(local.split(":")[1], 16) == self.port and state != LISTEN
                    and inode != "0"})

    def connections_by_worker(self):
        """How many client sockets each epoll that has any waits for: one epoll a worker."""
        listening = {f"socket:[{inode}]" for inode in listening_inodes()}
        counts = []
        for fdinfo in pathlib.Path(f"/proc/{self.pid}/fdinfo").iterdir():
            watched = re.findall(r"^tfd:\s+(\d+)", fdinfo.read_text(), re.M)
            names = [os.readlink(f"/proc/{self.pid}/fd/{fd}") for fd in watched]
            counts.append(sum(name.startswith("socket:") and name not in listening
                              for name in names))
        return [count for count in counts if count > 0]

    def wait_no_connection(self):
        eventually(lambda: self.connections() == 0, "all connections are closed")

    def threads(self):
        found = {}
        for task in pathlib.Path(f"/proc/{self.pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError):
                found[(task / "comm").read_text().strip()] = int(task.name)
        return found

    def memory(self, field="VmRSS"):
        """In bytes."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(rf"{field}:\s+(\d+) kB", status)[1]) * 1024

    def files(self):
        """The events file and everything that was moved aside from it but torn ends."""
        beside = glob.glob(glob.escape(str(self.events)) + ".*")
        keep = [pathlib.Path(path) for path in beside
                if not re.search(r"\.(lock|listened|torn-[^/]*)$", path)]
        return [path for path in [self.events, *sorted(keep)] if path.exists()]

    def records(self):
        """All lines of all files; each must parse."""
        return [record for path in self.files() for record in read_events(path)]

    def ids(self):
        """How often each conversation stands in the files."""
        return collections.Counter(record["item"]["conversationId"]
                                   for record in self.records())


def read_events(path):
    """The whole lines of an events file as dictionaries, as a reader takes them: only what ends
    in a line break, blank lines (left by a probe for room) passed over."""
    data = pathlib.Path(path).read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    whole = data.rpartition(b"\n")[0]
    return [json.loads(line) for line in whole.split(b"\n") if line.strip(b" ")]


class Faults:
    """The control files of the LD_PRELOAD shim (faults.c says what they may hold)."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()

    def environment(self):
        assert SHIM.exists(), f"{SHIM} is not built"
        return {"LD_PRELOAD": " ".join([*sanitizer_runtime(), str(SHIM)]),
                "GW_FAULTS": str(self.folder)}

    def set(self, call, what):
        """Puts the file there in one step, so that the shim never sees half of it."""
        beside = self.folder / f".{call}"
        beside.write_text(what + "\n")
        beside.rename(self.folder / call)

    def clear(self, call):
        (self.folder / call).unlink(missing_ok=True)


def sanitizer_runtime():
    """A sanitizer's shared runtime wants to be the first library; there is none otherwise."""
    linked = subprocess.run(["ldd", str(DAEMON)], capture_output=True, text=True, check=False)
    return re.findall(r"=> (\S*/lib[at]san\S*)", linked.stdout)


class NotifySocket:
    """Stands in for systemd: takes the messages of sd_notify with the time each came."""

    def __init__(self, folder):
        self.path = str(pathlib.Path(folder) / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.messages = []
        self.thread = threading.Thread(target=self._receive, daemon=True)
        self.thread.start()

    def _receive(self):
        while True:
            data = self.socket.recv(65536)
            self.messages.append((time.monotonic(), data.decode().strip().split("\n")))

    def lines(self):
        return [line for _, lines in list(self.messages) for line in lines]

    def count(self, line):
        return self.lines().count(line)

    def last(self, line):
        """When it last came."""
        return max((at for at, lines in list(self.messages) if line in lines), default=0)

    def wait(self, pattern, times=1, bound=BOUND):
        """Waits for a line that matches as a whole, and returns it."""
        def find():
            found = [line for line in self.lines() if re.fullmatch(pattern, line)]
            return found[times - 1] if len(found) >= times else None

        return eventually(find, f"{pattern} by sd_notify", bound)


def fill_up(disk, name="filler", leave=0):
    """Writes until nothing more fits, then gives @leave bytes back."""
    filler = disk / name
    with open(filler, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass
        file.truncate(max(0, file.tell() - leave))
    return filler
