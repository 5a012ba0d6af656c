# SPDX-License-Identifier: Apache-2.0
"""The completions, in the shells themselves: typed at a terminal, and what stands on the line then."""

import os
import pty
import re
import select
import shutil
import subprocess
import time

import pytest

from harness import BOUND, BUILD, COMPANION, DAEMON

BUILT = BUILD / "packaging/completions"
PROGRAMS = {"genesys-webhook": COMPANION, "genesys-webhookd": DAEMON}
FILES = {"an event.json", "other.json"}
PACKAGE = "/usr/share/bash-completion/bash_completion"
COMPLETE = "\x14"  # Ctrl-T, which is made to insert all that may stand there

def needs(path):
    return pytest.mark.skipif(not shutil.which(path) and not os.path.exists(path),
                              reason=f"{path} is not installed")


# Instead of the programs: what they would have been given.
BASH = """
PS1=
bind 'set enable-bracketed-paste off'
bind '"\\C-t": insert-completions'
told() { local IFS='|'; printf '<%s>\\n' "$*"; }
genesys-webhook() { told "$@"; }
genesys-webhookd() { told "$@"; }
"""
ZSH = """
PROMPT= PROMPT_EOL_MARK=
fpath=($completions $fpath)
autoload -Uz compinit && compinit -u -D
insert_all() { compstate[insert]=all; comppostfuncs=(insert_all) }
comppostfuncs=(insert_all)
unset zle_bracketed_paste
bindkey '^T' complete-word
told() { print -r -- "<${(j:|:)@}>" }
genesys-webhook() { told "$@" }
genesys-webhookd() { told "$@" }
"""


class Terminal:
    """A shell at a terminal. Its lines are completed and sent; added to them is what it offers."""

    def __init__(self, folder, *command, **environment):
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, {"PATH": os.environ["PATH"], "TERM": "dumb",
                                             "LC_ALL": "C.UTF-8", **environment})

    def __call__(self, line):
        said, deadline = b"", time.monotonic() + BOUND
        os.write(self.terminal, f"{line}{COMPLETE}\r".encode())
        while not re.search(rb"<.*>", said):
            assert time.monotonic() < deadline, said
            if select.select([self.terminal], [], [], 0.1)[0]:
                said += os.read(self.terminal, 4096)
        words = re.search(rb"<(.*)>", said)[1].decode().split("|")
        before = line.split(" ")[1:]
        assert words[:len(before) - 1] == before[:-1]
        return {word for word in words[len(before) - 1:] if word != before[-1]}

    def close(self):
        os.close(self.terminal)
        os.waitpid(self.child, 0)


def bash(home, files, sources=None):
    sources = sources or [BUILT / program for program in PROGRAMS]
    (home / "rc").write_text(BASH + "".join(f". {path}\n" for path in sources))
    return Terminal(files, "bash", "--rcfile", str(home / "rc"), "-i", XDG_DATA_HOME=str(home))


def bash_with_package(home, files):
    """It finds the file by itself where it is installed."""
    shutil.copytree(BUILT, home / "bash-completion/completions")
    return bash(home, files, sources=[PACKAGE])


def zsh(home, files):
    (home / ".zshrc").write_text(f"completions={BUILT}\n{ZSH}")
    return Terminal(files, "zsh", "-d", "-i", ZDOTDIR=str(home))


class Fish:
    """It needs no terminal to say what it would offer."""

    def __init__(self, home, files):
        self.files = files
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
        self.sources = "; ".join(f"source {BUILT / program}.fish" for program in PROGRAMS)

    def __call__(self, line):
        found = subprocess.run(["fish", "--no-config", "--init-command", self.sources,
                                "--command", f"complete --do-complete '{line}'"],
                               cwd=self.files, env=self.environment, text=True, check=True,
                               timeout=BOUND, stdout=subprocess.PIPE)
        return {row.split("\t")[0].replace("\\ ", " ") for row in found.stdout.splitlines()}

    def close(self):
        pass


@pytest.fixture(scope="module", params=[
    pytest.param(bash, marks=needs("bash")),
    pytest.param(bash_with_package, marks=needs(PACKAGE)),
    pytest.param(zsh, marks=needs("zsh")),
    pytest.param(Fish, marks=needs("fish"))])
def offered(request, tmp_path_factory):
    """What a shell offers at the end of a line, in a folder with FILES."""
    home, files = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("files")
    for name in FILES:
        (files / name).touch()
    shell = request.param(home, files)
    yield shell
    shell.close()


def help_of(program, *command):
    return subprocess.run([str(PROGRAMS[program]), *command, "--help"], text=True, check=True,
                          capture_output=True).stdout


def options_of(text):
    return set(re.findall(r"^  (?:-\w, |    )?(--[\w-]+)", text, flags=re.MULTILINE))


def commands():
    listed = help_of("genesys-webhook").partition("\nCommands:\n")[2].partition("\n\n")[0]
    return set(re.findall(r"^  ([\w-]+)", listed, flags=re.MULTILINE))


def test_every_command_is_offered(offered):
    assert {"sign", "send", "show", "help"} <= commands()
    assert offered("genesys-webhook ") == commands()
    assert offered("genesys-webhook help ") == commands()


def test_every_option_is_offered(offered):
    lines = {"genesys-webhookd": help_of("genesys-webhookd"),
             "genesys-webhook": help_of("genesys-webhook"),
             **{f"genesys-webhook {name}": help_of("genesys-webhook", name) for name in commands()}}
    for line, text in lines.items():
        found = {word.rstrip("=") for word in offered(f"{line} --")}
        assert found == options_of(text), line


CASES = [
    ("genesys-webhook sig", {"sign"}),
    ("genesys-webhook sign --enc", {"--encoding"}),
    ("genesys-webhook sign --encoding ", {"hex", "base64"}),
    ("genesys-webhook sign --encoding=b", {"--encoding=base64"}),
    ("genesys-webhook send --timeout 3 --encoding h", {"hex"}),
    ("genesys-webhook sign --header ", set()),
    ("genesys-webhook sign --secret-file o", {"other.json"}),
    ("genesys-webhook sign ", FILES),
    ("genesys-webhook show --json ", FILES),
    ("genesys-webhook show other.json a", {"an event.json"}),
    ("genesys-webhook send http://127.0.0.1/ ", FILES),
    ("genesys-webhookd o", set()),
    ("genesys-webhookd --config ", FILES),
    ("genesys-webhookd -t -c o", {"other.json"}),
]


@pytest.mark.parametrize("line, expected", CASES)
def test_what_may_stand_there_is_offered(offered, line, expected):
    assert {word.rstrip("=") for word in offered(line)} == expected


@pytest.mark.parametrize("program", PROGRAMS)
@needs("shellcheck")
def test_shellcheck_finds_nothing_in_those_for_bash(program):
    found = subprocess.run(["shellcheck", str(BUILT / program)], text=True, check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert (found.returncode, found.stdout) == (0, "")
