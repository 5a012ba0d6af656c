#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# rootfs.sh BUILD FOLDER: lays out the image's root in FOLDER, in the Dockerfile's build stage; all
# of it bears the time SOURCE_DATE_EPOCH. Debian 12.
#
# The C library needs nothing beside it: the lookup of names by files and DNS is built into it, and
# OpenSSL's default provider into libcrypto. So what ldd names is all there is to load.
set -euo pipefail

build=$1
root=$2
here=$(dirname "$0")
user=65532 # Dockerfile, USER

libraries_of()
{
    ldd "$@" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^\t\(\/[^ ]*\) .*/\1/p' | sort --unique
}

# Under the names that the loader looks for, in the folders where they really lie.
install_libraries()
{
    local library

    for library; do
        install -D --mode=755 "$library" \
            "$root$(realpath "${library%/*}")/${library##*/}"
    done
    for library in lib lib64; do
        [ ! -d "$root/usr/$library" ] || ln -s "usr/$library" "$root/$library"
    done
}

# dpkg may know a file by its name before /lib became /usr/lib. The certificates are not a library.
packages_of()
{
    local library

    echo ca-certificates
    for library; do
        dpkg-query --search "$library" 2>/dev/null || dpkg-query --search "/usr$library"
    done | sed 's/:.*//' | sort --unique
}

# Their licences want to go with them, and scanners want to know their versions.
tell_of_packages()
{
    local package

    mkdir -p "$root/var/lib/dpkg/status.d"
    for package; do
        install -D --mode=644 "/usr/share/doc/$package/copyright" \
            "$root/usr/share/doc/$package/copyright"
        dpkg-query --status "$package" >"$root/var/lib/dpkg/status.d/$package"
    done
}

write_etc()
{
    install -D --mode=644 "$here/genesys-webhookd.ini" \
        "$root/etc/genesys-webhookd/genesys-webhookd.ini"
    install -D --mode=644 /etc/ssl/certs/ca-certificates.crt \
        "$root/etc/ssl/certs/ca-certificates.crt"
    install --mode=644 /etc/os-release "$root/etc/os-release"
    printf 'root:x:0:0:root:/:/nologin\nwebhookd:x:%s:%s::/var/lib/genesys-webhookd:/nologin\n' \
        "$user" "$user" >"$root/etc/passwd"
    printf 'root:x:0:\nwebhookd:x:%s:\n' "$user" >"$root/etc/group"
    printf 'passwd: files\ngroup: files\nhosts: files dns\n' >"$root/etc/nsswitch.conf"
}

umask 022
install -D --strip "$build/genesys-webhookd" "$root/usr/sbin/genesys-webhookd"
install -D --strip "$build/genesys-webhook" "$root/usr/bin/genesys-webhook"
mapfile -t libraries < <(libraries_of "$build/genesys-webhookd" "$build/genesys-webhook")
install_libraries "${libraries[@]}"
mapfile -t packages < <(packages_of "${libraries[@]}")
tell_of_packages "${packages[@]}"
write_etc
install -d "$root/run/secrets"
install -d --mode=700 --owner="$user" --group="$user" "$root/var/lib/genesys-webhookd"
find "$root" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
