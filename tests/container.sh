#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The container image as its users meet it, without an engine: built twice alike, looked at, and run
# as an engine would run it, by chroot: the image's entrypoint, user and environment, as the first
# process of a pid namespace, on a root that cannot be written, with a volume and a secret.
set -euo pipefail

usage()
{
    cat <<END
Usage: tests/container.sh [--base FILE] [--image FILE]

As root, on Debian 12. Takes some six minutes on two cores.

  --base FILE    as of tests/chroot.sh: a tar of the base system
  --image FILE   tries this image (of packaging/docker/build-local.sh) and builds none
END
}

most_bytes=60000000
grace=10 # seconds until \`docker stop\` kills
state=/var/lib/genesys-webhookd

step()
{
    printf '\n# %s\n' "$1"
}

fail()
{
    echo "tests/container.sh: $1" >&2
    exit 1
}

build_twice()
{
    packaging/docker/build-local.sh "${base[@]}" "$work/image.tar"
    packaging/docker/build-local.sh "${base[@]}" "$work/again.tar"
    cmp <(layers_of "$work/image.tar") <(layers_of "$work/again.tar") ||
        fail "the two builds have other files"
}

# Their names are the digests of what they hold.
layers_of()
{
    tar --extract --to-stdout --file "$1" manifest.json | jq --raw-output '.[0].Layers[]'
}

unpack()
{
    local layer

    tar --extract --file "$image" --directory "$work" manifest.json
    tar --extract --to-stdout --file "$image" "$(jq --raw-output '.[0].Config' "$work/manifest.json")" |
        jq .config >"$work/config"
    mkdir "$root"
    while read -r layer; do
        tar --extract --to-stdout --file "$image" "$layer" |
            tar --extract --directory "$root" --numeric-owner
    done < <(layers_of "$image")
}

# config FILTER: of the image's configuration, a line each.
config()
{
    jq --raw-output "$1" "$work/config"
}

# expect FILTER VALUE
expect()
{
    local found

    found=$(config "$1")
    [ "$found" = "$2" ] || fail "$1 of the image is '$found', not '$2'"
}

look_at_files()
{
    local bytes

    bytes=$(stat --format %s "$image")
    (cd "$root" && find . -type f ! -path './usr/share/doc/*' ! -path './var/lib/dpkg/*' -printf '%s\t%u\t%P\n' |
        sort --key=3)
    echo "$bytes bytes in all"
    [ "$bytes" -le "$most_bytes" ] || fail "it is larger than $most_bytes bytes"
    [ "$(find "$root/usr/bin" "$root/usr/sbin" -type f -printf '%f ')" = \
        'genesys-webhook genesys-webhookd ' ] || fail "there are other programs in it"
    [ -z "$(find "$root" -perm /6000)" ] || fail "there is a program with another's rights in it"
    [ -z "$(find "$root" ! -user 0 ! -path "$root$state")" ] || fail "the user owns more than $state"
}

look_at_config()
{
    expect .User 65532:65532
    expect .StopSignal SIGTERM
    expect '.Volumes | keys[]' "$state"
    expect '.ExposedPorts | keys[]' 8080/tcp
    expect '.Healthcheck.Test[0]' CMD # and not CMD-SHELL
    expect '.Labels["org.opencontainers.image.licenses"]' Apache-2.0
    expect '"genesys-webhookd " + .Labels["org.opencontainers.image.version"]' \
        "$(chroot "$root" /usr/sbin/genesys-webhookd --version)"
}

# contained COMMAND...: as an engine would start it, with more_environment beside the image's own.
contained()
{
    # shellcheck disable=SC2016 # for the shell inside
    env --ignore-environment "${environment[@]}" "${more_environment[@]}" \
        unshare --mount --propagation private --pid --fork --kill-child bash -euc '
            root=$1 volume=$2 secrets=$3 state=$4 user=$5
            shift 5
            mount --bind "$root" "$root"
            mount --bind "$volume" "$root$state"
            mount --bind -o ro "$secrets" "$root/run/secrets"
            mount -t proc proc "$root/proc"
            mount -o remount,bind,ro "$root"
            exec chroot --userspec="$user" "$root" "$@"' \
        bash "$root" "$work/volume" "$work/secrets" "$state" "$(config .User)" "$@"
}

# What an engine adds to the root, and a volume that takes owner and mode from the image's folder.
prepare()
{
    mapfile -t environment < <(config '.Env[]')
    mapfile -t entrypoint < <(config '.Entrypoint[]')
    mapfile -t health < <(config '.Healthcheck.Test[1:][]')
    more_environment=()
    mkdir -p "$root/proc" "$work/secrets"
    echo '127.0.0.1 localhost container.test' >"$root/etc/hosts"
    cp --archive "$root$state" "$work/volume"
    touch "$work/prepared"
}

without_a_secret()
{
    local status=0

    contained "${entrypoint[@]}" 2>"$work/log" || status=$?
    cat "$work/log"
    [ "$status" -eq 78 ] || fail "without a secret it ended with $status"
    grep -q 'no secret .*GENESYS_WEBHOOK_SECRET.*webhook-secret into .CREDENTIALS_DIR' "$work/log" ||
        fail "it does not say that a secret is missing, and where it belongs"
    more_environment=(GENESYS_WEBHOOK_SECRET=of-the-environment)
    contained "${entrypoint[@]}" --check-config || fail "it takes no secret of the environment"
    more_environment=()
}

# The trace has what could not be opened; the daemon is the child of unshare, strace's child.
start()
{
    openssl rand -hex 32 >"$work/secrets/webhook-secret"
    export -f contained config
    strace --follow-forks --failed-only --trace=%file --output "$work/trace" \
        bash -c "$(declare -p environment more_environment entrypoint root work state)
            contained \"\${entrypoint[@]}\"" 2>"$work/log" &
    started=$!
    for _ in $(seq 300); do
        contained "${health[@]}" 2>/dev/null && break
        kill -0 "$started" 2>/dev/null || break
        sleep 0.1
    done
    contained "${health[@]}" || { cat "$work/log" && fail "it does not become healthy"; }
    daemon=$(pgrep --ns $$ --nslist net --full --exact "${entrypoint[*]}") || fail "there is not one daemon"
}

look_at_process()
{
    grep --quiet "^Uid:	65532	65532	65532	65532" "/proc/$daemon/status" || fail "it has another user"
    grep --quiet '^CapEff:	0000000000000000' "/proc/$daemon/status" || fail "it has capabilities"
    grep --quiet '^NSpid:	.*	1$' "/proc/$daemon/status" || fail "it is not the first process"
}

# Names by the hosts file, and certificates that are found: a stranger's is refused for itself.
look_around()
{
    contained /usr/bin/genesys-webhook health http://container.test:8080/readyz
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/key" -out "$work/certificate" \
        -subj /CN=container.test 2>/dev/null
    openssl s_server -accept 8443 -key "$work/key" -cert "$work/certificate" -quiet -www \
        >/dev/null 2>&1 &
    server=$!
    for _ in $(seq 100); do
        ! (exec 3<>/dev/tcp/127.0.0.1/8443) 2>/dev/null || break
        sleep 0.1
    done
    ! contained /usr/bin/genesys-webhook health https://container.test:8443/ 2>"$work/refusal" ||
        fail "it trusts anybody"
    kill "$server"
    cat "$work/refusal"
    grep -q 'self-signed certificate' "$work/refusal" || fail "it does not find its certificates"
}

# A request that never ends keeps it for as long as it drains.
stop()
{
    local begun status=0

    exec 3<>/dev/tcp/127.0.0.1/8080
    printf 'POST /webhook HTTP/1.1\r\n' >&3
    until grep --quiet '^ *[0-9]*: 0100007F:1F90 0100007F:.* 01 00000000:00000000 ' /proc/net/tcp; do
        sleep 0.1
    done
    begun=$SECONDS
    kill -TERM "$daemon"
    wait "$started" || status=$?
    exec 3>&-
    cat "$work/log"
    echo "It stopped within $((SECONDS - begun)) seconds."
    [ "$status" -eq 0 ] || fail "it ended with $status"
    [ $((SECONDS - begun)) -lt "$grace" ] || fail "an engine would have killed it"
    tail -n 1 "$work/log" | jq --exit-status '.message == "stopped"' >/dev/null ||
        fail "its last word is not that it stopped"
}

look_at_what_is_left()
{
    ls -lA "$work/volume"
    grep -q '"conversationId":"smoke-' "$work/volume/events.jsonl" || fail "no event is on the volume"
    [ -z "$(find "$root" -newer "$work/prepared")" ] || fail "it wrote outside of its volume"
    ! grep -E 'EROFS|EACCES|EPERM' "$work/trace" || fail "it wanted to write elsewhere"
    # The loader tries several folders for each, so what counts is whether it is in any.
    sed -n 's|.*/\([^/"]*\.so\.[0-9.]*\)".*ENOENT.*|\1|p' "$work/trace" | sort --unique |
        while read -r library; do
            [ -n "$(find "$root/usr" -name "$library")" ] || fail "the image has no $library"
        done
}

# In namespaces of its own: mounts, processes, which end with it, and a network where port 8080 is
# free.
try_image()
{
    ip link set lo up
    step "its files"
    unpack
    look_at_files
    step "its configuration"
    look_at_config
    config .
    prepare
    step "without a secret"
    without_a_secret
    step "start, and health"
    start
    look_at_process
    look_around
    step "its answers"
    tests/smoke.sh --secret-file "$work/secrets/webhook-secret" http://127.0.0.1:8080/webhook
    step "stop"
    stop
    step "what is left"
    look_at_what_is_left
    step "all as expected"
}

base=()
image=
inside=
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) usage && exit 0 ;;
    --base) base=(--base "$(realpath "${2:?--base needs a file}")") && shift 2 ;;
    --image) image=$(realpath "${2:?--image needs a file}") && shift 2 ;;
    --inside) inside=${2:?} && shift 2 ;;
    *) usage >&2 && exit 2 ;;
    esac
done
cd "$(dirname "$0")/.."
work=$inside
root=$work/root
[ -z "$inside" ] || { try_image && exit; }

[ "$(id -u)" -eq 0 ] || fail "must be root"
# shellcheck source=packaging/apt.sh
. packaging/apt.sh
install_packages "${image_packages[@]}" curl iproute2 jq openssl procps strace
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT TERM HUP
[ -n "$image" ] || {
    step "build, twice alike"
    build_twice
    image=$work/image.tar
}
unshare --mount --propagation private --net --pid --mount-proc --kill-child --fork \
    tests/container.sh --inside "$work" --image "$image"
