#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints a table of conversations as the events that it came of, for `genesys-webhook send --lines`.
set -euo pipefail

usage()
{
    cat <<END_OF_USAGE
Usage: packaging/aws/table-events.sh TABLE [SINCE [OPTION-OF-AWS...]]

Prints, oldest first and one a line, each record's rawPayload and, where an update came after it, that
as an event of its own. With SINCE, such as 2026-11-24T12:00, only of records whose timestamp is not
before it, as texts are compared.

Needs the AWS CLI, with the right dynamodb:Scan, and jq. Reads the table whole.
END_OF_USAGE
}

case "${1:-}" in
-h | --help) usage && exit 0 ;;
esac
[ $# -ge 1 ] || { usage >&2 && exit 2; }
table=$1
since=${2:-}
shift $(($# > 1 ? 2 : 1))

# The function left no orders; there, another status than a put's must be an update's.
# shellcheck disable=SC2016 # jq's variables
events='[.Items[] | select(.timestamp.S >= $since)] | sort_by(.eventOrder.N // "0" | tonumber)[] |
    (.rawPayload.S // empty),
    (select(if .eventOrder then .eventOrder != .snapshotOrder
            else .status.S != "active" and .status.S != "ended" end) |
        {event_type: "conversation:updated", conversation_id: .conversationId.S,
         state: .status.S, timestamp: .timestamp.S} | tojson)'
aws dynamodb scan --consistent-read --output json --table-name "$table" "$@" |
    jq --raw-output --arg since "$since" "$events"
