# SPDX-License-Identifier: Apache-2.0
"""Reads manifests of Kubernetes and compose, and finds what is wrong with them by their schemas."""

import json
import subprocess

import yaml

from cfn import Loader
from dynamodb import NPM


def read(text):
    """The documents; no key stands twice in one."""
    return [document for document in yaml.load_all(text, Loader) if document]  # a SafeLoader


def faults_of(kind, documents):
    """kind: "kubernetes" or "compose"."""
    done = subprocess.run(["node", NPM / "manifests.mjs", kind], input=json.dumps(documents),
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
