#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# install-new.sh FILE FOLDER, for meson install: installs FILE, but over none that is there, which
# somebody may have changed.
set -eu
folder=${DESTDIR:-}$2
[ ! -e "$folder/${1##*/}" ] || exit 0
install -D -m 644 -t "$folder" "$1"
