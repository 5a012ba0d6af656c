# SPDX-License-Identifier: Apache-2.0
"""A client of the admin listener."""

import re
import urllib.error
import urllib.request

import pytest

TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"
SAMPLE = re.compile(r"^([a-z_]+(?:\{[^}]*\})?) (\S+)$", re.MULTILINE)


class Admin:
    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path, method="GET"):
        request = urllib.request.Request(self.url + path, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.headers, answer.read().decode()

    def refused(self, path, method="GET"):
        with pytest.raises(urllib.error.HTTPError) as caught:
            self.get(path, method)
        return caught.value.code

    def samples(self):
        return {name: float(value) for name, value in SAMPLE.findall(self.get("/metrics")[1])}

    def sample(self, name):
        return self.samples()[f"genesys_webhookd_{name}"]
