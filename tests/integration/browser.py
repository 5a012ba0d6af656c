# SPDX-License-Identifier: Apache-2.0
"""Headless Chromium, driven over its own pipe (--remote-debugging-pipe: JSON messages, each ended
by a NUL), so that no driver is needed. What it may reach is this machine's loopback alone."""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time

from harness import clean_environment, eventually

CHROMIUM = shutil.which("chromium")
ANSWER_S = 30
QUIET = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-default-apps", "--disable-extensions", "--hide-scrollbars",
         "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")


def high(fd):
    """The same at a number that bash need not overwrite."""
    copy = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(fd)
    return copy


class Browser:
    def __init__(self, folder):
        theirs, self.writer = map(high, os.pipe())
        self.reader, their_writer = map(high, os.pipe())
        # Chromium reads from 3 and writes to 4.
        self.process = subprocess.Popen(
            ["bash", "-c", 'in=$1 out=$2; shift 2; exec "$@" 3<&"$in" 4>&"$out"', "bash",
             str(theirs), str(their_writer), CHROMIUM, *QUIET, "--remote-debugging-pipe",
             f"--user-data-dir={folder}/profile", "about:blank"],
            env=clean_environment(HOME=str(folder)), pass_fds=(theirs, their_writer),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs)
        os.close(their_writer)
        self.unread = b""
        self.number = 0
        self.events = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.call("Browser.close")
        self.process.wait(timeout=ANSWER_S)
        os.close(self.writer)
        os.close(self.reader)

    def _message(self, deadline):
        while b"\0" not in self.unread:
            left = deadline - time.monotonic()
            if not select.select([self.reader], [], [], max(0, left))[0]:
                return None
            data = os.read(self.reader, 1 << 20)
            assert data, "Chromium went away"
            self.unread += data
        message, self.unread = self.unread.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, session=None, **params):
        """Asks and returns the result; what else comes meanwhile is an event."""
        self.number += 1
        asked = {"id": self.number, "method": method, "params": params}
        if session:
            asked["sessionId"] = session
        os.write(self.writer, json.dumps(asked).encode() + b"\0")
        deadline = time.monotonic() + ANSWER_S
        while True:
            message = self._message(deadline)
            assert message, f"no answer to {method}"
            if message.get("id") == self.number:
                assert "error" not in message, f"{method}: {message['error']}"
                return message["result"]
            self.events.append(message)

    def open(self, url, width=1100, height=900, dark=False):
        """A page of its own, without anything of other pages."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)
        session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        page = Page(self, context, session["sessionId"])
        page.begin(url, width, height, dark)
        return page


class Page:
    def __init__(self, browser, context, session):
        self.browser = browser
        self.context = context
        self.session = session

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def begin(self, url, width, height, dark):
        for domain in "Page", "Runtime", "Log", "Network":
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Page.navigate", url=url)

    def close(self):
        self.browser.call("Target.disposeBrowserContext", browserContextId=self.context)

    def run(self, script):
        """What an expression gives, as JSON would hold it."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True,
                           awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def text(self, selector):
        return self.run(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def wait(self, selector, wanted):
        eventually(lambda: wanted in self.text(selector), f"{selector} says {wanted!r}",
                   interval=0.1)

    def events(self, method):
        return [event["params"] for event in self.browser.events
                if event.get("sessionId") == self.session and event["method"] == method]

    def complaints(self):
        """What stands in the console."""
        return (self.events("Runtime.exceptionThrown") + self.events("Runtime.consoleAPICalled") +
                [event["entry"] for event in self.events("Log.entryAdded")])

    def requested(self):
        return [event["request"]["url"] for event in self.events("Network.requestWillBeSent")]

    def screenshot(self, path, width, height):
        """From its top."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True, clip={
            "x": 0, "y": 0, "width": width, "height": height, "scale": 1})
        path.write_bytes(base64.b64decode(shot["data"]))
