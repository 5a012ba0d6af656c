# SPDX-License-Identifier: Apache-2.0
"""Certificates for TLS on loopback, made by openssl's command line for one test."""

import pathlib
import ssl
import subprocess


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr


class Authority:
    """An own CA; .file is what a client is to trust."""

    def __init__(self, folder, name="tests"):
        self.folder = pathlib.Path(folder)
        self.name = name
        self.file = self.folder / f"{name}-ca.pem"
        self.key = self.folder / f"{name}-ca.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", self.key, "-out", self.file, "-days", 2, "-subj", f"/CN={name} CA")

    def issue(self, names="IP:127.0.0.1,DNS:localhost", days=2):
        """A server's ssl.SSLContext with a certificate for these names; days may be past."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issue_files(names, days))
        return context

    def issue_files(self, names="IP:127.0.0.1,DNS:localhost", days=2):
        """The paths of such a certificate and of its key."""
        base = self.folder / f"{self.name}-{len(list(self.folder.glob('*.csr')))}"
        key, request, certificate = (base.with_suffix(end) for end in (".key", ".csr", ".pem"))
        extensions = base.with_suffix(".ext")
        extensions.write_text(f"subjectAltName={names}\n")
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", key, "-out", request, "-subj", "/CN=server")
        openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.key,
                "-CAcreateserial", "-days", days, "-extfile", extensions, "-out", certificate)
        return certificate, key
