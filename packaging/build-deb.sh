#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the Debian package. dpkg-buildpackage wants packaging/debian as ./debian, so it works on a
# copy of what git knows of this tree; the same tree gives the same package, byte by byte.
set -euo pipefail

usage()
{
    cat <<END
Usage: packaging/build-deb.sh [--version VERSION] [FOLDER]

Builds genesys-webhookd_VERSION_ARCHITECTURE.deb and puts it, with its .changes, into FOLDER
(build-deb). Installs what is missing for it (apt).

  --version VERSION   instead of the one in packaging/debian/changelog
END
}

version=
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) usage && exit 0 ;;
    --version) version=${2:?--version needs a version} && shift 2 ;;
    -*) usage >&2 && exit 2 ;;
    *) break ;;
    esac
done
folder=$(realpath "${1:-build-deb}")
cd "$(dirname "$0")/.."
# shellcheck source=packaging/apt.sh
. packaging/apt.sh
install_packages "${deb_packages[@]}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/source" "$folder"
git ls-files -z --cached --others --exclude-standard |
    tar --create --null --files-from=- | tar --extract --directory="$work/source"
mv "$work/source/packaging/debian" "$work/source/debian"
cd "$work/source"
[ -z "$version" ] || sed -i "1s/(.*)/($version)/" debian/changelog
dpkg-buildpackage --build=binary --no-sign
cp --target-directory="$folder" "$work"/*.deb "$work"/*.changes "$work"/*.buildinfo
