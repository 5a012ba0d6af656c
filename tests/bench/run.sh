#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The benchmark: genesys-webhookd beside nginx, bare libmicrohttpd and the same logic in Node, in
# one run and in turns, because between runs a shared machine differs by more than they do. Prints
# Markdown for docs/performance.md on stdout, progress on stderr. Options, by environment:
#
#   PEERS         of nginx bare node webhookd webhookd_nosync; all of them
#   LOADS         CONNECTIONS:BODY, BODY a file of tests/data without .json
#   PARTS         of load memory startup dynamodb; all of them
#   ROUNDS        3; each peer runs once a round, the medians count
#   SECONDS_EACH  4; after a second of warm-up
#   IDLE          10000; idle connections of the memory part, at most 11000
#   BUILD         build-bench; what is built there is made a release build
#   DIR           BUILD; the events files are written below it: on a real disk, 8 GiB free

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
data=$root/tests/data
PATH=$PATH:/usr/sbin

given= # the options, for the report
for option in PEERS LOADS PARTS ROUNDS SECONDS_EACH IDLE BUILD DIR; do
    [[ ! -v $option ]] || given+="$option='${!option}' "
done
every_peer='nginx bare node webhookd webhookd_nosync'
: "${PEERS:=$every_peer}"
: "${LOADS:=64:event-1083 256:event-1083 1024:event-1083 16:event-116k}"
: "${PARTS:=load memory startup dynamodb}"
: "${ROUNDS:=3}" "${SECONDS_EACH:=4}" "${IDLE:=10000}"
: "${BUILD:=$root/build-bench}"
BUILD=$(realpath -m "$BUILD")
: "${DIR:=$BUILD}"
DIR=$(realpath -m "$DIR")
STARTS=5
BIG_FILE_BYTES=$((1 << 30))
NEEDED_KIB=$((8 << 20)) # a round of 116 KB events, sync=never, at 1 GB/s
export GENESYS_WEBHOOK_SECRET='a secret for the benchmark alone'

server= # the pid of the one that runs
work=   # removed at exit
declare -A packages=([wrk]=wrk [nginx]=nginx-light [node]=nodejs [curl]=curl [openssl]=openssl
    [python3]=python3 [meson]=meson [ninja]=ninja-build [pkg-config]=pkg-config [pgrep]=procps
    [findmnt]=util-linux)

# shellcheck source=tests/bench/peers.sh
source "$here/peers.sh"
# shellcheck source=tests/bench/dynamodb.sh
source "$here/dynamodb.sh"

fail()
{
    echo "run.sh: $*" >&2
    exit 1
}

clean_up()
{
    if [[ $server ]]; then
        end_server
    fi
    if [[ $backend ]]; then
        stop_backend
    fi
    if [[ $work ]]; then
        rm -rf "$work"
    fi
}

has() # LIST WORD
{
    [[ " $1 " == *" $2 "* ]]
}

check_tools()
{
    local tool missing=()
    for tool in "${!packages[@]}"; do
        command -v "$tool" >/dev/null || missing+=("${packages[$tool]}")
    done
    [[ ${#missing[@]} == 0 ]] || fail "missing; install with: apt install ${missing[*]}"
}

check_options()
{
    local peer
    for peer in $PEERS; do
        has "$every_peer" "$peer" || fail "PEERS: no $peer; there are: $every_peer"
    done
}

check_limits()
{
    ulimit -n "$(ulimit -Hn)"
    (($(ulimit -n) >= IDLE + 500)) || fail "needs $((IDLE + 500)) descriptors; see ulimit -Hn"
    (($(df --output=avail "$DIR" | tail -1) >= NEEDED_KIB)) || fail "$DIR has not 8 GiB free"
    case $(file_system) in
    tmpfs) echo "run.sh: $DIR is in memory: fdatasync costs nothing, the figures mean little" >&2 ;;
    esac
}

build()
{
    local targets=(tests/bench/bare_mhd)
    [[ "$PEERS $PARTS" != *@(webhookd|dynamodb)* ]] || targets+=(genesys-webhookd)
    if [[ -e $BUILD/build.ninja ]]; then
        meson configure --buildtype=release "$BUILD" >&2
    else
        meson setup --buildtype=release "$BUILD" "$root" >&2
    fi
    ninja -C "$BUILD" "${targets[@]}" >&2
}

sign() # BODY
{
    openssl dgst -sha256 -hmac "$GENESYS_WEBHOOK_SECRET" -r "$data/$1.json" | cut -d' ' -f1
}

# Sets events, failed, microseconds, p50 and p99.
run_wrk() # SECONDS CONNECTIONS BODY [THINK_MS]
{
    wrk -t1 -c"$2" -d"$1" --timeout 10s -s "$here/post.lua" "http://127.0.0.1:$port/webhook" \
        -- "$data/$3.json" "$(sign "$3")" "${4:-}" >"$work/wrk"
    read -r _ events failed microseconds p50 p99 < <(grep ^result "$work/wrk")
    if ((failed > 0 || events == 0)); then
        cat "$work/wrk" "$run"/*log >&2
        fail "$events answers were 2xx, $failed requests failed"
    fi
}

check_stored() # PEER EVENTS
{
    local lines
    lines=$(wc -l <"$run/events.jsonl")
    ((lines >= $2)) || fail "$1 acknowledged $2 events and stored $lines"
}

measure_load() # ROUND PEER CONNECTIONS BODY
{
    local events failed microseconds p50 p99 warm_up before ticks
    launch "$2"
    run_wrk 1 "$3" "$4"
    warm_up=$events
    before=$(server_ticks)
    run_wrk "$SECONDS_EACH" "$3" "$4"
    ticks=$(($(server_ticks) - before))
    stop_peer "$2"
    if [[ ${peer_stores[$2]:-} ]]; then
        check_stored "$2" $((warm_up + events))
    fi
    echo "$1 $2 $3 $4 $events $microseconds $ticks $p50 $p99" >>"$work/load"
    echo "round $1/$ROUNDS: $2 at $3 connections, $4: $events events" >&2
}

measure_loads()
{
    local round load peer
    for ((round = 1; round <= ROUNDS; round++)); do
        for load in $LOADS; do
            for peer in $PEERS; do
                measure_load "$round" "$peer" "${load%%:*}" "${load#*:}"
            done
        done
    done
}

measure_memory()
{
    local peer pids held
    for peer in $PEERS; do
        launch "$peer"
        mapfile -t pids < <(server_pids)
        held=$(python3 "$here/idle.py" "$port" "$IDLE" "$data/event-1083.json" \
            "$(sign event-1083)" "${pids[@]}")
        echo "$peer $IDLE $held" >>"$work/memory"
        stop_peer "$peer"
        echo "memory: $peer" >&2
    done
}

start_up() # WHAT
{
    local milliseconds
    milliseconds=$(python3 "$here/startup.py" "$port" "$STARTS" \
        "$BUILD/genesys-webhookd" -c "$run/webhookd.ini")
    echo "$1 $milliseconds" >>"$work/startup"
}

measure_startup()
{
    launch webhookd
    stop_peer webhookd
    python3 "$here/repeat.py" "$run/events.jsonl" "$BIG_FILE_BYTES"
    start_up 1-GiB
    rm "$run/events.jsonl"
    start_up empty
}

file_system()
{
    findmnt -no FSTYPE -T "$DIR"
}

version_of_source()
{
    git --no-optional-locks -C "$root" describe --always --dirty 2>/dev/null || echo unknown
}

# What the figures depend on, for whoever reads or repeats them.
describe()
{
    local cpu system load fdatasync_us
    cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)
    # shellcheck source=/dev/null
    system=$(. /etc/os-release && echo "$PRETTY_NAME")
    load=$(cut -d' ' -f1 /proc/loadavg)
    fdatasync_us=$(python3 "$here/fdatasync.py" "$work/fdatasync")
    cat <<TEXT
Machine: $(nproc) x ${cpu:-$(uname -m)}, $system, Linux $(uname -r), load $load before the run. \
File system: $(file_system), where appending 1 KiB and fdatasync take $fdatasync_us us. \
Versions: genesys-webhookd $(version_of_source), libmicrohttpd \
$(pkg-config --modversion libmicrohttpd), $(nginx -v 2>&1 | sed 's/.*: //'), Node $(node --version), \
$(wrk -v 2>&1 | sed -n 's/ \[.*//p').

Command: \`${given}tests/bench/run.sh\`: medians of $ROUNDS rounds of $SECONDS_EACH s, wrk -t1 on the \
same machine; Node is one process, the others have a worker for each core.
TEXT
}

main()
{
    trap clean_up EXIT
    trap 'exit 130' INT TERM
    check_tools
    check_options
    if has "$PARTS" dynamodb; then check_dynamodb; fi
    build
    mkdir -p "$DIR"
    check_limits
    work=$(mktemp -d "$DIR/bench.XXXXXX")
    run=$work/run
    describe >"$work/description"
    if has "$PARTS" load; then measure_loads; fi
    if has "$PARTS" memory; then measure_memory; fi
    if has "$PARTS" startup && has "$PEERS" webhookd; then measure_startup; fi
    if has "$PARTS" dynamodb; then measure_dynamodb; fi
    cat "$work/description"
    python3 "$here/report.py" "$work" "$(getconf CLK_TCK)"
    if has "$PARTS" dynamodb; then
        python3 -B "$here/report_dynamodb.py" "$work" "$(getconf CLK_TCK)"
    fi
}

main
