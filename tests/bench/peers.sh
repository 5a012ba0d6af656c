# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Who is measured: one start_PEER function each, which leaves a server on 127.0.0.1:$port with its
# pid in $server, and its files in $run. Sourced by run.sh, which sets here, data, work and run.
# shellcheck disable=SC2154

# These verify and store: a forged event must get a 401, and each counted one must be in the file.
declare -A peer_stores=([node]=yes [webhookd]=yes [webhookd_nosync]=yes)

start_nginx()
{
    sed "s/@PORT@/$port/" "$here/nginx.conf.in" >"$run/nginx.conf"
    nginx -p "$run" -c nginx.conf -e "$run/nginx.log" 2>>"$run/log" &
    server=$!
}

start_bare()
{
    "$BUILD/tests/bench/bare_mhd" "$port" "$(nproc)" 2>>"$run/log" &
    server=$!
}

start_node()
{
    node "$here/peer.mjs" "$port" ./file_store.mjs "$run/events.jsonl" 2>>"$run/log" &
    server=$!
}

start_webhookd()
{
    write_config always
    "$BUILD/genesys-webhookd" -c "$run/webhookd.ini" 2>>"$run/log" &
    server=$!
}

start_webhookd_nosync()
{
    write_config never
    "$BUILD/genesys-webhookd" -c "$run/webhookd.ini" 2>>"$run/log" &
    server=$!
}

write_config() # SYNC
{
    cat >"$run/webhookd.ini" <<INI
[server]
listen=127.0.0.1:$port
path=/webhook
max_connections=12000
[file]
path=$run/events.jsonl
sync=$1
[log]
level=error
INI
}

launch() # PEER
{
    rm -rf "$run"
    mkdir "$run"
    port=$(free_port)
    "start_$1"
    wait_until_serving "$1"
    if [[ ${peer_stores[$1]:-} && $(post_small 00) != 401 ]]; then
        fail "$1 did not refuse a forged event"
    fi
}

free_port()
{
    python3 -c "import socket
s = socket.socket()
s.bind(('127.0.0.1', 0))
print(s.getsockname()[1])"
}

wait_until_serving() # PEER
{
    local signature
    signature=$(sign event-1083)
    for _ in {1..200}; do
        [[ $(post_small "$signature") == 200 ]] && return
        kill -0 "$server" 2>/dev/null || break
        sleep 0.05
    done
    cat "$run"/*log >&2
    fail "$1 does not serve"
}

# Prints the status of one small event, 000 where nobody listens.
post_small() # SIGNATURE
{
    curl -s -o "$work/reply" -w '%{http_code}' -H "X-Genesys-Signature: $1" \
        -H 'Content-Type: application/json' --data-binary "@$data/event-1083.json" \
        "http://127.0.0.1:$port/webhook" || true
}

server_pids()
{
    echo "$server"
    pgrep -P "$server" || true
}

# The CPU time of all the server's processes, in clock ticks.
server_ticks()
{
    local pid line fields total=0
    for pid in $(server_pids); do
        line=$(<"/proc/$pid/stat")
        read -ra fields <<<"${line##*) }" # from the third on; the name before may hold blanks
        total=$((total + fields[11] + fields[12]))
    done
    echo "$total"
}

stop_peer() # PEER
{
    local status=0
    kill -TERM "$server"
    wait "$server" || status=$?
    server=
    # Node has no handler and dies of the signal.
    [[ $status == 0 || $1 == @(node|sdk*) && $status == 143 ]] || fail "$1 exited with $status"
}

# For the end of a run that failed: not killed at once, or nginx's workers would stay behind.
end_server()
{
    local pids
    mapfile -t pids < <(server_pids)
    kill -TERM "$server" 2>/dev/null || return 0
    for _ in {1..20}; do
        kill -0 "$server" 2>/dev/null || return 0
        sleep 0.1
    done
    kill -KILL "${pids[@]}" 2>/dev/null || true
}
