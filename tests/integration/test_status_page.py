# SPDX-License-Identifier: Apache-2.0
"""The status page: what it is drawn from, that it keeps to itself, and what a browser shows.

GW_REGENERATE=1 writes the pictures in docs/images/ anew."""

import collections
import json
import os
import re
import time
from signal import SIGHUP, SIGTERM

import pytest

import wire
from admin import Admin
from browser import CHROMIUM, Browser
from harness import SOURCE, eventually, free_port
from load import Load
from wire import event

IMAGES = SOURCE / "docs/images"
IMAGE_BYTES_MAX = 150_000
KEPT = 20  # refused requests

needs_browser = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")


def status(daemon):
    return json.loads(daemon.admin.get("/status.json")[1])


def refuse(daemon):
    """Three kinds of requests that are refused, ten of each."""
    for _ in range(10):
        assert daemon.get("/nothing").status == 404
        assert daemon.post(event("c-1"), signature="0" * 64).status == 401
        assert daemon.get("/webhook").status == 405


# --- what is answered

@pytest.mark.parametrize("path", ["/", "/status.json", "/metrics"])
def test_browsers_are_told_to_keep_it_to_themselves(watched, path):
    headers = watched.admin.get(path)[0]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert not [name for name in headers if name.lower().startswith("access-control")]
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    for directive, value in {"default-src": "'none'", "connect-src": "'self'",
                             "frame-ancestors": "'none'", "base-uri": "'none'",
                             "form-action": "'none'"}.items():
        assert policy[directive] == value
    for directive in "script-src", "style-src":
        assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", policy[directive])


def test_the_page_is_one_file_that_names_no_other(watched):
    headers, page = watched.admin.get("/")
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert not re.findall(r"https?:|//[a-z]|@import|\burl\(| src=", page)
    assert re.findall(r'href="([^"]*)"', page) == ["data:,"]
    assert not re.findall(r"innerHTML|insertAdjacent|document\.write|\beval\b", page)
    assert not re.findall(r"animation|transition", page)


def test_what_happened_is_told(watched):
    before = status(watched)
    assert watched.post(event("c-1")).status == 200
    assert watched.post(event("c-2"), signature="0" * 64).status == 401
    after = status(watched)
    assert after["counters"]["stored"] - before["counters"]["stored"] == 1
    assert after["counters"]["refused_wrong_signature"] == 1
    assert sum(after["histograms"]["store"]) == 1
    assert len(after["histograms"]["store"]) == len(after["bounds_us"]) + 1
    assert after["gauges"]["ready"] == 1 and after["secrets"] == 1
    assert after["gauges"]["start_ms"] <= before["now_ms"] <= after["now_ms"]
    (refusal,) = after["refusals"]
    assert refusal.pop("at_ms") <= after["now_ms"]
    assert refusal == {"status": 401, "suppressed": 0, "peer": "127.0.0.1",
                       "reason": "the signature was made with none of the secrets"}


def test_the_last_refusals_are_kept_and_no_more(spawn):
    port = free_port("127.0.0.1")
    daemon = spawn({"admin.listen": f"127.0.0.1:{port}", "server.workers": 1}).start()
    daemon.admin = Admin(port)
    refuse(daemon)
    assert daemon.ask(b"GET / HTTP/9.9.9\r\n\r\n", "HEAD").status >= 400
    shown = status(daemon)["refusals"]
    assert len(shown) == KEPT
    assert shown[0]["peer"] == ""  # what libmicrohttpd refuses has none
    assert [one["status"] for one in shown[1:4]] == [405, 401, 404]
    times = [one["at_ms"] for one in shown]
    assert times == sorted(times, reverse=True)


def test_no_secret_and_no_payload_is_shown(spawn, tmp_path):
    secret_file = tmp_path / "where-secrets-lie"
    secret_file.write_text(wire.SECRET)
    secret_file.chmod(0o600)
    port = free_port("127.0.0.1")
    daemon = spawn({"admin.listen": f"127.0.0.1:{port}", "signature.header": "X-Misplaced-1",
                    "signature.prefix": "misplaced-2", "signature.secret_file": secret_file},
                   secret=None).start()
    daemon.admin = Admin(port)
    body = event("c-hidden-1")
    signed = [("X-Misplaced-1", f"misplaced-2{wire.sign(body)}")]
    assert daemon.post(body, signature=False, headers=signed).status == 200
    assert daemon.post(body, signature=False,
                       headers=[("X-Misplaced-1", "misplaced-2" + "e" * 64)]).status == 401
    shown = status(daemon)
    assert shown["secrets"] == 1 and len(shown["refusals"]) == 1
    hidden = [wire.SECRET, "isplaced", secret_file.name, "c-hidden-1", wire.sign(body), "e" * 64]
    for path in "/", "/status.json", "/metrics":
        text = daemon.admin.get(path)[1]
        assert not [secret for secret in hidden if secret in text], path


def test_the_configuration_shown_is_the_one_that_holds(watched):
    watched.configure(**{"server.path": "/new", "server.workers": 3, "server.max_body": "5MiB"})
    watched.signal(SIGHUP)
    watched.wait_log('"message":"reloaded"')
    keys = {(key["section"], key["name"]): key for key in status(watched)["config"]}
    shown = {name: (keys["server", name]["value"], keys["server", name]["waits"])
             for name in ("path", "workers", "max_body", "idle_timeout")}
    assert shown == {"path": ("/new", False), "workers": ("2", True), "max_body": ("5MiB", False),
                     "idle_timeout": ("75s", False)}
    assert keys["server", "idle_timeout"]["default"] and not keys["server", "path"]["default"]


def ask_as(daemon, host, path):
    with wire.Client(("127.0.0.1", int(daemon.admin.url.rsplit(":", 1)[1]))) as client:
        client.send(wire.head("GET", path, version="HTTP/1.0" if host is None else "HTTP/1.1",
                              host=host))
        return client.response("HEAD").status


@pytest.mark.parametrize("path", ["/", "/status.json", "/metrics", "/nothing"])
def test_no_other_name_leads_to_loopback(watched, path):
    """A page of evil.example, whose owner has let that name point here, may not read it."""
    right = 404 if path == "/nothing" else 200
    for host in "localhost", "localhost:9464", "127.0.0.1:9464", "[::1]:9464":
        assert ask_as(watched, host, path) == right
    for host in "evil.example", "evil.example:9464", "127.0.0.1.evil.example", None:
        assert ask_as(watched, host, path) == 421


def test_a_remote_listener_has_whatever_name(spawn):
    port = free_port("127.0.0.1")
    daemon = spawn({"admin.listen": f"0.0.0.0:{port}", "admin.remote": "yes"}).start()
    daemon.admin = Admin(port)
    assert ask_as(daemon, "webhook.internal.example", "/") == 200


# --- what a browser shows

@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("chromium")) as made:
        yield made


@pytest.fixture
def view(browser):
    """Opens pages, which must have said nothing to the console and asked nobody else."""
    pages = []

    def make(daemon, wanted="Serving", **options):
        page = browser.open(daemon.admin.url + "/", **options)
        pages.append((daemon, page))
        page.wait("#word", wanted)
        return page

    yield make
    for daemon, page in pages:
        unexpected = [entry for entry in page.complaints()
                      if "net::ERR_CONNECTION_REFUSED" not in entry.get("text", "")]
        assert not unexpected
        assert set(page.requested()) <= {f"{daemon.admin.url}/", f"{daemon.admin.url}/status.json"}
        page.close()


@pytest.fixture
def faulty(spawn):
    """One whose store can be made to fail."""
    port = free_port("127.0.0.1")
    daemon = spawn({"admin.listen": f"127.0.0.1:{port}"}, faults=True).start()
    daemon.admin = Admin(port)
    return daemon


@needs_browser
def test_it_follows_what_happens(watched, view):
    page = view(watched)
    assert page.text("#last-event") == "not yet"
    assert watched.post(event("c-1")).status == 200
    page.wait("#outcomes tr:nth-child(1) td", "1")
    page.wait("#last-event", "ago")
    assert watched.post(event("c-2")).status == 200
    page.wait("#outcomes tr:nth-child(1) td", "2")
    page.wait("#backend tbody tr:nth-child(1)", "lines")
    page.wait("#durations tbody tr:nth-child(3)", "s")
    assert page.run("document.getElementById('line').getAttribute('d')").startswith("M")


@needs_browser
@needs_browser
def test_a_gap_is_told(watched, view):
    assert view(watched).run("find('gap').hidden")
    watched.kill()
    at = time.time() - 7200
    os.utime(f"{watched.events}.listened", (at, at))
    watched.start()
    page = view(watched)
    text = eventually(lambda: page.run("find('gap').hidden ? '' : find('gap').textContent"),
                      "the page tells of it")
    assert text.startswith("Events may be missing: ") and "(2 h 0 min)" in text


def test_a_refused_request_is_shown(watched, view):
    page = view(watched)
    page.wait("#refusals + p", "None")
    assert watched.post(event("c-1"), signature="0" * 64).status == 401
    page.wait("#refusals tbody", "none of the secrets")
    page.wait("#refusals tbody", "127.0.0.1")
    page.wait("#reasons tbody", "401")
    page.wait("#answers tbody", "401")
    assert not page.run("document.querySelector('#refusals + p').checkVisibility()")


@needs_browser
def test_figures_are_right(watched, view):
    page = view(watched)
    for script, wanted in {
            "quantile([0, 0, 0], [10, 20], 0.5) ?? 'none'": "none",
            "quantile([4, 0, 0], [10, 20], 0.5)": 5,
            "quantile([1, 2, 1], [10, 20], 0.5)": 15,
            "quantile([1, 2, 1], [10, 20], 0.99) === Infinity": True,
            "quantile([99, 1, 0], [10, 20], 0.99)": 10,
            "duration(undefined)": "–", "duration(7.4)": "7 µs", "duration(1234)": "1.2 ms",
            "duration(2.5e6)": "2.5 s", "duration(Infinity)": "over 10 s",
            "age(-5)": "0 s", "age(59000)": "59 s", "age(61000)": "1 min 1 s",
            "age(3600e3)": "1 h 0 min", "age(90000e3)": "1 d 1 h",
            "bytes(0)": "0 B", "bytes(1536)": "1.5 KiB", "bytes(256 * 1024 ** 2)": "256 MiB",
            "perSecond(0.25)": "0.3", "perSecond(1234.5)": "1,235"}.items():
        assert page.run(script) == wanted, script
    assert page.run("""[OUTCOMES, STATUSES, OTHERS, ...Object.values(BACKENDS)].flatMap(Object.keys)
        .filter((name) => !(name in answers.at(-1).data.counters))""") == []


def counted(failed, stored, **gauges):
    return {"counters": {"failed": failed, "stored": stored, "superseded": 0},
            "gauges": {"ready": 1, "draining": 0, "last_event_ms": 1, **gauges}}


@needs_browser
@pytest.mark.parametrize("now, moment, minute, word", [
    (counted(0, 5), counted(0, 0), counted(0, 0), "Serving"),
    (counted(1, 5), counted(0, 4), counted(0, 0), "Serving"),
    (counted(1, 5), counted(1, 5), counted(0, 0), "Serving"),
    # DynamoDB takes nothing: by its own word it is ready all the same
    (counted(1, 5), counted(0, 5), counted(0, 0), "Cannot store"),
    (counted(0, 5, ready=0), counted(0, 0), counted(0, 0), "Cannot store"),
    (counted(0, 5, store_out=1), counted(0, 0), counted(0, 0), "Cannot store"),
    (counted(0, 5, ready=0, draining=1), counted(0, 0), counted(0, 0), "Draining")])
def test_the_state_is_judged_by_what_happened(watched, view, now, moment, minute, word):
    given = ", ".join(json.dumps(data) for data in (now, moment, minute))
    assert view(watched).run(f"judgeAnswer({given})[1]") == word


@needs_browser
def test_texts_from_outside_are_texts(spawn, view):
    port = free_port("127.0.0.1")
    daemon = spawn({"admin.listen": f"127.0.0.1:{port}",
                    "server.path": "/<img/src=x/onerror=alert(1)>"}).start()
    daemon.admin = Admin(port)
    page = view(daemon)
    page.run("document.querySelector('details').open = true")
    page.wait("#config", "/<img/src=x/onerror=alert(1)>")
    assert page.run("document.images.length") == 0


@needs_browser
def test_a_store_that_fails_is_seen_and_its_recovery(faulty, view):
    page = view(faulty)
    faulty.faults.set("writev", "ENOSPC")
    assert faulty.post(event("c-1")).status == 500
    page.wait("#why", "/readyz says 503")
    assert page.text("#word") == "Cannot store"
    page.wait("#failed", "1")
    page.wait("#refusals tbody", "not stored")
    assert page.run("document.title").startswith("Cannot store")
    faulty.faults.clear("writev")
    page.wait("#word", "Serving")
    page.wait("#why", "1 failed")


@needs_browser
def test_a_daemon_that_is_gone_is_seen_and_its_return(watched, view):
    page = view(watched)
    assert watched.post(event("c-1")).status == 200
    page.wait("#outcomes tr:nth-child(1) td", "1")
    watched.end()
    page.wait("#word", "Not reached")
    page.wait("#why", " s old")
    assert page.text("#outcomes tr:nth-child(1) td") == "1"
    watched.start()
    page.wait("#word", "Serving")
    assert page.text("#outcomes tr:nth-child(1) td") == "0"


@needs_browser
def test_a_drain_is_seen(watched, view):
    page = view(watched)
    with watched.client() as client:
        client.send(wire.post(event("c-1"))[:-1])
        watched.wait_read(client)
        watched.signal(SIGTERM)
        page.wait("#word", "Draining")
        client.send(b"}")
        assert client.response().status == 200
    assert watched.wait_exit() == 0


@needs_browser
def test_who_does_not_look_does_not_ask(watched, view):
    """A page in the background, and one that is paused."""
    page = view(watched)
    look = ("Object.defineProperty(document, 'hidden', {value: %s, configurable: true});"
            "document.dispatchEvent(new Event('visibilitychange'))")
    press = "document.getElementById('pause').click()"
    for stop, go in (look % "true", look % "false"), (press, press):
        page.run(stop)
        eventually(lambda: not page.run("asking"), "the last answer came")
        asked = len(page.requested())
        time.sleep(3)
        page.run("0")
        assert len(page.requested()) == asked
        assert watched.post(event("c-1")).status == 200
        page.run(go)
        stored = status(watched)["counters"]["stored"]
        page.wait("#outcomes tr:nth-child(1) td", str(stored))


LONG_TEXTS = """
  clearTimeout(timer);
  for (const [cells, text] of [["td", "123,456,789"], ["#durations td", "9,999,999"],
                               ["#durations td:not(:nth-child(2))", "over 10 s"],
                               ["#limits td:last-child", "1,023 MiB of 1,024 GiB"],
                               ["#refusals td:last-child", "ffff:".repeat(7) + "ffff"],
                               ["#config td:first-of-type", "/a-long-path".repeat(15)],
                               ["th.window", "last 4 min 59 s"]])
    for (const cell of document.querySelectorAll(cells))
      if (!cell.firstElementChild) cell.textContent = text;"""


@needs_browser
@pytest.mark.parametrize("width", [320, 768, 1000, 1500])
def test_nothing_is_beyond_the_edge(watched, view, width):
    page = view(watched, width=width)
    refuse(watched)
    page.wait("#refusals tbody", "no such path")
    page.run("document.querySelector('details').open = true")
    assert page.run("document.documentElement.scrollWidth") == width
    page.run(LONG_TEXTS)
    assert page.run("document.documentElement.scrollWidth") == width
    assert page.run("""[...document.querySelectorAll('table')].filter((table) =>
        table.getBoundingClientRect().right > table.parentElement.getBoundingClientRect().right)
        .map((table) => table.id)""") == []


CONTRAST = """(() => {
  const parts = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => {
    const [r, g, b] = parts(color).map((c) => c / 255)
      .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    const color = getComputedStyle(node).backgroundColor;
    return parts(color)[3] === 0 ? behind(node.parentElement) : color;
  };
  const low = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  while (texts.nextNode()) {
    const node = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !node.checkVisibility()) continue;
    seen++;
    const [dark, bright] = [light(getComputedStyle(node).color), light(behind(node))]
      .sort((a, b) => a - b);
    if ((bright + 0.05) / (dark + 0.05) < 4.5) low.push(texts.currentNode.data);
  }
  return [seen, low];
})()"""


@needs_browser
@pytest.mark.parametrize("dark", [False, True])
def test_every_text_can_be_read(faulty, view, dark):
    page = view(faulty, dark=dark)
    refuse(faulty)
    page.run("document.querySelector('details').open = true")
    page.wait("#refusals tbody", "no such path")
    grounds = page.run("getComputedStyle(document.body).backgroundColor")
    assert (grounds == "rgb(13, 17, 23)") == dark
    faulty.faults.set("writev", "ENOSPC")
    for state in "Serving", "Cannot store":
        page.wait("#word", state)
        seen, low = page.run(CONTRAST)
        assert seen > 100 and low == []
        faulty.post(event("c-1"))
    for state in "draining", "lost", "paused":
        page.run(f"clearTimeout(timer); document.getElementById('state').dataset.state = '{state}'")
        assert page.run(CONTRAST)[1] == []


@needs_browser
def test_it_can_be_heard_and_used_without_a_mouse(watched, view):
    page = view(watched)
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    named = collections.defaultdict(list)
    for node in nodes:
        if not node.get("ignored"):
            named[node["role"]["value"]].append(node.get("name", {}).get("value", ""))
    assert named["status"] and named["button"] == ["Pause"]
    for role in "table", "meter", "image", "region", "heading":
        assert named[role] and all(named[role]), (role, named[role])
    assert page.run("document.querySelectorAll('[aria-live], [role=status]').length") == 1
    reached = []
    for _ in range(3):
        for kind in "keyDown", "keyUp":
            page.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab",
                      windowsVirtualKeyCode=9)
        reached.append(page.run("document.activeElement.localName"))
        assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert reached == ["button", "div", "summary"]


# --- the pictures

def take(page, name):
    page.screenshot(IMAGES / f"status-{name}.png", width=1000, height=900)


def take_all(daemon, page):
    take(page, "empty")
    with Load(daemon.address, connections=2, pause=0.02) as slow:
        slow.wait_acked(1000)
        with Load(daemon.address, connections=6, pause=0.01) as quick:
            quick.wait_acked(8000)
            quick.stop()
        refuse(daemon)
        slow.wait_acked(1000)
        take(page, "busy")
        daemon.faults.set("writev", "ENOSPC")
        page.wait("#word", "Cannot store")
        time.sleep(12)  # so that the picture has something to show
        take(page, "failing")
        daemon.faults.clear("writev")
    daemon.wait_ready()


@needs_browser
def test_the_pictures_are_those_of_the_documentation(faulty, view):
    if "GW_REGENERATE" in os.environ:
        take_all(faulty, view(faulty, width=1000))
    shown = re.findall(r"\(images/([^)]*)\)", (SOURCE / "docs/status-page.md").read_text())
    assert shown == [f"status-{name}.png" for name in ("empty", "busy", "failing")]
    for name in shown:
        assert (IMAGES / name).read_bytes()[:4] == b"\x89PNG"
        assert (IMAGES / name).stat().st_size < IMAGE_BYTES_MAX
