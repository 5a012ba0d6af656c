# SPDX-License-Identifier: Apache-2.0
"""The manual pages: mandoc finds nothing, and all that the programs' help and the shipped
configuration name is in them."""

import re
import shutil
import subprocess

import pytest

from harness import BUILD, COMPANION, DAEMON, SOURCE

PAGES = {name: BUILD / "packaging/man" / name
         for name in ("genesys-webhookd.8", "genesys-webhook.1", "genesys-webhookd.ini.5")}
# They are not installed, and in a container neither are those of others.
NOT_INSTALLED = re.compile(r"referenced manual not found|outdated mandoc\.db")

pytestmark = pytest.mark.skipif(not shutil.which("mandoc"), reason="mandoc is not installed")


def output_of(*command):
    return subprocess.run([str(word) for word in command], text=True, check=False, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout


def read(name):
    """As a reader sees it, without bold and underlined."""
    text = output_of("mandoc", "-Tascii", "-Owidth=1000", PAGES[name])
    return re.sub(r".\x08", "", text)


@pytest.mark.parametrize("name", PAGES)
def test_mandoc_finds_nothing(name):
    found = output_of("mandoc", "-Tlint", PAGES[name]).splitlines()
    assert [line for line in found if not NOT_INSTALLED.search(line)] == []


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_left_to_be_put_in(name):
    assert not re.search(r"@[A-Z]+@|^\.\\\" \[", PAGES[name].read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_refers_to_both_others(name):
    referred = set(re.findall(r"^\.Xr (\S+ \d)", PAGES[name].read_text(), flags=re.MULTILINE))
    assert {" ".join(other.rsplit(".", 1)) for other in PAGES if other != name} <= referred


def options_of(text):
    """As the help writes them: "-q, --value" or "--header NAME"."""
    return re.findall(r"^  (?:(-\w), |    )?(--[\w-]+)(?: ([\w|]+))?", text, flags=re.MULTILINE)


def check_options(page, text):
    assert options_of(text)
    for letter, name, argument in options_of(text):
        line = "".join((f"{letter}, " if letter else "", name, f" {argument}" if argument else ""))
        assert re.search(rf"^ +{re.escape(line)}( |$)", page, flags=re.MULTILINE), line


def test_every_option_of_the_daemon_is_there():
    check_options(read("genesys-webhookd.8"), output_of(DAEMON, "--help"))


def test_every_command_with_its_options_is_there():
    page = read("genesys-webhook.1")
    text = output_of(COMPANION, "--help")
    names = re.findall(r"^  ([\w-]+)", text.partition("\nCommands:\n")[2].partition("\n\n")[0],
                       flags=re.MULTILINE)
    assert {"sign", "send", "show", "help"} <= set(names)
    check_options(page.partition("\nCOMMANDS\n")[0], text)
    for name in names:
        section = re.search(rf"^   {name}\n(.*?)(?=^ ? ? ?\w)", page, flags=re.MULTILINE | re.DOTALL)
        assert section, name
        assert f"genesys-webhook {name} " in page.partition("\nDESCRIPTION\n")[0]
        check_options(section[1], output_of(COMPANION, name, "--help"))


def test_every_key_with_its_default_is_there():
    page = read("genesys-webhookd.ini.5")
    shipped = (SOURCE / "config/genesys-webhookd.ini").read_text()
    keys = re.findall(r"^\[(\w+)\]|^#(\w+)=(.*)$", shipped, flags=re.MULTILINE)
    assert len(keys) > 30
    at = 0
    for section, key, value in keys:
        line = f"   [{section}]" if section else f"     {key}={value}"
        found = re.search(rf"^{re.escape(line)}( |$)", page[at:], flags=re.MULTILINE)
        assert found, line
        at += found.end()
