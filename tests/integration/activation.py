# SPDX-License-Identifier: Apache-2.0
"""Stands in for systemd, which holds the listen sockets and hands them to each life of a daemon."""

import fcntl
import socket
import sys

from harness import free_port

# LISTEN_PID must be the daemon's own, which only a process that becomes it knows.
HAND_OVER = """
import os, sys
fds = [int(fd) for fd in sys.argv[1].split()]
for number, fd in enumerate(fds, 3):
    os.dup2(fd, number)
environment = {"LISTEN_FDS": str(len(fds)), "LISTEN_PID": str(os.getpid())}
os.execvpe(sys.argv[2], sys.argv[2:], {**environment, **os.environ})
"""


def listener(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((host, free_port(host)))
    made.listen(128)
    return far(made)


def far(made):
    """The same socket, its descriptor so far from 3 that several can be laid there without one
    hiding another."""
    with made:
        return socket.socket(fileno=fcntl.fcntl(made, fcntl.F_DUPFD_CLOEXEC, 30))


def activated(spawn, sockets, **options):
    """A daemon to which the sockets are handed over, its own listen= being another one."""
    fds = [one.fileno() for one in sockets]
    return spawn(wrapper=[sys.executable, "-c", HAND_OVER, " ".join(map(str, fds))], pass_fds=fds,
                 **options)


def use(daemon, one):
    """Lets the helpers speak to that socket."""
    daemon.host, daemon.port = one.getsockname()[:2]
