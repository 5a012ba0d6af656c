# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by packaging/quickstart.sh, tests/run.sh and others: which Debian 12 packages are needed
# for what, and how they come onto the machine.

# shellcheck disable=SC2034 # used by those who source this
build_packages=(
    gcc libc6-dev meson ninja-build pkg-config
    libmicrohttpd-dev libssl-dev libcurl4-openssl-dev libjansson-dev libinih-dev libsystemd-dev
    zlib1g-dev libexpat1-dev
    curl openssl
)

# shellcheck disable=SC2034
deb_packages=("${build_packages[@]}" build-essential debhelper git)

# shellcheck disable=SC2034
image_packages=(buildah debootstrap git)

# shellcheck disable=SC2034
test_packages=(
    "${build_packages[@]}"
    libcmocka-dev python3 python3-pytest python3-yaml strace iproute2 procps logrotate
    haproxy nginx caddy # in front of the daemon
    awscli jq # for packaging/aws
    mandoc bash-completion zsh fish
    prometheus # for promtool
    systemd # for systemd-socket-activate and systemd-analyze
    chromium # looks at the status page; with what it needs 122 MB to fetch, 414 MB on the disk
    clang lld llvm libclang-rt-14-dev
    clang-format clang-tidy cppcheck shellcheck pyflakes3 universal-ctags
)

# Prints those of the packages that are not installed, one a line.
missing_packages()
{
    local package

    for package; do
        dpkg-query --show --showformat='${db:Status-Abbrev}' "$package" 2>/dev/null |
            grep -q '^ii' || printf '%s\n' "$package"
    done
}

# Installs what is missing, and asks nobody anything where nothing is.
install_packages()
{
    local missing as_root=()

    mapfile -t missing < <(missing_packages "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    if ! command -v apt-get >/dev/null; then
        echo "There is no apt-get here. Please install what these Debian packages hold:" \
            "${missing[*]}" >&2
        return 1
    fi
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    "${as_root[@]}" apt-get update --quiet=2 &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes \
            --no-install-recommends "${missing[@]}"
}
