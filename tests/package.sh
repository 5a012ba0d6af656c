#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The Debian package as its users meet it: built twice alike, looked at by lintian, and in a clean
# Debian 12 installed, tried by its own test, upgraded, removed and purged.
set -euo pipefail

usage()
{
    cat <<END
Usage: tests/package.sh [--base FILE]

As root, on Debian 12. Takes some four minutes on two cores.

  --base FILE   as of tests/chroot.sh: a tar of the base system
END
}

newer=0.1.1~test
ini=/etc/genesys-webhookd/genesys-webhookd.ini
events=/var/lib/private/genesys-webhookd/events.jsonl
secret=/etc/credstore/genesys-webhookd.secret

step()
{
    printf '\n# %s\n' "$1"
}

fail()
{
    echo "tests/package.sh: $1" >&2
    exit 1
}

must_be_gone()
{
    local path

    for path; do
        [ ! -e "$path" ] || fail "$path is still there"
    done
}

must_be_there()
{
    local path

    for path; do
        [ -e "$path" ] || fail "$path is gone"
    done
}

install_package()
{
    apt-get install --quiet=2 --yes "./$1" </dev/null
}

# In the chroot, from the folder that was brought along.
try_package()
{
    export DEBIAN_FRONTEND=noninteractive
    step "what a Debian machine has anyway"
    apt-get update --quiet=2
    apt-get install --quiet=2 --yes --no-install-recommends systemd man-db curl openssl

    step "install"
    install_package old.deb
    [ "$(stat --format '%a %U' /etc/credstore)" = '700 root' ] || fail "/etc/credstore is not there"
    ! systemd-analyze verify genesys-webhookd.service genesys-webhookd.socket \
        genesys-webhookd@i.service 2>&1 | grep genesys || fail "the units are not right"
    ! systemctl is-enabled --quiet genesys-webhookd.service || fail "it is enabled"
    for page in 'genesys-webhookd 8' 'genesys-webhook 1' 'genesys-webhookd.ini 5'; do
        # shellcheck disable=SC2086 # two words
        set -- $page
        man --where "$2" "$1"
    done
    must_be_there /usr/share/doc/genesys-webhookd/docs/install.md \
        /usr/share/doc/genesys-webhookd/docs/images/status-busy.png \
        /usr/share/doc/genesys-webhookd/packaging/prometheus/genesys-webhookd.rules.yml \
        /usr/share/doc/genesys-webhookd/tests/smoke.sh

    step "its own test"
    debian/tests/smoke

    step "upgrade: a changed configuration stays"
    printf '[log]\nlevel=warning\n' >>"$ini"
    cp "$ini" changed.ini
    install_package new.deb
    [ "$(dpkg-query --show --showformat '${Version}' genesys-webhookd)" = "$newer" ] ||
        fail "it is not the newer version"
    cmp "$ini" changed.ini
    debian/tests/smoke

    step "remove: only the programs go"
    mkdir -p "${events%/*}"
    touch "$secret" "$events"
    ln -s private/genesys-webhookd /var/lib/genesys-webhookd
    apt-get remove --quiet=2 --yes genesys-webhookd
    must_be_gone /usr/sbin/genesys-webhookd /usr/bin/genesys-webhook
    must_be_there "$ini" "$events"

    step "purge: the configuration goes, events and secrets stay, and it says so"
    apt-get purge --quiet=2 --yes genesys-webhookd | tee purged
    must_be_gone /etc/genesys-webhookd /etc/logrotate.d/genesys-webhookd
    must_be_there "$events" "$secret"
    grep -q "${events%/*} is kept" purged
    grep -q "$secret is kept" purged
    step "all as expected"
}

package_of()
{
    find "$1" -name 'genesys-webhookd_*.deb'
}

# Not in a list with &&, in which the shell would pass over what fails.
if [ "${1:-}" = --inside ]; then
    cd "$(dirname "$0")"
    try_package
    exit
fi

base=()
case "${1:-}" in
'') ;;
--base) base=(--base "$(realpath "${2:?--base needs a file}")") ;;
-h | --help) usage && exit 0 ;;
*) usage >&2 && exit 2 ;;
esac
cd "$(dirname "$0")/.."
# shellcheck source=packaging/apt.sh
. packaging/apt.sh
install_packages debootstrap lintian

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

step "build, twice alike"
packaging/build-deb.sh "$work/old"
packaging/build-deb.sh "$work/again"
cmp "$(package_of "$work/old")" "$(package_of "$work/again")"
packaging/build-deb.sh --version "$newer" "$work/new"

step "lintian"
lintian --allow-root --pedantic --display-info --fail-on error,warning,info,pedantic \
    "$work/old"/*.changes

mkdir -p "$work/with/debian/tests" "$work/with/tests"
cp "$(package_of "$work/old")" "$work/with/old.deb"
cp "$(package_of "$work/new")" "$work/with/new.deb"
cp packaging/debian/tests/smoke "$work/with/debian/tests/"
cp tests/smoke.sh "$work/with/tests/"
cp tests/package.sh "$work/with/"
tests/chroot.sh "${base[@]}" --with "$work/with" . '/root/with/package.sh --inside'
