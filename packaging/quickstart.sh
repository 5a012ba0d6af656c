#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From a fresh Debian 12 to a signed event that is verified, routed and stored, in one command.
set -euo pipefail

usage()
{
    cat <<END
Usage: [PORT=8080] packaging/quickstart.sh [--once]

Installs what is needed (apt), builds into build/, starts the daemon on 127.0.0.1:PORT with the
embedded default (a local file), sends it three signed events and a forged one, and shows what
came of them. Then the daemon stays in the foreground until Ctrl-C.

  --once   stop the daemon after that and exit; nonzero if any answer was not as expected

What it makes is in build/quickstart/: the secret, the configuration, the log, the events.
END
}

once=no
case "${1:-}" in
'') ;;
--once) once=yes ;;
-h | --help) usage && exit 0 ;;
*) usage >&2 && exit 2 ;;
esac

cd "$(dirname "$0")/.."
# shellcheck source=packaging/apt.sh
. packaging/apt.sh

port=${PORT:-8080}
url=http://127.0.0.1:$port/webhook
build=${BUILD:-build}
server=$build/genesys-webhookd
companion=$build/genesys-webhook
run=$build/quickstart
secret=$run/secret
events=$run/events.jsonl
log=$run/daemon.log
conversation=quickstart-$(cat /proc/sys/kernel/random/uuid)
daemon=

if [ -t 1 ]; then
    bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
else
    bold='' green='' red='' plain=''
fi

step()
{
    printf '\n%s%s%s\n' "$bold" "$1" "$plain"
}

fail()
{
    printf '\n%sThis did not go as it should:%s %s\n' "$red" "$plain" "$1" >&2
    exit 1
}

# The daemon drains, and its exit status is the verdict.
stop_daemon()
{
    local stopped=$daemon

    daemon=
    kill -TERM "$stopped" 2>/dev/null || true
    wait "$stopped"
}

clean_up()
{
    [ -z "$daemon" ] || stop_daemon || true
    [ -z "${work:-}" ] || rm -rf "$work"
}

# Output of tools is for those who have to find out why.
quietly()
{
    "$@" >"$work/output" 2>&1 || {
        tail -n 40 "$work/output" >&2
        fail "\"$*\" failed; the end of what it said is above."
    }
}

build()
{
    quietly meson setup "$build" --buildtype=release -Dtests=false
    quietly ninja -C "$build" genesys-webhookd genesys-webhook
}

# The secret and the events of an earlier run stay: they may be in use by somebody.
configure()
{
    mkdir -p "$run"
    [ -s "$secret" ] || (umask 077 && openssl rand -hex 32 >"$secret")
    cat >"$run/genesys-webhookd.ini" <<END
[server]
listen = 127.0.0.1:$port

[signature]
secret_file = $PWD/$secret

[file]
path = $PWD/$events
END
}

check_port()
{
    ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null ||
        fail "Port $port of 127.0.0.1 is taken by another program. Try another port:
    PORT=8081 packaging/quickstart.sh"
}

# In a session of its own, so that Ctrl-C reaches this script alone, which then stops it once.
start_daemon()
{
    setsid "$server" --config "$run/genesys-webhookd.ini" 2>"$log" &
    daemon=$!
    for _ in $(seq 100); do
        curl --silent --fail --output /dev/null "http://127.0.0.1:$port/readyz" && return
        kill -0 "$daemon" 2>/dev/null || break
        sleep 0.1
    done
    cat "$log" >&2
    fail "The daemon did not become ready; its log is above."
}

# event TYPE MEMBERS: one as Genesys Cloud sends it, to standard output.
event()
{
    printf '{"event_type":"%s","conversation_id":"%s","timestamp":"%s",%s}' \
        "$1" "$conversation" "$(date --utc +%Y-%m-%dT%H:%M:%S.%3NZ)" "$2"
}

# deliver SIGNATURE-HEADER STATUS BODY: posts $work/event and compares the answer.
deliver()
{
    local status answer colour=$green

    status=$(curl --silent --show-error --max-time 10 --output "$work/answer" \
        --write-out '%{http_code}' --header "$1" --header 'Content-Type: application/json' \
        --data-binary "@$work/event" "$url") || fail "No answer from $url."
    answer=$(cat "$work/answer")
    [ "$2" = 200 ] || colour=$red
    printf '   %-22s %s%s%s  %s\n' "$(sed 's/.*"event_type":"\([^"]*\)".*/\1/' "$work/event")" \
        "$colour" "$status" "$plain" "$answer"
    [ "$status $answer" = "$2 $3" ] || fail "The answer should have been $2 $3"
}

send_signed()
{
    local signature

    event "$1" "$2" >"$work/event"
    signature=$("$companion" sign --secret-file "$secret" "$work/event")
    deliver "$signature" 200 "{\"success\":true,\"eventId\":\"$conversation\"}"
}

send_forged()
{
    event "$1" "$2" >"$work/event"
    deliver "X-Genesys-Signature: $(openssl rand -hex 32)" 401 \
        '{"error":"Unauthorized: Invalid signature"}'
}

show_record()
{
    "$companion" show "$events" --id "$conversation" | sed 's/^/   /'
    "$companion" show --json "$events" --id "$conversation" >"$work/record"
    grep -q '"status":"ended"' "$work/record" || fail "The record's status should be \"ended\"."
    [ "$(wc -l <"$work/record")" -eq 1 ] || fail "There should be one record."
}

say_how_to_go_on()
{
    step "How to go on"
    cat <<END
   Send an event of your own      $build/genesys-webhook send --secret-file $secret $url FILE
   See all records                $build/genesys-webhook show $events
   Check every kind of answer     tests/smoke.sh --secret-file $secret $url
   Configure it                   docs/configuration.md and config/genesys-webhookd.ini
   Run all tests                  tests/run.sh
END
}

# Returns the daemon's exit status. The first wait is cut short by the signal that ends it all.
follow_until_interrupted()
{
    local stopping=no status=0 follower

    trap 'stopping=yes; kill -TERM "$daemon" 2>/dev/null || true' INT TERM HUP
    step "The daemon is running; its log follows. Ctrl-C stops it."
    tail --lines=+1 --follow --sleep-interval=0.2 --pid="$daemon" "$log" &
    follower=$!
    wait "$daemon" || status=$?
    if [ "$stopping" = yes ] && [ "$status" -gt 128 ]; then
        status=0
        wait "$daemon" || status=$?
    fi
    daemon=
    wait "$follower"
    return "$status"
}

work=$(mktemp -d)
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

check_port

step "1. Packages"
install_packages "${build_packages[@]}" || fail "The packages could not be installed."
echo "   all there: ${build_packages[*]}"

step "2. Build"
build
echo "   $server, the daemon, and $companion, its companion"

step "3. Start"
configure
start_daemon
echo "   listening on $url, storing to $events"
echo "   the secret that signs events is in $secret"

step "4. Three events of one conversation, signed"
contact='"external_contact":{"id":"contact-1"}'
send_signed conversation:created "\"type\":\"voice\",$contact"
send_signed conversation:updated '"state":"connected"'
send_signed conversation:ended "\"type\":\"voice\",$contact"

step "5. And one with a forged signature"
send_forged conversation:created "\"type\":\"voice\",$contact"

step "6. The record that came of them"
show_record

if [ "$once" = yes ]; then
    stop_daemon || fail "The daemon ended with status $?; see $log."
    step "All as expected. The daemon has stopped cleanly."
    exit 0
fi

say_how_to_go_on
status=0
follow_until_interrupted || status=$?
[ "$status" -eq 0 ] || fail "The daemon ended with status $status; its log is above and in $log."
step "The daemon has stopped cleanly. Its events stay in $events."
