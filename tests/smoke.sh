#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Smoke-tests a running daemon from outside, with curl and openssl alone; TAP on standard output.
#
# The secret is never an argument of a program: HMAC-SHA256 (RFC 2104) is put together here from
# plain digests and two pads, which lie in files that only this user may read.
set -eu

usage()
{
    cat <<END
Usage: tests/smoke.sh [OPTIONS] URL

URL is the webhook's, such as http://127.0.0.1:8080/webhook. It tries each answer of the README's
table but those that only a state of the daemon brings: 403 (allow) and 503 (overloaded, stopping).
What ends TLS answers some by itself: they are skipped where URL is https. It stores a record
or two of conversations that are named smoke-..., and touches no other.

  --secret-file FILE          instead of GENESYS_WEBHOOK_SECRET
  --header NAME               as [signature] header (X-Genesys-Signature)
  --encoding hex|base64       as [signature] encoding (hex)
  --prefix TEXT               as [signature] prefix (none)
  --max-body BYTES            as [server] max_body (6291456)
  --request-timeout SECONDS   as [server] request_timeout (10), which a 408 takes

Open Messaging: --header X-Hub-Signature-256 --encoding base64 --prefix sha256=
END
}

stop()
{
    echo "Bail out! $1"
    exit 2
}

secret_file=
header=X-Genesys-Signature
encoding=hex
prefix=
max_body=6291456
request_timeout=10
url=
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) usage && exit 0 ;;
    --secret-file) secret_file=${2:?--secret-file needs a file} && shift 2 ;;
    --header) header=${2:?--header needs a name} && shift 2 ;;
    --encoding) encoding=${2:?--encoding needs hex or base64} && shift 2 ;;
    --prefix) prefix=${2?--prefix needs a text} && shift 2 ;;
    --request-timeout) request_timeout=${2:?--request-timeout needs seconds} && shift 2 ;;
    --max-body) max_body=${2:?--max-body needs a number of bytes} && shift 2 ;;
    -*) usage >&2 && exit 2 ;;
    *) url=$1 && shift ;;
    esac
done
case "$url $encoding" in
' '*) usage >&2 && exit 2 ;;
*' hex' | *' base64') ;;
*) usage >&2 && exit 2 ;;
esac
origin=$(printf %s "$url" | sed 's|^\(https\{0,1\}://[^/]*\).*|\1|')

umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# --- signing

hex_of()
{
    od -An -v -tx1 | tr -d ' \n'
}

# The secret as hex, without one line break at its end.
secret_hex()
{
    if [ -n "$secret_file" ]; then
        hex_of <"$secret_file" | sed 's/0d0a$//; t; s/0a$//'
    else
        printf %s "${GENESYS_WEBHOOK_SECRET:-}" | hex_of
    fi
}

# bytes HEX MASK: writes each byte, xor'ed with the mask.
bytes()
{
    left=$1
    while [ -n "$left" ]; do
        next=${left#??}
        # shellcheck disable=SC2059 # an escape is what it shall be
        printf "\\$(printf %03o $((0x${left%"$next"} ^ $2)))"
        left=$next
    done
}

make_pads()
{
    key=$(secret_hex)
    [ -n "$key" ] || stop "no secret: set GENESYS_WEBHOOK_SECRET or give --secret-file"
    [ ${#key} -le 128 ] || key=$(bytes "$key" 0 | openssl dgst -sha256 -binary | hex_of)
    while [ ${#key} -lt 128 ]; do key=${key}00; done
    bytes "$key" 0x36 >"$work/inner"
    bytes "$key" 0x5c >"$work/outer"
}

# 32 bytes as a signature's characters; hex in lower case.
encode()
{
    if [ "$encoding" = hex ]; then
        hex_of
    else
        openssl base64 -A
    fi
}

# The signature of the body file, without the prefix.
signature()
{
    cat "$work/inner" "$1" | openssl dgst -sha256 -binary >"$work/digest"
    cat "$work/outer" "$work/digest" | openssl dgst -sha256 -binary | encode
}

# --- asking and comparing

count=0
failed=0

# expect NAME STATUS BODY CURL-ARGUMENTS...: BODY is a case pattern.
expect()
{
    name=$1 status=$2 pattern=$3
    shift 3
    count=$((count + 1))
    got=$(curl --silent --max-time 20 --output "$work/answer" --dump-header "$work/headers" \
        --write-out '%{http_code}' "$@" </dev/null) || true
    answer=$(cat "$work/answer" 2>/dev/null) || answer=
    verdict='not ok'
    # shellcheck disable=SC2254 # a pattern is what it shall be
    case "$got $answer" in
    "$status "$pattern) verdict=ok ;;
    esac
    echo "$verdict $count - $name"
    rm -f "$work/answer"
    [ "$verdict" = ok ] || {
        failed=$((failed + 1))
        printf 'expected %s %s\ngot      %s %s\n' "$status" "$pattern" "$got" "$answer" |
            sed 's/^/# /'
    }
}

# expect_header NAME PATTERN: of the answer before, in any case.
expect_header()
{
    count=$((count + 1))
    if grep -qi "$2" "$work/headers"; then
        echo "ok $count - $1"
    else
        failed=$((failed + 1))
        echo "not ok $count - $1"
        sed 's/^/# got      /' "$work/headers"
    fi
}

skip()
{
    count=$((count + 1))
    echo "ok $count - $1 # SKIP $2"
}

# post NAME STATUS BODY [CURL-ARGUMENTS...]: posts what lies in $work/body.
post()
{
    name=$1 status=$2 pattern=$3
    shift 3
    expect "$name" "$status" "$pattern" --header 'Content-Type: application/json' \
        --data-binary "@$work/body" "$@" "$url"
}

signed()
{
    post "$@" --header "$header: $prefix$(signature "$work/body")"
}

# body TEXT: makes it the next one to be posted.
body()
{
    printf %s "$1" >"$work/body"
}

# --- the cases

id=smoke-$(openssl rand -hex 8)
now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
stored="{\"success\":true,\"eventId\":\"$id\"}"
unauthorized='{"error":"Unauthorized: Invalid signature"}'
bad_request='{"error":"Bad Request: Invalid JSON"}'
server_error='{"error":"Internal Server Error"}'
error='{"error":"*"}'

event()
{
    body "{\"event_type\":\"$1\",\"conversation_id\":\"$id\",\"timestamp\":\"$now\"$2}"
}

test_stored()
{
    snapshot=',"type":"voice","external_contact":{"id":"contact-1"}'
    event conversation:created "$snapshot"
    signed 'a signed created event is stored' 200 "$stored"
    expect_header 'answers are JSON' '^content-type: application/json'
    event conversation:updated ',"state":"connected"'
    signed 'a signed updated event is stored' 200 "$stored"
    event conversation:ended "$snapshot"
    signed 'a signed ended event is stored' 200 "$stored"
    signed 'the same once more is a success too' 200 "$stored"
    right=$(signature "$work/body")
    post "the header's name counts in either case" 200 "$stored" --header \
        "$(printf %s "$header" | tr '[:upper:]' '[:lower:]'): $prefix$right"
    [ "$encoding" = hex ] || return 0
    post 'hex counts in either case' 200 "$stored" --header \
        "$header: $prefix$(printf %s "$right" | tr '[:lower:]' '[:upper:]')"
}

test_skipped()
{
    event conversation:assigned ''
    signed 'an event of another type is answered and skipped' 200 "$stored"
    body '{"event_type":"conversation:assigned","conversation_id": { "a" : [1, 2] }}'
    signed 'eventId is what conversation_id is, compact' 200 \
        '{"success":true,"eventId":{"a":\[1,2]}}'
    body '{}'
    signed 'without conversation_id there is no eventId' 200 '{"success":true}'
    for text in '[1,2]' '"text"' 7 true; do
        body "$text"
        signed "what is no object is skipped: $text" 200 '{"success":true}'
    done
}

test_unauthorized()
{
    event conversation:created ',"type":"voice"'
    right=$(signature "$work/body")
    post 'no signature' 401 "$unauthorized"
    while read -r name value; do
        post "a signature that is $name" 401 "$unauthorized" \
            --header "$header: $prefix$value"
    done <<END
wrong $(openssl rand 32 | encode)
short ${right%??}
long ${right}00
no-$encoding ${right%?}*
END
    post 'two signatures' 401 "$unauthorized" --header "$header: $prefix$right" \
        --header "$header: $prefix$right"
    [ -z "$prefix" ] || post 'a signature without its prefix' 401 "$unauthorized" \
        --header "$header: $right"
    body '{"not JSON'
    post 'the signature comes before the JSON' 401 "$unauthorized"
}

test_refused()
{
    for text in 'not JSON' '{"a":1' '{"a":1}x' "{'a':1}" ''; do
        body "$text"
        signed "signed, but not JSON: \"$text\"" 400 "$bad_request"
    done
    body null
    signed 'a bare null' 500 "$server_error"
    body "{\"event_type\":\"conversation:created\",\"type\":\"voice\",\"timestamp\":\"$now\"}"
    signed 'created without conversation_id' 500 "$server_error"
    event conversation:created ''
    signed 'created without type' 500 "$server_error"
    body "{\"event_type\":\"conversation:ended\",\"type\":\"voice\",\"conversation_id\":\"$id\"}"
    signed 'ended without timestamp' 500 "$server_error"
}

test_elsewhere()
{
    expect 'another path' 404 "$error" "$origin/no-such-path"
    expect 'another method' 405 "$error" "$url"
    expect_header 'says which method is allowed' '^allow:.*POST'
    expect 'healthz: the process serves' 200 '*' "$origin/healthz"
    expect 'readyz: the store can take writes' 200 '*' "$origin/readyz"
    expect 'HEAD of healthz' 200 '*' --head "$origin/healthz"
}

# A byte a second, unsigned, so that a limit that is none ends in a 401.
trickle()
{
    left=$((request_timeout + 5))
    while [ "$left" -gt 0 ]; do
        printf x
        sleep 1
        left=$((left - 1))
    done
}

test_limits()
{
    head -c "$((max_body + 1))" /dev/zero >"$work/body"
    case $url in
    https:*)
        post 'a body over the limit' 413 '*'
        skip 'a request without Host' 'what ends TLS sees to it'
        skip 'a body that trickles' 'what ends TLS sees to it'
        return
        ;;
    esac
    post 'a body over the limit' 413 "$error"
    expect 'a request without Host' 400 "$error" --request POST --header Host: "$url"
    mkfifo "$work/slow"
    trickle >"$work/slow" &
    expect 'a body that trickles' 408 "$error" --max-time "$((request_timeout + 10))" \
        --request POST --upload-file "$work/slow" "$url"
    kill "$!" 2>/dev/null || true
}

make_pads
test_stored
test_skipped
test_unauthorized
test_refused
test_elsewhere
test_limits
echo "1..$count"
[ "$failed" -eq 0 ] || {
    echo "# $failed of $count failed"
    exit 1
}
