/* SPDX-License-Identifier: Apache-2.0 */
/* What cannot be read stays 0, which the exposition leaves out. */
#include "gw/gauges.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static int64_t used(const struct gw_limit *limit)
{
    return atomic_load_explicit(&limit->used, memory_order_relaxed);
}

static int64_t most(const struct gw_limit *limit)
{
    return atomic_load_explicit(&limit->max, memory_order_relaxed);
}

static int64_t cpu_us(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) < 0)
        return 0;
    return (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
           usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

/* proc(5), /proc/[pid]/statm: in pages. */
static void measure_memory(int64_t *values)
{
    FILE *file = fopen("/proc/self/statm", "re");
    long long pages, resident;

    if (!file)
        return;
    if (fscanf(file, "%19lld %19lld", &pages, &resident) == 2) {
        values[GW_GAUGE_VIRTUAL_BYTES] = pages * sysconf(_SC_PAGESIZE);
        values[GW_GAUGE_RESIDENT_BYTES] = resident * sysconf(_SC_PAGESIZE);
    }
    (void)fclose(file);
}

/* Without ".", ".." and the folder's own. */
static int64_t open_files(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int64_t count = -3;

    if (!folder)
        return 0;
    while (readdir(folder))
        count++;
    (void)closedir(folder);
    return count;
}

static int64_t most_files(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (int64_t)limit.rlim_cur : 0;
}

void gw_gauges_measure(struct gw_gauges *gauges, struct gw_shared *shared,
                       const struct gw_account *account)
{
    const struct gw_limits *limits = &shared->limits;
    int64_t *values = gauges->values;
    struct gw_backend_state state;
    bool leaving = atomic_load_explicit(&shared->leaving, memory_order_relaxed);

    values[GW_GAUGE_READY] = !leaving && shared->backend->ops->ready(shared->backend);
    values[GW_GAUGE_DRAINING] = leaving;
    values[GW_GAUGE_CONNECTIONS] = used(&limits->connections);
    values[GW_GAUGE_MAX_CONNECTIONS] = most(&limits->connections);
    values[GW_GAUGE_BUFFERED_BYTES] = used(&limits->buffered_bytes);
    values[GW_GAUGE_MAX_BUFFERED_BYTES] = most(&limits->buffered_bytes);
    values[GW_GAUGE_IN_FLIGHT] = used(&limits->in_flight);
    values[GW_GAUGE_MAX_IN_FLIGHT] = most(&limits->in_flight);
    values[GW_GAUGE_LAST_EVENT_MS] = gw_account_last_event_ms(account);
    shared->backend->ops->look(shared->backend, &state);
    values[GW_GAUGE_STORE_OUT] = state.out;
    values[GW_GAUGE_CREDENTIALS_EXPIRE_MS] = state.credentials_expire_ms;
    values[GW_GAUGE_CPU_US] = cpu_us();
    measure_memory(values);
    values[GW_GAUGE_OPEN_FILES] = open_files();
    values[GW_GAUGE_MAX_FILES] = most_files();
}
