/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_HOST_H
#define GW_HOST_H

/* The Host header of a request to a listener that only this machine reaches. Pure. */

#include "gw/base.h"

/**
 * Whether a browser that sends @host (its value; NULL: none came) can have meant this machine: an
 * address or localhost, with or without a port. Any other name may be one whose owner lets it point
 * here (DNS rebinding), so that a page of theirs would count as one of ours.
 */
bool gw_host_is_own(const char *host);

#endif
