/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_STATUS_PAGE_H
#define GW_STATUS_PAGE_H

/*
 * The status page, whole, and the Content-Security-Policy that lets it run its own script and style
 * and ask its own server, and nothing else. src/admin/embed.py makes them of status.html, .css and
 * .js.
 */

#include "gw/base.h"

extern const struct gw_str gw_status_page;
extern const char gw_status_policy[];

#endif
