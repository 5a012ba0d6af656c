# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# The part of run.sh that stores in DynamoDB: genesys-webhookd beside a Node server that does the
# Lambda function's work with AWS's SDK, both before a backend that always answers the same. Its
# peers are its own. Sourced by run.sh, which sets here, work and run, and has peers.sh.
# shellcheck disable=SC2034,SC2154

HALF_LOAD_CONNECTIONS=256
MANY=1000
echo_module=/usr/lib/nginx/modules/ngx_http_echo_module.so

backend= # its nginx's pid
backend_http=
backend_tls=
backend_slow=

# In seconds, where one is not enough: after some 16,000 events V8 has made the SDK three times as
# fast as at first, and 1,000 connections must be opened before the first answer comes.
declare -A warm_ups=([sdk]=15 [sdk_tls]=15 [one]=4 [one_slow]=4)
peer_stores+=([sdk]=yes [sdk_tls]=yes [dynamodb]=yes [dynamodb_tls]=yes [one]=yes [one_slow]=yes)

start_backend()
{
    local folder=$work/backend crc32
    mkdir "$folder"
    # Its own authority, and so what the peers are to trust.
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
        -subj '/CN=benchmark' -addext subjectAltName=IP:127.0.0.1 \
        -keyout "$folder/server.key" -out "$folder/server.pem" 2>/dev/null
    crc32=$(python3 -c 'import zlib; print(zlib.crc32(b"{}"))')
    backend_http=$(free_port) backend_tls=$(free_port) backend_slow=$(free_port)
    sed "s/@CRC32@/$crc32/; s/@HTTP@/$backend_http/; s/@TLS@/$backend_tls/; s/@SLOW@/$backend_slow/" \
        "$here/backend.conf.in" >"$folder/backend.conf"
    nginx -p "$folder" -c backend.conf -e "$folder/backend.log" &
    backend=$!
    curl -s --retry 20 --retry-connrefused --retry-delay 1 -o "$work/reply" \
        "http://127.0.0.1:$backend_http/" || fail "the backend does not serve"
}

stop_backend()
{
    kill -TERM "$backend"
    wait "$backend" || true
    backend=
}

# Prints how many connections are open to it, and how many requests it has had.
look_at_backend()
{
    curl -s "http://127.0.0.1:$backend_http/status" |
        awk 'NR == 1 {print $3 - 1} NR == 3 {print $3}' | xargs # less the one that asks
}

start_sdk()
{
    start_node_on "http://127.0.0.1:$backend_http"
}

start_sdk_tls()
{
    start_node_on "https://127.0.0.1:$backend_tls"
}

start_dynamodb()
{
    start_webhookd_on "http://127.0.0.1:$backend_http" auto 256
}

start_dynamodb_tls()
{
    start_webhookd_on "https://127.0.0.1:$backend_tls" auto 256
}

start_one()
{
    start_webhookd_on "http://127.0.0.1:$backend_http" 1 "$MANY"
}

start_one_slow()
{
    start_webhookd_on "http://127.0.0.1:$backend_slow" 1 "$MANY"
}

start_node_on() # URL
{
    NODE_EXTRA_CA_CERTS=$work/backend/server.pem \
        node "$here/peer.mjs" "$port" ./npm/dynamodb_store.mjs "$1" 2>>"$run/log" &
    server=$!
}

start_webhookd_on() # URL WORKERS CONNECTIONS
{
    cat >"$run/webhookd.ini" <<INI
[server]
listen=127.0.0.1:$port
path=/webhook
workers=$2
max_connections=12000
[storage]
backend=dynamodb
[dynamodb]
endpoint=$1
ca_file=$work/backend/server.pem
connections=$3
[log]
level=error
INI
    "$BUILD/genesys-webhookd" -c "$run/webhookd.ini" 2>>"$run/log" &
    server=$!
}

# Leaves events, microseconds, p50 and p99 as run_wrk does, and ticks and opened (connections).
load_peer() # PEER CONNECTIONS [THINK_MS]
{
    local sent stored stored_before
    launch "$1"
    read -r _ stored_before < <(look_at_backend)
    run_wrk "${warm_ups[$1]:-1}" "$2" event-1083 "${3:-}"
    sent=$events
    ticks=$(server_ticks)
    run_wrk "$SECONDS_EACH" "$2" event-1083 "${3:-}"
    ticks=$(($(server_ticks) - ticks))
    sent=$((sent + events))
    read -r opened stored < <(look_at_backend)
    stored=$((stored - stored_before))
    ((stored >= sent)) || fail "$1 acknowledged $sent events and stored $stored"
    stop_peer "$1"
}

measure_dynamodb_load() # ROUND PEER CONNECTIONS
{
    local events failed microseconds ticks p50 p99 opened think
    load_peer "$2" "$3"
    echo "$1 $2 $3 $events $microseconds $ticks $p50 $p99 $opened" >>"$work/dynamodb"
    echo "round $1/$ROUNDS: $2 at $3 connections: $events events" >&2
    if [[ $2 == dynamodb* && $3 == "$HALF_LOAD_CONNECTIONS" ]]; then
        think=$((2 * $3 * microseconds / events / 1000))
        measure_half_load "$1" "$2" "$think"
    fi
}

# wrk knows no rate. Its connections wait at random before each request, and so long that half of
# the rate comes of it: 256 that mostly wait send at moments that are as good as independent. The
# backend has its turn alone with the same.
measure_half_load() # ROUND PEER THINK_MS
{
    local events failed microseconds ticks p50 p99 opened result
    load_peer "$2" "$HALF_LOAD_CONNECTIONS" "$3"
    result="$events $microseconds $p50 $p99"
    port=$backend_http run_wrk "$SECONDS_EACH" "$HALF_LOAD_CONNECTIONS" event-1083 "$3"
    echo "$1 $2 $result $events $microseconds $p50 $p99" >>"$work/dynamodb_half"
}

check_dynamodb()
{
    [[ -e $echo_module ]] || fail "missing; install with: apt install libnginx-mod-http-echo"
    "$root/tests/npm/install.sh" "$here/npm" >&2
}

measure_dynamodb()
{
    local round peer
    export AWS_ACCESS_KEY_ID=AKIDBENCHMARK AWS_SECRET_ACCESS_KEY=not-a-secret
    export AWS_REGION=eu-central-1
    start_backend
    for ((round = 1; round <= ROUNDS; round++)); do
        for peer in sdk sdk_tls dynamodb dynamodb_tls; do
            measure_dynamodb_load "$round" "$peer" 64
        done
        for peer in dynamodb dynamodb_tls; do
            measure_dynamodb_load "$round" "$peer" "$HALF_LOAD_CONNECTIONS"
        done
        for peer in one one_slow; do
            measure_dynamodb_load "$round" "$peer" "$MANY"
        done
    done
    stop_backend
}
