#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs every test there is. A stage that fails does not keep the later ones from running.
# shellcheck disable=SC2317 # stages are called by their names
set -uo pipefail

# In their order: a name, and what it does. Each is the function stage_NAME below.
stages=(
    'packages|installs what the tests need (apt)'
    'gcc|gcc with -Werror; unit and integration tests'
    'style|house rules: includes, lengths, names, documentation'
    'format|clang-format would change nothing'
    'shell|shellcheck finds nothing'
    'python|pyflakes finds nothing'
    'smoke|tests/smoke.sh against a running daemon'
    'quickstart|packaging/quickstart.sh --once'
    'asan|clang, AddressSanitizer and UBSan; unit and integration tests'
    'tsan|clang, ThreadSanitizer; unit tests with threads, and integration tests'
    'fuzz|each fuzzer for FUZZ_SECONDS, from its corpus'
    'tidy|clang-tidy finds nothing'
    'cppcheck|cppcheck finds nothing'
    'analyzer|gcc -fanalyzer finds nothing'
)

cd "$(dirname "$0")/.." || exit 1
# shellcheck source=packaging/apt.sh
. packaging/apt.sh

cores=$(nproc)
jobs=${TEST_JOBS:-$((2 * cores))}
fuzz_seconds=${FUZZ_SECONDS:-30}
builds=build-test
results=$builds/results.txt

export PYTHONDONTWRITEBYTECODE=1
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1

about()
{
    printf '%s\n' "${stages[@]}" | sed -n "s/^$1|//p"
}

usage()
{
    local stage

    cat <<END
Usage: tests/run.sh [STAGE...]

Without a STAGE, runs them all. The last lines name what failed and what was skipped, with the
reason, and sum up. Builds, logs and what the fuzzers found are in $builds/.

END
    for stage in "${stages[@]}"; do
        printf '  %-11s %s\n' "${stage%%|*}" "${stage#*|}"
    done
    cat <<END

  FUZZ_SECONDS   how long each fuzzer runs (30)
  TEST_JOBS      how many tests run at a time (two a core)

Not among them, as they take long and need root and debootstrap: tests/chroot.sh (the README's
commands in a clean Debian), tests/package.sh (the Debian package, from its build to its purge) and
tests/container.sh (the container image, built and run without an engine).
END
}

# --- what the stages are made of

# configure NAME COMPILER OPTIONS...
configure()
{
    local dir=$builds/$1 compiler=$2 log=$builds/log/configure-$1.txt how=setup

    shift 2
    [ ! -f "$dir/build.ninja" ] || how=configure
    CC=$compiler meson "$how" "$dir" "$@" >"$log" 2>&1 || {
        cat "$log"
        return 1
    }
}

build()
{
    configure "$@" -Dwerror=true && ninja -C "$builds/$1"
}

# Reads "pass NAME", "fail NAME" or "skip NAME" and puts them to the results.
record()
{
    sed "s/ / $1: /" >>"$results"
}

# Within a test program that passes as a whole, pytest tells what it skipped (-rs).
record_meson()
{
    python3 -c '
import json, re, sys
words = {"OK": "pass", "EXPECTEDFAIL": "pass", "SKIP": "skip"}
skipped = re.compile(r"^SKIPPED \[(\d+)\] (?:\S*/)?(.*)", re.M)
for test in map(json.loads, sys.stdin):
    print(words.get(test["result"], "fail"), test["name"].partition(":")[2])
    for count, reason in skipped.findall(test.get("stdout", "")):
        print(f"skip {reason}\n" * int(count), end="")
' <"$builds/$1/meson-logs/$1.json" | record "$1"
}

record_tap()
{
    sed -n 's/^ok [0-9]* - /pass /p; s/^not ok [0-9]* - /fail /p' | record "$1"
}

# run_tests BUILD ARGUMENTS...: as of meson test, which the launcher may start.
launcher=()
run_tests()
{
    local name=$1 status=0

    shift
    "${launcher[@]}" meson test -C "$builds/$name" --no-rebuild --print-errorlogs \
        --logbase "$name" --num-processes "$jobs" "$@" || status=1
    record_meson "$name" || status=1
    return "$status"
}

free_port()
{
    python3 -c 'import socket
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    print(probe.getsockname()[1])'
}

c_files()
{
    find "$@" -name '*.[ch]' -not -path '*/node_modules/*' -print0
}

# --- the stages

stage_packages()
{
    install_packages "${test_packages[@]}"
    # Not by name in the list: another vendor's Node has its own npm, which Debian's would conflict with.
    command -v npm >/dev/null || install_packages nodejs npm
    tests/npm/install.sh
}

stage_gcc()
{
    build gcc gcc && run_tests gcc --suite unit --suite integration
}

stage_style()
{
    local status=0 output=$builds/log/rules.txt

    tests/style/style.py >"$output" || status=$?
    cat "$output"
    sed -n 's/^\(PASS\|FAIL\) \([a-z_]*\):.*/\L\1 \2/p' "$output" | record style
    return "$status"
}

stage_format()
{
    c_files src include tests | xargs -0 clang-format --dry-run -Werror
}

stage_shell()
{
    find .ci packaging tests -type f -not -path '*/node_modules/*' \( -name '*.sh' -o -path .ci/run \
        -o -name '*.postrm' -o -path packaging/debian/tests/smoke \) -print0 |
        xargs -0 shellcheck --external-sources
}

stage_python()
{
    find packaging src tests -name '*.py' -not -path '*/node_modules/*' -print0 | xargs -0 pyflakes3
}

stage_smoke()
{
    build gcc gcc && GENESYS_WEBHOOK_SECRET=$(openssl rand -hex 32) smoke_a_daemon "$(free_port)"
}

# In a subshell, so that its trap ends the daemon whatever happens.
smoke_a_daemon()
(
    export GENESYS_WEBHOOK_SECRET
    folder=$(mktemp -d)
    printf '[server]\nlisten=127.0.0.1:%s\n[file]\npath=%s\n' \
        "$1" "$folder/events.jsonl" >"$folder/genesys-webhookd.ini"
    "$builds/gcc/genesys-webhookd" --config "$folder/genesys-webhookd.ini" &
    daemon=$!
    trap 'kill "$daemon" 2>/dev/null; rm -rf "$folder"' EXIT
    curl --silent --fail --retry 10 --retry-connrefused "http://127.0.0.1:$1/readyz" || return
    tests/smoke.sh "http://127.0.0.1:$1/webhook" | tee "$folder/tap"
    status=$?
    record_tap smoke <"$folder/tap"
    kill "$daemon" && wait "$daemon" && return "$status"
)

stage_quickstart()
{
    PORT=$(free_port) BUILD=$builds/quickstart packaging/quickstart.sh --once
}

stage_asan()
{
    local -x KILLS=20 SEEDS=5

    build asan clang -Db_sanitize=address,undefined -Db_lundef=false -Dfuzz=true &&
        run_tests asan --suite unit --suite integration
}

# The memory layout that ThreadSanitizer expects is not what newer kernels' randomness leaves.
stage_tsan()
{
    local threaded status=0 launcher=(setarch --addr-no-randomize)
    local -x KILLS=20 SEEDS=5 # the plain build takes them all

    mapfile -t threaded < <(
        grep --files-with-matches 'pthread\|gw/\(journal\|file_store\|loop\|log\)\.h' \
            tests/unit/test_*.c | sed 's|.*/test_\(.*\)\.c|\1|'
    )
    build tsan clang -Db_sanitize=thread -Db_lundef=false || return
    run_tests tsan --suite unit "${threaded[@]}" || status=1
    run_tests tsan --suite integration || status=1
    return "$status"
}

stage_fuzz()
{
    build asan clang -Db_sanitize=address,undefined -Db_lundef=false -Dfuzz=true || return
    mkdir -p "$builds/found"
    export -f fuzz_one
    export builds fuzz_seconds results
    find "$builds/asan/tests/fuzz" -maxdepth 1 -name 'fuzz_*' -type f -executable -print0 |
        xargs -0 --max-args=1 --max-procs="$cores" bash -c 'fuzz_one "$@"' fuzz_one
}

# The corpus is copied, because a fuzzer adds to the one that it is given.
fuzz_one()
{
    local fuzzer=$1 name corpus output status=0

    name=${fuzzer##*/fuzz_}
    corpus=$(mktemp -d)
    output=$(mktemp)
    cp -r "tests/fuzz/corpus/$name/." "$corpus" 2>/dev/null
    "$fuzzer" -max_total_time="$fuzz_seconds" -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="$builds/found/$name-" "$corpus" >"$output" 2>&1 || status=$?
    if [ "$status" -eq 0 ]; then
        echo "pass fuzz: $name" >>"$results"
        printf '%s: %s\n' "$name" "$(grep DONE "$output")"
    else
        echo "fail fuzz: $name" >>"$results"
        printf '%s: exit status %d; what it found is in %s\n%s\n' \
            "$name" "$status" "$builds/found" "$(tail -n 60 "$output")"
    fi
    rm -rf "$corpus" "$output"
    return "$status"
}

stage_tidy()
{
    configure tidy clang -Dtests=true -Dfuzz=true &&
        find src tests -name '*.c' -not -path '*/node_modules/*' -print0 |
        xargs -0 --max-args=1 --max-procs="$cores" clang-tidy --quiet -p "$builds/tidy" 2>&1 |
        sed '/^[0-9]* warnings\{0,1\} generated\.$/d'
}

# Its preprocessor does not know __VA_OPT__, of which there is one, in gw_log.
stage_cppcheck()
{
    cppcheck --quiet -j "$cores" --error-exitcode=1 --std=c11 --inline-suppr \
        --enable=warning,performance,portability --suppress=missingIncludeSystem \
        -D_GNU_SOURCE '-D__VA_OPT__(...)=' -I include src
}

# gcc 12 loses sight of what is kept through a pointer to a member; LeakSanitizer does not.
stage_analyzer()
{
    build analyzer gcc -Dtests=false '-Dc_args=-fanalyzer -Wno-analyzer-malloc-leak'
}

# --- running them

# tally STAGE: how its tests ended, as " (12 passed, 1 failed)"; nothing where it has none.
tally()
{
    awk -v stage="$1:" '$2 == stage { n[$1]++; all++ }
        END { if (all) printf ", %d tests passed, %d failed", n["pass"], n["fail"]
              if (n["skip"]) printf ", %d skipped", n["skip"] }' "$results"
}

run_stage()
{
    local name=$1 log=$builds/log/$1.txt started=$SECONDS word=PASS

    printf '\n== %s: %s\n' "$name" "$(about "$name")"
    "stage_$name" >"$log" 2>&1 9>&- || word=FAIL
    [ "$word" = PASS ] || tail -n 200 "$log"
    printf '%s %s (%d s%s)\n' "$word" "$name" $((SECONDS - started)) "$(tally "$name")"
    echo "${word,,} stage $name" >>"$results"
}

sum_up()
{
    grep '^fail' "$results" | sed 's/^/  /'
    grep '^skip' "$results" | sort | uniq --count | sed 's/^ */  /'
    awk '{ n[$1]++ }
        END { printf "%d passed, %d failed", n["pass"], n["fail"]
              if (n["skip"]) printf ", %d skipped", n["skip"]
              print ""
              exit n["fail"] > 0 }' "$results"
}

main()
{
    local name

    case "${1:-}" in
    -h | --help) usage && exit 0 ;;
    esac
    [ $# -gt 0 ] || set -- "${stages[@]%%|*}"
    for name; do
        [ -n "$(about "$name")" ] || { usage >&2 && exit 2; }
    done
    mkdir -p "$builds/log"
    exec 9>"$builds/lock"
    flock --nonblock 9 || {
        echo "tests/run.sh: another one is at work in $builds/" >&2
        exit 1
    }
    : >"$results"
    for name; do
        run_stage "$name"
    done
    printf '\n'
    sum_up
}

# In braces it is read whole before it runs; the shell would stumble over an edit under way.
{
    main "$@"
    exit
}
