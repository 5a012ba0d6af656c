/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SEND_REPORT_H
#define GW_SEND_REPORT_H

/*
 * What `send` says: the first answers that are not 2xx in full, a bar while it goes on, and the
 * sums at the end.
 */

#include "sender.h"

#include "gw/durations.h"

#define GW_SEND_STATUSES 1000 /* what can be written as three digits */

/* Zeroed ({0}) to begin with. */
struct gw_send_report {
    uint64_t statuses[GW_SEND_STATUSES];
    uint64_t unanswered[CURL_LAST]; /* by CURLcode */
    uint64_t refused;               /* not answered 2xx */
    uint64_t wanted;                /* events in all; 0: not known */
    int64_t begun_us, ended_us; /* when the first was begun (set by others), the last answered */
    int64_t bar_shown_ms;       /* 0: none is shown */
    struct gw_durations durations;
};

/* Takes down what came of an event. */
void gw_send_report_count(struct gw_send_report *report, const struct gw_sent *sent);

/* Renews the bar, where stderr is a terminal. */
void gw_send_report_bar(struct gw_send_report *report);
/* Takes it away. */
void gw_send_report_clear_bar(struct gw_send_report *report);

/* The table of answers. */
void gw_send_report_print(const struct gw_send_report *report);
/* How fast they came. */
void gw_send_report_print_times(const struct gw_send_report *report);

#endif
