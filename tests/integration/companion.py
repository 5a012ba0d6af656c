# SPDX-License-Identifier: Apache-2.0
"""Runs genesys-webhook as people do: arguments, standard input, and the secret in the environment."""

import subprocess

import wire
from harness import COMPANION, clean_environment


def run(*arguments, stdin=b"", secret=wire.SECRET, bound=60):
    environment = clean_environment()
    if secret is not None:
        environment["GENESYS_WEBHOOK_SECRET"] = secret
    done = subprocess.run([str(COMPANION), *map(str, arguments)], input=stdin, env=environment,
                          capture_output=True, timeout=bound, check=False)
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    return done


def url(daemon, path="/webhook"):
    return f"http://127.0.0.1:{daemon.port}{path}"


def write(path, data):
    path.write_bytes(data)
    return path
