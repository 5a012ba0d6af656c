/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_NOTIFY_H
#define GW_NOTIFY_H

/* What systemd is told, by sd_notify(3); without NOTIFY_SOCKET all of it does nothing. */

#include "gw/base.h"

void gw_notify_ready(void);
void gw_notify_reloading(void);
void gw_notify_stopping(void);
void gw_notify_status(const char *text);
/* Feeds the watchdog. */
void gw_notify_alive(void);
/* While draining: asks for @more_ms from now on. */
void gw_notify_extend(int64_t more_ms);

/* WATCHDOG_USEC in milliseconds; 0 where there is no watchdog for this process. */
int64_t gw_notify_watchdog_ms(void);

#endif
