#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""House rules as tests (CONTRIBUTING.md names them). Usage: style.py [RULE...]

Each rule is a function that yields what offends it, as "where: what". One PASS or FAIL line a rule.
"""

import pathlib
import re
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# A folder of src/ includes only headers of its own and of the folders before it.
FOLDERS = ("base", "webhook", "aws", "store", "http", "genesys", "admin", "daemon", "cli", "generate")
# A header belongs to the folder that holds the .c of its name; these have none, or another name.
HEADERS = {"base": "base", "store": "store", "file_store": "store", "dynamodb_store": "store",
           "aws_client": "aws", "aws_credentials": "aws",
           "aws_profile": "aws", "aws_retry": "aws", "status_page": "admin"}

# Modules without a unit test of their own name, and what of tests/ tries them.
TRIED_BY = {
    "aws/client.c": "unit/test_aws_client.c",
    "aws/curl_loop.c": "unit/test_http_client.c",
    "aws/error.c": "unit/test_aws_error.c",
    "aws/http_transfer.c": "unit/test_http_connections.c",
    "aws/retry.c": "unit/test_aws_retry.c",
    "aws/credentials_json.c": "unit/test_credentials.c",
    "aws/provider.c": "unit/test_credentials.c",
    "aws/provider_chain.c": "unit/test_providers.c",
    "aws/provider_container.c": "integration/test_credentials.py",
    "aws/provider_environment.c": "unit/test_providers.c",
    "aws/provider_imds.c": "integration/test_credentials.py",
    "aws/provider_profile.c": "unit/test_providers.c",
    "aws/provider_web_identity.c": "integration/test_credentials.py",
    "aws/sts.c": "integration/test_credentials.py",
    "base/config_keys.c": "unit/test_config.c",
    "base/read_back.c": "unit/test_follow.c",
    "base/config_value.c": "unit/test_config.c",
    "cli/ask.c": "integration/test_doctor.py",
    "cli/doctor.c": "integration/test_doctor.py",
    "cli/doctor_config.c": "integration/test_doctor.py",
    "cli/doctor_daemon.c": "integration/test_doctor.py",
    "cli/doctor_store.c": "integration/test_doctor.py",
    "cli/doctor_url.c": "integration/test_doctor_url.py",
    "cli/dynamodb_session.c": "integration/test_table_command.py",
    "cli/health.c": "integration/test_companion.py",
    "cli/explain.c": "integration/test_explain.py",
    "cli/help.c": "unit/test_cli.c",
    "cli/main.c": "integration/test_companion.py",
    "cli/options.c": "unit/test_cli.c",
    "cli/send.c": "integration/test_send.py",
    "cli/send_report.c": "integration/test_send.py",
    "cli/sender.c": "integration/test_send.py",
    "cli/show.c": "integration/test_companion.py",
    "cli/sign.c": "integration/test_companion.py",
    "cli/table_check.c": "integration/test_table_command.py",
    "cli/table_command.c": "integration/test_table_command.py",
    "cli/table_create.c": "integration/test_table_command.py",
    "cli/tail.c": "integration/test_tail.py",
    "cli/tail_line.c": "integration/test_tail.py",
    "daemon/arguments.c": "integration/test_config_cli.py",
    "daemon/backend.c": "integration/test_gap.py",
    "daemon/gap_watch.c": "integration/test_gap.py",
    "daemon/main.c": "integration/test_config_cli.py",
    "daemon/service.c": "integration/test_drain.py",
    "daemon/worker.c": "integration/test_drain.py",
    "generate/bash.c": "integration/test_completions.py",
    "generate/fish.c": "integration/test_completions.py",
    "generate/main.c": "integration/test_completions.py",
    "generate/mdoc.c": "integration/test_manual.py",
    "generate/program.c": "integration/test_completions.py",
    "generate/zsh.c": "integration/test_completions.py",
    "http/accept.c": "integration/test_listen.py",
    "http/head.c": "integration/test_strictness.py",
    "http/connection.c": "integration/test_timeouts.py",
    "http/front.c": "integration/test_limits.py",
    "http/request.c": "integration/test_answers.py",
    "store/dynamodb.c": "integration/test_dynamodb.py",
    "store/dynamodb_access.c": "integration/test_dynamodb.py",
    "store/dynamodb_backend.c": "integration/test_dynamodb.py",
    "store/file.c": "unit/test_file_store.c",
    "store/journal_batch.c": "unit/test_journal.c",
    "store/journal_file.c": "unit/test_journal_faults.c",
}

FILE_LINES_MAX = 600
FUNCTION_LINES_MEDIAN = 15
FUNCTION_LINES_P90 = 45
FUNCTION_LINES_MAX = 60

# In pieces, so that the rules do not find themselves.
UNFINISHED = re.compile(r"\b(" + "|".join(("TO" "DO", "FIX" "ME", "X" "XX")) + r")\b")
REGISTRIES = tuple(".".join(parts) for parts in (
    ("npmjs", "org"), ("pypi", "org"), ("pythonhosted", "org"), ("crates", "io"),
    ("deb", "debian", "org"), ("proxy", "golang", "org"), ("rubygems", "org")))
NOT_OURS = {".git", "node_modules", "__pycache__", ".pytest_cache"}
NOT_TEXT = {".png"}


def files(*folders, suffixes=None):
    """All files of the tree that are not made by a build, or those below the folders."""
    for folder in folders or (".",):
        for path in sorted((ROOT / folder).rglob("*")):
            parts = path.relative_to(ROOT).parts
            built = parts[0].startswith("build") or NOT_OURS.intersection(parts)
            wanted = path.suffix in suffixes if suffixes else path.suffix not in NOT_TEXT
            if path.is_file() and not built and wanted:
                yield path


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def text_of(path):
    return path.read_text(encoding="utf-8", errors="replace")


def numbered(path):
    return enumerate(text_of(path).splitlines(), 1)


def sources():
    return files("src", "include", "tests", suffixes={".c", ".h", ".py", ".sh"})


def is_script(path):
    return not path.suffix and text_of(path).startswith("#!")


def spdx_line():
    """Each source file says its licence in the first line, or below its #! line."""
    suffixes = {".c", ".h", ".py", ".sh", ".js"}
    for path in files():
        is_source = path.suffix in suffixes or path.name in ("meson.build", "meson_options.txt")
        first = "\n".join(text_of(path).split("\n", 2)[:2]) if is_source or is_script(path) else ""
        if first and "SPDX-License-Identifier: Apache-2.0" not in first:
            yield f"{name_of(path)}: no SPDX line"


def file_length():
    """No source file is over 600 lines."""
    for path in sources():
        lines = text_of(path).count("\n")
        if lines > FILE_LINES_MAX:
            yield f"{name_of(path)}: {lines} lines"


def functions():
    """(lines, "file:line name", is static) of each function in src/, by universal-ctags."""
    paths = [name_of(path) for path in files("src", suffixes={".c", ".h"})]
    tags = subprocess.run(
        ["ctags", "-f", "-", "--languages=C", "--langmap=C:.c.h", "--kinds-C=f", "--fields=nef",
         *paths], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for tag in tags.splitlines():
        name, path, _, *fields = tag.split("\t")
        numbers = dict(field.split(":", 1) for field in fields if ":" in field)
        begin, end = int(numbers["line"]), int(numbers["end"])
        yield end - begin + 1, f"{path}:{begin} {name}", "file" in numbers


def function_length():
    """Functions of src/ are short in the median, and so is nearly every single one."""
    found = sorted(functions(), reverse=True)
    lengths = [lines for lines, _, _ in found]
    median = statistics.median(lengths)
    p90 = statistics.quantiles(lengths, n=10)[-1]
    print(f"# {len(found)} functions: median {median:g} lines, p90 {p90:g}; the longest ten:")
    for lines, where, _ in found[:10]:
        print(f"#   {lines:3} {where}")
    if median > FUNCTION_LINES_MEDIAN:
        yield f"src/: the median is {median:g} lines, over {FUNCTION_LINES_MEDIAN}"
    if p90 > FUNCTION_LINES_P90:
        yield f"src/: p90 is {p90:g} lines, over {FUNCTION_LINES_P90}"
    for lines, where, _ in found:
        if lines > FUNCTION_LINES_MAX:
            yield f"{where}: {lines} lines, over {FUNCTION_LINES_MAX}"


def owners():
    """The folder of each header in include/gw."""
    by_source = {path.stem: path.parent.name for path in files("src", suffixes={".c"})}
    return {path.stem: HEADERS.get(path.stem) or by_source.get(path.stem)
            for path in files("include/gw", suffixes={".h"})}


def include_direction():
    """Includes go one way only: see FOLDERS."""
    owner = owners()
    for header, folder in owner.items():
        if folder not in FOLDERS:
            yield f"include/gw/{header}.h: of no folder; has it a .c, or a line in HEADERS?"
    for path in files("src", "include/gw", suffixes={".c", ".h"}):
        of_src = path.is_relative_to(ROOT / "src")
        here = path.parent.name if of_src else owner[path.stem]
        for number, line in numbered(path):
            included = re.match(r'\s*#\s*include\s+"gw/(\w+)\.h"', line)
            there = owner.get(included[1]) if included else None
            if here in FOLDERS and there in FOLDERS and \
                    FOLDERS.index(there) > FOLDERS.index(here):
                yield f"{name_of(path)}:{number}: {here} includes {included[1]}.h of {there}"


def include_form():
    """Of ours, a .c includes gw/ headers or private ones beside it, never by a path."""
    for path in files("src", suffixes={".c", ".h"}):
        for number, line in numbered(path):
            included = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not included or included[1].startswith("gw/"):
                continue
            if "/" in included[1] or not (path.parent / included[1]).exists():
                yield f"{name_of(path)}:{number}: includes \"{included[1]}\""


def declarations(path):
    """(line number, name, documented) of each function declared in a header.

    Documented is what stands in one block with a comment: no blank line between them.
    """
    documented = False
    in_comment = False
    for number, line in numbered(path):
        if not line.strip():
            documented = False
        if in_comment or line.lstrip().startswith("/*"):
            in_comment = "*/" not in line
            documented = True
            continue
        declared = re.match(r"(?:static inline )?[a-z][\w ]*[ *](gw_\w+)\(", line)
        if declared:
            yield number, declared[1], documented or line.startswith("static inline")


def documented_functions():
    """Every function declared in include/gw has a comment, its own or its group's."""
    for path in files("include/gw", suffixes={".h"}):
        for number, name, documented in declarations(path):
            if not documented:
                yield f"{name_of(path)}:{number}: {name} has no comment"


def naming():
    """Structs are not hidden behind a typedef; what other files see begins with gw_."""
    for path in files("src", "include", "tests", suffixes={".c", ".h"}):
        for number, line in numbered(path):
            if re.search(r"\btypedef\s+(struct|union)\b", line):
                yield f"{name_of(path)}:{number}: a typedef of a struct"
    for _, where, is_static in functions():
        name = where.split()[-1]
        if not is_static and not name.startswith("gw_") and name != "main":
            yield f"{where}: not static, and not gw_"


def modules_tested():
    """Each .c of src/ has a unit test of its name, or a line in TRIED_BY."""
    names = {path.relative_to(ROOT / "src").as_posix() for path in files("src", suffixes={".c"})}
    own = {name: f"unit/test_{pathlib.PurePath(name).stem}.c" for name in names}
    for name, test in sorted({**own, **TRIED_BY}.items()):
        if not (ROOT / "tests" / test).exists():
            yield f"src/{name}: there is no tests/{test}"
        if name in TRIED_BY and (name not in names or (ROOT / "tests" / own[name]).exists()):
            yield f"src/{name}: needs no line in TRIED_BY"


def nothing_unfinished():
    """Nothing is left to do by its own word."""
    for path in files():
        for number, line in numbered(path):
            if UNFINISHED.search(line):
                yield f"{name_of(path)}:{number}: {line.strip()}"


def documented_keys():
    """(section, key) of each table row below a heading that names the section."""
    section = None
    for _, line in numbered(ROOT / "docs/configuration.md"):
        heading = re.match(r"#+ \[(\w+)\]", line)
        row = re.match(r"\| `(\w+)` \|", line)
        section = heading[1] if heading else section
        if row:
            yield section, row[1]


def configuration_documented():
    """docs/configuration.md and config/genesys-webhookd.ini have the same keys."""
    documented = set(documented_keys())
    section = None
    configured = set()
    for _, line in numbered(ROOT / "config/genesys-webhookd.ini"):
        heading = re.match(r"\[(\w+)\]", line)
        key = re.match(r"[;#]?(\w+)\s*=", line)
        section = heading[1] if heading else section
        if key:
            configured.add((section, key[1]))
    if not configured:
        yield "config/genesys-webhookd.ini: holds no key"
    for section, key in sorted(documented ^ configured):
        missing = "docs/configuration.md" if (section, key) in configured else "the .ini"
        yield f"[{section}] {key}: not in {missing}"


def call_at(text, start):
    """The arguments of the call whose opening parenthesis is at start - 1; strings may hold some."""
    depth = 1
    for token in re.finditer(r'"(?:[^"\\]|\\.)*"|[()]', text[start:]):
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if depth == 0:
            return text[start:start + token.start()]
    return text[start:]


def messages(text):
    """What is logged by a file: each call's string literals before its fields."""
    for call in re.finditer(r"\b(?:gw_log|gw_log_write|log_errors|compose)\(", text):
        own = re.split(r"\bGW_LOG_(?:STR|SLICE|INT|ERRNO)\b", call_at(text, call.end()))[0]
        for literals in re.findall(r'(?:"[^"]*"\s*)+', own):
            yield "".join(re.findall(r'"([^"]*)"', literals))


def messages_documented():
    """docs/log.md has every message of the daemon's log, and no other."""
    documented = set()
    for _, line in numbered(ROOT / "docs/log.md"):
        if line.startswith("| `"):
            documented.update(re.findall(r"`([^`]*)`", line.split(" | ")[0]))
    logged = {message for path in files("src", suffixes={".c"}) if path.parent.name != "cli"
              for message in messages(text_of(path))}
    for message in sorted(documented ^ logged):
        there = "only in docs/log.md" if message in documented else "not in docs/log.md"
        yield f"{message}: {there}"


def tests_named_exist():
    """The tests that docs/ names are there."""
    there = {path.stem for path in files("tests", suffixes={".c", ".py"})}
    for path in files("docs", suffixes={".md"}):
        for number, line in numbered(path):
            for name in re.findall(r"`(?:[\w/]+/)?((?:test|fuzz)_\w+)(?:\.\w+)?`", line):
                if name not in there:
                    yield f"{name_of(path)}:{number}: there is no {name}"


def tests_run():
    """Each test and fuzzer is named where meson looks for what to run."""
    for folder, pattern in (("unit", "test_*.c"), ("integration", "test_*.py"), ("fuzz", "fuzz_*.c")):
        named = text_of(ROOT / "tests" / folder / "meson.build")
        for path in sorted((ROOT / "tests" / folder).glob(pattern)):
            if f"'{path.stem.partition('_')[2]}'" not in named:
                yield f"{name_of(path)}: not in its meson.build"


def no_registry():
    """No file names a package registry: where packages come from is the machine's to say."""
    for path in files():
        for number, line in numbered(path):
            for host in REGISTRIES:
                if host in line:
                    yield f"{name_of(path)}:{number}: names {host}"


RULES = (spdx_line, file_length, function_length, include_direction, include_form,
         documented_functions, naming, modules_tested, nothing_unfinished,
         configuration_documented, messages_documented, tests_named_exist, tests_run, no_registry)


def holds(rule):
    try:
        offences = list(rule())
    except FileNotFoundError as error:
        offences = [f"{error.filename}: is not there"]
    for offence in offences:
        print(f"  {offence}")
    print(f"{'FAIL' if offences else 'PASS'} {rule.__name__}: {rule.__doc__}")
    return not offences


def main(names):
    rules = {rule.__name__: rule for rule in RULES}
    unknown = [name for name in names if name not in rules]
    if unknown:
        sys.exit(f"no such rule: {' '.join(unknown)}; there are: {' '.join(rules)}")
    results = [holds(rules[name]) for name in names or rules]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
