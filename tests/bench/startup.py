#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""startup.py PORT TIMES COMMAND...

Starts the daemon TIMES times and prints the median milliseconds from there until GET /readyz on
PORT answers 200. Each is ended by SIGTERM and must exit with 0.
"""

import http.client
import statistics
import subprocess
import sys
import time

DEADLINE_S = 60


def is_ready(port):
    probe = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        probe.request("GET", "/readyz")
        return probe.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        probe.close()


def milliseconds_until_ready(port, command):
    began = time.monotonic()
    with subprocess.Popen(command) as daemon:
        while not is_ready(port):
            if daemon.poll() is not None or time.monotonic() - began > DEADLINE_S:
                daemon.kill()
                raise SystemExit("startup.py: the daemon did not become ready")
            time.sleep(0.0005)
        elapsed = time.monotonic() - began
        daemon.terminate()
        if daemon.wait(DEADLINE_S) != 0:
            raise SystemExit(f"startup.py: the daemon exited with {daemon.returncode}")
    return elapsed * 1000


def main(port, times, *command):
    times_ms = [milliseconds_until_ready(int(port), command) for _ in range(int(times))]
    print(f"{statistics.median(times_ms):.1f}")


main(*sys.argv[1:])
