#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The two commands of the README as a new user runs them: a clone of a repository's HEAD in a clean
# Debian 12, where nothing is installed but the base system. As root, on Debian or a relative.
#
# All mounts are made in a mount namespace of their own, which takes them with it when it ends,
# however that comes about; so what is removed afterwards is the folder alone.
set -euo pipefail

usage()
{
    cat <<END
Usage: tests/chroot.sh [--base FILE] [--keep] [--with FOLDER] [REPOSITORY [COMMAND...]]

Clones REPOSITORY (this one) into a chroot and runs each COMMAND there from the clone's top:
packaging/quickstart.sh --once and tests/run.sh where none is given. Needs debootstrap.

  --base FILE   a tar of the base system: taken if it is there, made if it is not
  --keep        leaves the chroot where it is
  --with FOLDER copies FOLDER to /root/with
END
}

base=
keep=no
with=
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) usage && exit 0 ;;
    --base) base=${2:?--base needs a file} && shift 2 ;;
    --keep) keep=yes && shift ;;
    --with) with=${2:?--with needs a folder} && shift 2 ;;
    -*) usage >&2 && exit 2 ;;
    *) break ;;
    esac
done
repository=$(realpath "${1:-$(dirname "$0")/..}")
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- 'packaging/quickstart.sh --once' 'tests/run.sh'
clone=/root/genesys-webhookd
# shellcheck source=packaging/debian-base.sh
. "$(dirname "$0")/../packaging/debian-base.sh"

[ "$(id -u)" -eq 0 ] || { echo "tests/chroot.sh: must be root" >&2 && exit 2; }

prepare()
{
    make_debian_base "$root" "$base"
    cp --dereference /etc/resolv.conf /etc/hosts "$root/etc/"
    # What this machine trusts, npm in there does too: its requests may go through a proxy.
    cp --dereference /etc/ssl/certs/ca-certificates.crt "$root/etc/npm-ca.crt"
    # Packages shall not start services in here.
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod +x "$root/usr/sbin/policy-rc.d"
    [ -z "$with" ] || cp --recursive "$with" "$root/root/with"
    git clone --quiet --no-hardlinks "$repository" "$root$clone"
    git -C "$root$clone" log --max-count=1 --oneline
}

# run_inside COMMAND: with processes, mounts and environment of its own; what it leaves running ends
# with it.
run_inside()
{
    # shellcheck disable=SC2016 # for the shell inside
    unshare --mount --propagation private --pid --fork --kill-child \
        bash -euc '
            mount -t proc proc "$1/proc"
            mount -t sysfs -o ro sys "$1/sys"
            mount --rbind /dev "$1/dev"
            mount -t tmpfs tmpfs "$1/run"
            exec env -i HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" \
                PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
                npm_config_cafile=/etc/npm-ca.crt \
                ${FUZZ_SECONDS:+FUZZ_SECONDS=$FUZZ_SECONDS} \
                chroot "$1" bash -c "cd $2 && $3"' bash "$root" "$clone" "$1"
}

root=$(mktemp -d "${TMPDIR:-/tmp}/gw-chroot.XXXXXX")
chmod 755 "$root"
if [ "$keep" = yes ]; then
    echo "The chroot stays in $root."
else
    trap 'rm -rf --one-file-system "$root"' EXIT
    trap 'exit 130' INT TERM HUP
fi

prepare
status=0
for command; do
    printf '\n## %s\n' "$command"
    started=$SECONDS
    run_inside "$command" || status=1
    printf '## %s: %d s\n' "$command" $((SECONDS - started))
done
exit "$status"
