# SPDX-License-Identifier: Apache-2.0
import itertools
import os
import subprocess

import pytest

from admin import Admin
from aws_backend import Backend
from certificates import Authority
from dynamodb import Dynalite
from fake_aws import HUSH, FakeAws
from harness import Daemon, NotifySocket, free_port, sanitized, write_ini


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport():
    """Root is allowed everything, so nothing may keep a test from running then; but under a
    sanitizer some say nothing."""
    report = (yield).get_result()
    if report.skipped and os.geteuid() == 0 and not sanitized():
        report.outcome = "failed"
        report.longrepr = f"skipped, which must not be as root: {report.longrepr[2]}"


@pytest.fixture
def spawn(tmp_path):
    """Makes daemons (not started), each in a folder of its own; ends what still runs."""
    made = []
    numbers = itertools.count()

    def make(settings=None, folder=None, **options):
        if folder is None:
            folder = tmp_path / f"daemon-{next(numbers)}"
            folder.mkdir()
        made.append(Daemon(folder, settings=settings, **options))
        return made[-1]

    yield make
    for daemon in made:
        if daemon.running():
            daemon.kill()
        print(f"--- {daemon.log_path}\n{daemon.tail()}")
        daemon.check_log()


@pytest.fixture
def daemon(spawn):
    """One that serves, on the defaults."""
    return spawn().start()


@pytest.fixture
def watched(spawn):
    """One with an admin listener."""
    port = free_port("127.0.0.1")
    daemon = spawn({"admin.listen": f"127.0.0.1:{port}"}).start()
    daemon.admin = Admin(port)
    return daemon


@pytest.fixture
def notify(tmp_path):
    return NotifySocket(tmp_path)


@pytest.fixture(scope="session")
def dynalite():
    with Dynalite() as server:
        yield server


@pytest.fixture
def table(dynalite):
    """An empty table with the judging proxy before it; aws_backend.py shows how it is used."""
    with Backend(dynalite) as backend:
        yield backend
    backend.proxy.check()


@pytest.fixture
def start(spawn, table):
    """Starts a daemon that stores in the table."""
    def start(**settings):
        return spawn({**table.settings, **settings}, environment=table.environment).start()

    return start


@pytest.fixture
def aws():
    """Who gives out credentials."""
    server = FakeAws()
    yield server
    server.stop()


@pytest.fixture
def web_token(aws, tmp_path):
    """The file of a web identity's token, which aws takes."""
    path = tmp_path / "web-token"
    path.write_text(f"{HUSH}Header.e30.x_-\n")
    aws.web_tokens.add(f"{HUSH}Header.e30.x_-")
    return path


@pytest.fixture
def tls_table(dynalite, tmp_path):
    """The same over TLS."""
    authority = Authority(tmp_path)
    with Backend(dynalite, authority.issue(), authority.file) as backend:
        yield backend
    backend.proxy.check()


@pytest.fixture
def small_disk(tmp_path):
    """A tmpfs of 1 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)],
                             capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("this user may not mount a tmpfs")
    yield folder
    # Lazily, as the daemon may still have its file open.
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def ini(tmp_path):
    """Writes a configuration whose daemon does not run."""
    port = free_port("127.0.0.1")

    def make(**settings):
        path = tmp_path / "doctor.ini"
        settings = {name.replace("__", "."): value for name, value in settings.items()}
        write_ini(path, {"server.listen": f"127.0.0.1:{port}",
                         "file.path": tmp_path / "events.jsonl", **settings})
        return path

    make.port = port
    return make
