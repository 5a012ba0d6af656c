# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by packaging/docker/build-local.sh and tests/chroot.sh: a Debian 12 made on the spot, from
# where this machine gets its own packages. Needs root and debootstrap.

debian_release=bookworm

debian_mirror()
{
    local candidate
    # shellcheck disable=SC2016 # apt-get fills them in
    candidate=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(SITE)' \
        'Created-By: Packages' | sed -n "s/^$debian_release main //p" | head -n 1)
    [ -n "$candidate" ] || {
        echo "${0##*/}: apt knows no source of $debian_release here" >&2
        return 1
    }
    printf '%s\n' "$candidate"
}

# make_debian_base FOLDER [TAR]: the base system, out of TAR if it is there; else TAR is made, too.
make_debian_base()
{
    local folder=$1 tar=${2:-}

    if [ -n "$tar" ] && [ -f "$tar" ]; then
        tar --extract --file "$tar" --directory "$folder" --numeric-owner
        return
    fi
    debootstrap --variant=minbase "$debian_release" "$folder" "$(debian_mirror)"
    [ -z "$tar" ] || tar --create --file "$tar" --directory "$folder" --numeric-owner .
}
