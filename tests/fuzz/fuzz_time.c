/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/time.h"

#include <stdlib.h>

/* What is read is within the years, and is the same when written and read again. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

static int64_t read_back(const char *text)
{
    int64_t time_ms;

    check(gw_time_parse(gw_str(text), &time_ms) == 0);
    return time_ms;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[GW_TIME_TEXT_SIZE];
    int64_t time_ms;

    if (gw_time_parse((struct gw_str){(const char *)data, size}, &time_ms) != 0)
        return 0;
    check(time_ms >= GW_TIME_MIN_MS && time_ms <= GW_TIME_MAX_MS);
    gw_time_format(time_ms, text);
    check(read_back(text) == time_ms);
    gw_time_format_compact(time_ms, text);
    check(read_back(text) == time_ms);
    return 0;
}
