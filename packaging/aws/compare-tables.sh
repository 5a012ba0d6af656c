#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Compares two tables of conversations, such as the Lambda function's and the daemon's.
set -euo pipefail

usage()
{
    cat <<END_OF_USAGE
Usage: packaging/aws/compare-tables.sh OLD NEW [OPTION-OF-AWS...]

Prints a line, separated by tabs, for each attribute that both records of a conversation have and
that differs (its name, then its value in OLD and in NEW), and for each conversation that only one
table has; the last line counts. The status is 1 if an attribute differs. rawPayload is compared as
JSON, so without its spacing, and only its name is printed.

Needs the AWS CLI, with the right dynamodb:Scan, and jq. Reads both tables whole.
END_OF_USAGE
}

case "${1:-}" in
-h | --help) usage && exit 0 ;;
esac
[ $# -ge 2 ] || { usage >&2 && exit 2; }
old=$1
new=$2
shift 2

umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

# shellcheck disable=SC2016 # jq's variables
flat='.Items[] | {id: .conversationId.S} + (
    {status, timestamp, type, externalContactId} | map_values(.S)) +
    {rawPayload: (.rawPayload.S as $raw | try ($raw | fromjson) catch $raw)}'
# shellcheck disable=SC2016
compare='INDEX($old[]; .id) as $old | INDEX($new[]; .id) as $new |
    ([$old, $new] | map(keys)) as [$o, $n] |
    ([$o[] | select($new[.]) | . as $id | $old[$id] as $a | $new[$id] as $b |
        {id: $id, names: [$a | keys[] |
            select($a[.] != null and $b[.] != null and $a[.] != $b[.])]}]) as $both |
    ($both | map(select(.names != []))) as $differ |
    ($differ[] | .id as $id | .names[] |
        [$id, .] + if . == "rawPayload" then [] else [$old[$id][.], $new[$id][.]] end |
        ["differs"] + map(tojson) | join("\t")),
    ($o - $n | .[] | "only\tOLD\t" + tojson),
    ($n - $o | .[] | "only\tNEW\t" + tojson),
    "# \($both | length - ($differ | length)) the same, \($differ | length) differ, " +
        "\($o - $n | length) only in OLD, \($n - $o | length) only in NEW"'

scan()
{
    local table=$1

    shift
    aws dynamodb scan --consistent-read --output json --table-name "$table" "$@" |
        jq --compact-output "$flat"
}

scan "$old" "$@" >"$work/old"
scan "$new" "$@" >"$work/new"
jq --null-input --raw-output --slurpfile old "$work/old" --slurpfile new "$work/new" "$compare" |
    tee "$work/found"
! grep --quiet '^differs' "$work/found"
