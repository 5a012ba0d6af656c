/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_METRICS_H
#define GW_METRICS_H

/*
 * Counters and histograms. Each worker (and the journal's writer) owns one set and alone adds to
 * it; readers on any thread sum all sets. Nothing is ever reset.
 *
 * The accounting that holds at every moment when nothing is in flight:
 *     verified = stored + superseded + skipped + rejected + failed
 * ambiguous is a part of failed: what was answered 500, but may have landed all the same.
 */

#include "gw/base.h"

#include <stdatomic.h>

#define GW_KEYS_MAX 8 /* secrets at once */

/*
 * Why a request is refused: the name, the answer (of enum gw_reply), what the log says. Each has a
 * counter, "refused_" and its name, and its own share of the log.
 */
#define GW_REASONS(REASON)                                                                         \
    /* malformed HTTP, by the rules of gw/strict.h */                                              \
    REASON(HEADER_NAME, "header_name", BAD_REQUEST,                                                \
           "a header's name is not a token (a blank before the colon?)")                           \
    REASON(HEADER_VALUE, "header_value", BAD_REQUEST, "a header's value holds control characters") \
    REASON(TWO_LENGTHS, "two_lengths", BAD_REQUEST, "more than one Content-Length")                \
    REASON(LENGTH_AND_ENCODING, "length_and_encoding", BAD_REQUEST,                                \
           "both Content-Length and Transfer-Encoding")                                            \
    REASON(TRANSFER_ENCODING, "transfer_encoding", BAD_REQUEST,                                    \
           "a Transfer-Encoding other than one chunked")                                           \
    REASON(HTTP_1_0_ENCODING, "http_1_0_encoding", BAD_REQUEST, "Transfer-Encoding in HTTP/1.0")   \
    REASON(HOST, "host", BAD_REQUEST, "not exactly one Host")                                      \
    /* what is asked for */                                                                        \
    REASON(UNKNOWN_PATH, "unknown_path", NOT_FOUND, "no such path")                                \
    REASON(WEBHOOK_METHOD, "webhook_method", METHOD_NOT_ALLOWED_POST, "not a POST")                \
    REASON(NOT_ALLOWED, "not_allowed", FORBIDDEN, "its address is not in allow")                   \
    REASON(PROBE_METHOD, "probe_method", METHOD_NOT_ALLOWED_GET, "neither GET nor HEAD")           \
    /* the signature, and what was signed */                                                       \
    REASON(NO_SIGNATURE, "no_signature", UNAUTHORIZED, "no signature header")                      \
    REASON(TWO_SIGNATURES, "two_signatures", UNAUTHORIZED, "more than one signature header")       \
    REASON(MALFORMED_SIGNATURE, "malformed_signature", UNAUTHORIZED,                               \
           "the signature has the wrong prefix, length or characters")                             \
    REASON(WRONG_SIGNATURE, "wrong_signature", UNAUTHORIZED,                                       \
           "the signature was made with none of the secrets")                                      \
    REASON(INVALID_JSON, "invalid_json", INVALID_JSON, "the body is not JSON")                     \
    REASON(UNSTORABLE_EVENT, "unstorable_event", FAILED, "no record can be made of it")            \
    /* size and time */                                                                            \
    REASON(HEADER_SIZE, "header_size", HEADER_TOO_LARGE, "the header is over 14 KiB")              \
    REASON(ANNOUNCED_LENGTH, "announced_length", TOO_LARGE, "Content-Length over max_body")        \
    REASON(BODY_LENGTH, "body_length", TOO_LARGE, "body over max_body")                            \
    REASON(ENDLESS_BODY, "endless_body", TOO_LARGE,                                                \
           "body over twice max_body, and not at its end")                                         \
    REASON(REQUEST_TIMEOUT, "request_timeout", TIMEOUT, "not complete within request_timeout")     \
    /* the store */                                                                                \
    REASON(STORE_REJECTION, "store_rejection", FAILED, "the store will never take it")             \
    REASON(STORE_FAILURE, "store_failure", FAILED, "not stored")                                   \
    REASON(AMBIGUOUS_OUTCOME, "ambiguous_outcome", FAILED, "not known to be stored")               \
    /* no room */                                                                                  \
    REASON(MAX_CONNECTIONS, "max_connections", OVERLOADED, "more than max_connections")            \
    REASON(MAX_CONNECTIONS_PER_IP, "max_connections_per_ip", OVERLOADED,                           \
           "more than max_connections_per_ip")                                                     \
    REASON(MAX_BUFFERED, "max_buffered", OVERLOADED, "more than max_buffered")                     \
    REASON(MAX_IN_FLIGHT, "max_in_flight", OVERLOADED, "more than max_in_flight")                  \
    REASON(FULL_QUEUE, "full_queue", OVERLOADED, "the store's queue is full")                      \
    REASON(SHUTDOWN, "shutdown", OVERLOADED, "stopping")                                           \
    REASON(NO_MEMORY, "no_memory", FAILED, "out of memory")

enum gw_reason {
    GW_REASON_NONE,
#define GW_REASON_ENUMERATOR(symbol, name, reply, text) GW_REASON_##symbol,
    GW_REASONS(GW_REASON_ENUMERATOR) GW_REASON_COUNT
};

enum gw_counter {
    /* requests by what was answered; probes are not among them */
    GW_COUNTER_REPLY_200,
    GW_COUNTER_REPLY_400,
    GW_COUNTER_REPLY_401,
    GW_COUNTER_REPLY_403,
    GW_COUNTER_REPLY_404,
    GW_COUNTER_REPLY_405,
    GW_COUNTER_REPLY_408,
    GW_COUNTER_REPLY_413,
    GW_COUNTER_REPLY_431,
    GW_COUNTER_REPLY_500,
    GW_COUNTER_REPLY_503,
/* those of them that were refused, by reason */
#define GW_REASON_COUNTER(symbol, name, reply, text) GW_COUNTER_REFUSED_##symbol,
    GW_REASONS(GW_REASON_COUNTER)
    /* what went another way */
    GW_COUNTER_PROBES_OK,
    GW_COUNTER_PROBES_NOT_READY,
    GW_COUNTER_REFUSED_BY_LIBRARY, /* by libmicrohttpd itself, before our handler */
    GW_COUNTER_CONNECTIONS,        /* accepted */
    GW_COUNTER_ABORTED,            /* requests whose client went away before the answer */
    GW_COUNTER_GAPS,               /* times when events may have been lost (gw/gap.h) */
    /* signed events: the accounting */
    GW_COUNTER_VERIFIED,
    GW_COUNTER_STORED,
    GW_COUNTER_SUPERSEDED,
    GW_COUNTER_SKIPPED,
    GW_COUNTER_REJECTED, /* signed, but not JSON, or no record can be made of it */
    GW_COUNTER_FAILED,   /* the store failed, or had no room */
    GW_COUNTER_AMBIGUOUS,
    GW_COUNTER_FAILURES_ACKNOWLEDGED, /* updates that are lost (on_update_failure) */
    GW_COUNTER_TIMESTAMP_MALFORMED,
    GW_COUNTER_TIMESTAMP_AHEAD, /* more than 24 h ahead of arrival */
    GW_COUNTER_SECRET_MATCHED,  /* the first of GW_KEYS_MAX, in the order of configuration */
    GW_COUNTER_JOURNAL_BATCHES = GW_COUNTER_SECRET_MATCHED + GW_KEYS_MAX,
    GW_COUNTER_JOURNAL_LINES,
    GW_COUNTER_JOURNAL_BYTES,
    GW_COUNTER_JOURNAL_FAILURES,  /* batches of which a part could not be stored */
    GW_COUNTER_DYNAMODB_REQUESTS, /* sent, retries among them */
    GW_COUNTER_DYNAMODB_RETRIES,
    GW_COUNTER_DYNAMODB_THROTTLES,
    GW_COUNTER_DYNAMODB_MERGES, /* conditional writes of a record that was there */
    GW_COUNTER_DYNAMODB_READS,
    GW_COUNTER_DYNAMODB_OUTAGES,
    /* what the store was given, by action and outcome in the order of their enums */
    GW_COUNTER_PUT_STORED,
    GW_COUNTER_PUT_SUPERSEDED,
    GW_COUNTER_PUT_REJECTED,
    GW_COUNTER_PUT_FAILED,
    GW_COUNTER_PUT_AMBIGUOUS,
    GW_COUNTER_UPDATE_STORED,
    GW_COUNTER_UPDATE_SUPERSEDED,
    GW_COUNTER_UPDATE_REJECTED,
    GW_COUNTER_UPDATE_FAILED,
    GW_COUNTER_UPDATE_AMBIGUOUS,
    GW_COUNTER_COUNT
};

/* How long a part of a request takes. */
enum gw_histogram {
    GW_HISTOGRAM_RECEIVE, /* from its header to its whole body */
    GW_HISTOGRAM_VERIFY,  /* the signature, the scan and the route */
    GW_HISTOGRAM_STORE,   /* from the store's taking it to its outcome */
    GW_HISTOGRAM_COUNT
};

#define GW_BUCKETS 19
extern const int64_t gw_bucket_bounds_us[GW_BUCKETS]; /* the highest that a bucket takes */

struct gw_metrics {
    _Atomic uint64_t counters[GW_COUNTER_COUNT];
    _Atomic uint64_t buckets[GW_HISTOGRAM_COUNT][GW_BUCKETS + 1]; /* not cumulated */
    _Atomic uint64_t sums_us[GW_HISTOGRAM_COUNT];
    _Atomic int64_t last_event_ms; /* when one was verified last, by the wall clock; 0: never */
};

/* For what the calling thread owns. */
static inline void gw_metrics_raise(_Atomic uint64_t *value, uint64_t n)
{
    uint64_t old = atomic_load_explicit(value, memory_order_relaxed);

    atomic_store_explicit(value, old + n, memory_order_relaxed);
}

/* Adds to a set that the calling thread owns. */
static inline void gw_metrics_add(struct gw_metrics *metrics, enum gw_counter counter, uint64_t n)
{
    gw_metrics_raise(&metrics->counters[counter], n);
}

/* Adds to a set that the calling thread owns. */
void gw_metrics_observe(struct gw_metrics *metrics, enum gw_histogram histogram,
                        int64_t duration_us);

static inline uint64_t gw_metrics_get(const struct gw_metrics *metrics, enum gw_counter counter)
{
    return atomic_load_explicit(&metrics->counters[counter], memory_order_relaxed);
}

/* Short name for logs, such as "verified" or "reply_200". */
const char *gw_counter_name(enum gw_counter counter);

#endif
