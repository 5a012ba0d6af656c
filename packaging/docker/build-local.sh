#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the image where there is neither an engine nor a registry: on a Debian made on the spot,
# with buildah. The same tree and the same packages give the same archive, byte by byte.
set -euo pipefail

usage()
{
    cat <<END
Usage: packaging/docker/build-local.sh [--base TAR] FILE

As root, on Debian 12. Writes the image to FILE, which \`docker load -i FILE\` and
\`podman load -i FILE\` take, as genesys-webhookd:latest.

  --base TAR   a tar of the base system: taken if it is there, made if it is not
END
}

base=
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) usage && exit 0 ;;
    --base) base=$(realpath "${2:?--base needs a file}") && shift 2 ;;
    -*) usage >&2 && exit 2 ;;
    *) break ;;
    esac
done
[ $# -eq 1 ] || { usage >&2 && exit 2; }
[ "$(id -u)" -eq 0 ] || { echo "packaging/docker/build-local.sh: must be root" >&2 && exit 2; }
file=$(realpath "$1")
cd "$(dirname "$0")/../.."
# shellcheck source=packaging/apt.sh
. packaging/apt.sh
# shellcheck source=packaging/debian-base.sh
. packaging/debian-base.sh
install_packages "${image_packages[@]}"

# It stands in a folder of its own, so that nothing of it stays and no other image is touched.
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT TERM HUP

with_buildah()
{
    buildah --storage-driver vfs --root "$work/storage" --runroot "$work/run" "$@"
}

make_base_image()
{
    mkdir "$work/root"
    make_debian_base "$work/root" "$base"
    with_buildah from --name base scratch
    with_buildah add --quiet base "$work/root" /
    with_buildah commit --quiet base localhost/debian-base
    with_buildah rm base
    rm -rf --one-file-system "$work/root"
}

build()
{
    local epoch

    epoch=$(git log --max-count=1 --format=%ct)
    with_buildah build --isolation chroot --format docker --timestamp "$epoch" \
        --build-arg BASE=localhost/debian-base --build-arg SOURCE_DATE_EPOCH="$epoch" \
        --build-arg REVISION="$(git rev-parse HEAD)" \
        --file packaging/docker/Dockerfile --tag localhost/genesys-webhookd .
}

make_base_image
build
rm -f "$file"
with_buildah push localhost/genesys-webhookd "docker-archive:$file:genesys-webhookd:latest"
