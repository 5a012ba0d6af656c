#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fdatasync.py FILE: the median microseconds of appending 1 KiB and fdatasync, of 500 times."""

import os
import statistics
import sys
import time

TIMES = 500


def microseconds(file):
    began = time.monotonic()
    os.write(file, b"x" * 1023 + b"\n")
    os.fdatasync(file)
    return (time.monotonic() - began) * 1e6


file = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
print(round(statistics.median(microseconds(file) for _ in range(TIMES))))
