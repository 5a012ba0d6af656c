/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_OUTAGE_H
#define GW_OUTAGE_H

/*
 * Whether a shared backend is out, judged from what its requests come to. Single events may fail
 * for reasons of their own (a hot item that is throttled, an action that is denied) while others
 * are stored: so it takes failures of several in a row, and a time from the first of them on in
 * which nothing was answered. Pure.
 */

#include "gw/base.h"

#define GW_OUTAGE_FAILURES 3

struct gw_outage {
    int64_t silence_ms; /* given: longer than a slow answer may take */
    bool out;
    int failures;         /* of different events, since the last answer */
    int64_t failed_at_ms; /* monotonic: the first of them */
};

/**
 * A request failed for a reason that may be the backend's.
 * @param is_new  whether no other request of the same event has failed before
 * @return whether that begins an outage.
 */
bool gw_outage_failed(struct gw_outage *outage, bool is_new, int64_t now_ms);

/* A request was answered as it should be. @return whether that ends one. */
bool gw_outage_answered(struct gw_outage *outage);

#endif
