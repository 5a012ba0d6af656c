#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""repeat.py FILE BYTES: repeats the file's last line until it is BYTES long, and drops it from the
page cache, so that whoever reads it all has to fetch it all."""

import os
import sys

path, size = sys.argv[1], int(sys.argv[2])
with open(path, "rb") as file:
    line = file.readlines()[-1]
with open(path, "ab") as file:
    block = line * (1 + (1 << 20) // len(line))
    while file.tell() + len(block) < size:
        file.write(block)
    while file.tell() < size:
        file.write(line)
    file.flush()
    os.fsync(file.fileno())
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
