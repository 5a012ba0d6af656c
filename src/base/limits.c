/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts are taken with a compare-and-swap, so that no two workers can both take the last one.
 * The CPU quota is read from the cgroup file system as the process sees it: in a container the own
 * group is its root; on a host the groups above may bound as well, so every level counts.
 */
#include "gw/limits.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

bool gw_limit_take(struct gw_limit *limit, int64_t amount)
{
    int64_t max = atomic_load_explicit(&limit->max, memory_order_relaxed);
    int64_t used = atomic_load_explicit(&limit->used, memory_order_relaxed);

    do {
        if (amount > max - used)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&limit->used, &used, used + amount,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

void gw_limit_give(struct gw_limit *limit, int64_t amount)
{
    atomic_fetch_sub_explicit(&limit->used, amount, memory_order_relaxed);
}

static bool read_line(const char *path, char *line, size_t size)
{
    FILE *file = fopen(path, "re");
    bool ok = file && fgets(line, (int)size, file);

    if (file)
        (void)fclose(file);
    return ok;
}

/* cgroup v2's "QUOTA PERIOD" or "max PERIOD", in microseconds. */
static unsigned cpus_of_quota(long long quota, long long period)
{
    if (quota <= 0 || period <= 0)
        return UINT_MAX;
    long long cpus = (quota + period - 1) / period;

    return cpus < UINT_MAX ? (unsigned)cpus : UINT_MAX;
}

static unsigned cpus_of_group(const char *group)
{
    char path[PATH_MAX], line[128];
    long long quota = 0, period = 0;

    if (snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cpu.max", group) >= (int)sizeof(path) ||
        !read_line(path, line, sizeof(line)) || sscanf(line, "%lld %lld", &quota, &period) != 2)
        return UINT_MAX;
    return cpus_of_quota(quota, period);
}

static unsigned cpus_of_cgroup_v1(void)
{
    char quota[64], period[64];

    if (!read_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota, sizeof(quota)) ||
        !read_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period, sizeof(period)))
        return UINT_MAX;
    return cpus_of_quota(strtoll(quota, NULL, 10), strtoll(period, NULL, 10));
}

/* The tightest quota from the own group up to the root. */
static unsigned cpus_of_cgroup(void)
{
    char line[PATH_MAX];
    char *group = line + 3; /* behind "0::" */
    unsigned cpus = cpus_of_group("");
    unsigned v1 = cpus_of_cgroup_v1();

    cpus = v1 < cpus ? v1 : cpus;
    if (!read_line("/proc/self/cgroup", line, sizeof(line)) || strncmp(line, "0::/", 4) != 0)
        return cpus;
    group[strcspn(group, "\n")] = '\0';
    while (*group) {
        unsigned here = cpus_of_group(group);

        cpus = here < cpus ? here : cpus;
        *strrchr(group, '/') = '\0';
    }
    return cpus;
}

static unsigned cpus_of_affinity(void)
{
    long configured = sysconf(_SC_NPROCESSORS_CONF);
    size_t count = configured > CPU_SETSIZE ? (size_t)configured : CPU_SETSIZE;
    cpu_set_t *set = CPU_ALLOC(count);
    unsigned cpus = 1;

    if (set && sched_getaffinity(0, CPU_ALLOC_SIZE(count), set) == 0)
        cpus = (unsigned)CPU_COUNT_S(CPU_ALLOC_SIZE(count), set);
    CPU_FREE(set);
    return cpus ? cpus : 1;
}

unsigned gw_limits_cpus(void)
{
    unsigned affinity = cpus_of_affinity();
    unsigned quota = cpus_of_cgroup();

    return quota < affinity ? quota : affinity;
}

int gw_limits_raise_files(uint64_t wanted, uint64_t *granted)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -errno;
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
            return -errno;
    }
    *granted = limit.rlim_cur;
    return 0;
}
