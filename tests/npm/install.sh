#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: install.sh [FOLDER]: installs what FOLDER/package-lock.json pins (this folder's by default)
# into FOLDER/node_modules; does nothing where exactly that was installed before.
set -eu

cd "${1:-$(dirname "$0")}"
installed=node_modules/.installed-lock.json
cmp -s package-lock.json "$installed" && exit
npm ci --no-audit --no-fund --ignore-scripts
cp package-lock.json "$installed"
