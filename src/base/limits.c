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

static unsigned fewer(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* In microseconds. */
static unsigned cpus_of_quota(long long quota, long long period)
{
    if (quota <= 0 || period <= 0)
        return UINT_MAX;
    long long cpus = (quota + period - 1) / period;

    return cpus < UINT_MAX ? (unsigned)cpus : UINT_MAX;
}

static bool read_file(const char *folder, const char *name, char *line, size_t size)
{
    char path[PATH_MAX];

    return snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path) &&
           read_line(path, line, size);
}

/* "QUOTA PERIOD" or "max PERIOD". */
static unsigned cpus_of_v2(const char *group)
{
    char line[128];
    long long quota, period;

    if (!read_file(group, "cpu.max", line, sizeof(line)) ||
        sscanf(line, "%lld %lld", &quota, &period) != 2)
        return UINT_MAX;
    return cpus_of_quota(quota, period);
}

static unsigned cpus_of_v1(const char *group)
{
    char quota[64], period[64];

    if (!read_file(group, "cpu.cfs_quota_us", quota, sizeof(quota)) ||
        !read_file(group, "cpu.cfs_period_us", period, sizeof(period)))
        return UINT_MAX;
    return cpus_of_quota(strtoll(quota, NULL, 10), strtoll(period, NULL, 10));
}

/* The tightest quota from @group up to @root, which is the only one there in a container. */
static unsigned cpus_of_levels(const char *root, const char *group,
                               unsigned (*cpus_of)(const char *group))
{
    char folder[PATH_MAX];
    int root_len = snprintf(folder, sizeof(folder), "%s", root);
    int len = snprintf(folder, sizeof(folder), "%s%s", root, group);
    unsigned cpus = UINT_MAX;

    if (len >= (int)sizeof(folder))
        return UINT_MAX;
    while (true) {
        cpus = fewer(cpus, cpus_of(folder));
        if (strlen(folder) <= (size_t)root_len)
            return cpus;
        *strrchr(folder, '/') = '\0';
    }
}

static bool is_listed(char *list, const char *wanted)
{
    const char *name;

    while ((name = strsep(&list, ",")) != NULL)
        if (strcmp(name, wanted) == 0)
            return true;
    return false;
}

/* "HIERARCHY:CONTROLLERS:/GROUP": v2 has no controllers here, and each hierarchy of v1 some. */
static unsigned cpus_of_line(const char *root, char *line)
{
    char v1_root[PATH_MAX];
    char *controllers, *group = line;

    (void)strsep(&group, ":");
    controllers = strsep(&group, ":");
    if (!group || group[0] != '/')
        return UINT_MAX;
    group[strcspn(group, "\n")] = '\0';
    if (*controllers == '\0')
        return cpus_of_levels(root, group, cpus_of_v2);
    if (!is_listed(controllers, "cpu") ||
        snprintf(v1_root, sizeof(v1_root), "%s/cpu", root) >= (int)sizeof(v1_root))
        return UINT_MAX;
    return cpus_of_levels(v1_root, group, cpus_of_v1);
}

unsigned gw_limits_cgroup_cpus(const char *root, const char *groups)
{
    FILE *file = fopen(groups, "re");
    char line[PATH_MAX];
    unsigned cpus = UINT_MAX;

    while (file && fgets(line, sizeof(line), file))
        cpus = fewer(cpus, cpus_of_line(root, line));
    if (file)
        (void)fclose(file);
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
    return fewer(cpus_of_affinity(), gw_limits_cgroup_cpus("/sys/fs/cgroup", "/proc/self/cgroup"));
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
