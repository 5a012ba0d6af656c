/* SPDX-License-Identifier: Apache-2.0 */
/* A message that cannot be sent is no reason to stop serving: errors are ignored throughout. */
#include "gw/notify.h"

#include "gw/time.h"

#include <inttypes.h>
#include <systemd/sd-daemon.h>

void gw_notify_ready(void)
{
    (void)sd_notify(0, "READY=1");
}

void gw_notify_reloading(void)
{
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, gw_time_monotonic_us());
}

void gw_notify_stopping(void)
{
    (void)sd_notify(0, "STOPPING=1");
}

void gw_notify_status(const char *state, const char *counts)
{
    (void)sd_notifyf(0, "STATUS=%s; %s", state, counts);
}

void gw_notify_alive(void)
{
    (void)sd_notify(0, "WATCHDOG=1");
}

void gw_notify_extend(int64_t more_ms)
{
    (void)sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%" PRId64, more_ms * 1000);
}

int64_t gw_notify_watchdog_ms(void)
{
    uint64_t usec = 0;

    return sd_watchdog_enabled(0, &usec) > 0 ? (int64_t)(usec / 1000) : 0;
}
