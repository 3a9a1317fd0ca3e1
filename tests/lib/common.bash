# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What every test file may need.

bats_require_minimum_version 1.8.0
bats_load_library bats-support
bats_load_library bats-assert

# The programs that are tested: "make check" says where they were built; by hand it is build/.
SOURCE=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../..")
BUILD=${abs_top_builddir:-$SOURCE/build}
export SOURCE BUILD

# Skips the test (in setup_file: all of them), unless everything has to run.
cannot_run() {
    if [[ ${LEFT4ME_MUST_RUN:-0} == 1 ]]; then
        printf 'LEFT4ME_MUST_RUN=1, but %s\n' "$*" >&2
        return 1
    fi
    skip "$*"
}

require_root() {
    ((EUID == 0)) || cannot_run 'only root can run this'
}

# require COMMAND…: these programs must be there.
require() {
    local command
    for command in "$@"; do
        command -v "$command" >/dev/null || cannot_run "$command is not installed"
    done
}

# require_built PROGRAM…: these must be in the build directory.
require_built() {
    local program
    for program in "$@"; do
        [[ -x $BUILD/$program ]] || cannot_run "$BUILD/$program is not built"
    done
}
