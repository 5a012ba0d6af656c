/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_NOTIFY_H
#define GW_NOTIFY_H

/* What systemd is told, by sd_notify(3); without NOTIFY_SOCKET all of it does nothing. */

#include "gw/base.h"

/* READY=1: serving, also after a reload. */
void gw_notify_ready(void);
/* RELOADING=1 with MONOTONIC_USEC, as Type=notify-reload wants it. */
void gw_notify_reloading(void);
/* STOPPING=1. */
void gw_notify_stopping(void);
/* STATUS=STATE; COUNTS: what `systemctl status` shows. */
void gw_notify_status(const char *state, const char *counts);
/* Feeds the watchdog. */
void gw_notify_alive(void);
/* While draining: asks for @more_ms from now on. */
void gw_notify_extend(int64_t more_ms);

/* WATCHDOG_USEC in milliseconds; 0 where there is no watchdog for this process. */
int64_t gw_notify_watchdog_ms(void);

#endif
