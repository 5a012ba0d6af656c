#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Usage: embed.py HTML CSS JS OUT: joins the status page's parts and writes them as a .c."""

import base64
import hashlib
import pathlib
import sys


def fingerprint(text):
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def literal(text):
    """Octal escapes have three digits at most, so that none takes in what follows it."""
    return "\n".join('    "' + "".join(f"\\{byte:03o}" for byte in line) + '"'
                     for line in text.encode().splitlines(keepends=True))


def main(html, css, js, out):
    page, style, script = (pathlib.Path(path).read_text(encoding="utf-8")
                           for path in (html, css, js))
    for mark, part in ("/* style */", style), ("/* script */", script):
        assert page.count(mark) == 1, mark
        page = page.replace(mark, part)
    policy = "; ".join((
        "default-src 'none'", f"script-src {fingerprint(script)}",
        f"style-src {fingerprint(style)}", "connect-src 'self'", "img-src data:",
        "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
        "require-trusted-types-for 'script'", "trusted-types 'none'"))
    pathlib.Path(out).write_text(
        '#include "gw/status_page.h"\n\n'
        f"const struct gw_str gw_status_page = GW_STR(\n{literal(page)});\n"
        f"const char gw_status_policy[] =\n{literal(policy)};\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
