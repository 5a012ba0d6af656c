/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread fetches, and everybody else takes the snapshot that is there. The lock guards a
 * pointer and a few flags and is never held over a fetch, so a source that hangs delays nothing but
 * its own next try. Whether and when to fetch is decided by two pure functions; the thread only
 * waits, by the monotonic clock, since a wall clock that is set would end or stretch a wait.
 *
 * Credentials that cannot be renewed stay in use, even beyond their expiry: AWS may take them for a
 * while yet, IMDS itself hands out expired ones in an outage and means it, and to send nothing
 * would be no better. Credentials that have expired on arrival are therefore used and count as a
 * failure, so that the next try comes soon, and not at once.
 */
#include "credentials_cache.h"

#include "gw/log.h"
#include "gw/time.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define EARLY_MS (15 * 60 * INT64_C(1000))
#define FIRST_WAIT_MS INT64_C(1000)
#define LONGEST_WAIT_MS (60 * INT64_C(1000))
#define CALM_MS (2 * LONGEST_WAIT_MS) /* after which refusals are counted anew */

struct gw_credentials_cache {
    struct gw_provider *provider; /* the thread's, once it runs */
    pthread_t thread;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    struct gw_credentials *present;
    struct gw_credentials_refusals refusals;
    unsigned failures; /* in a row */
    bool refused, fetching, stopping;
    bool was_refused; /* what is present, when the fetch under way began */
};

static int64_t back_off_ms(unsigned times)
{
    unsigned doublings = times - 1;
    int64_t wait = doublings < 6 ? FIRST_WAIT_MS << doublings : LONGEST_WAIT_MS;

    return wait < LONGEST_WAIT_MS ? wait : LONGEST_WAIT_MS;
}

/* The sooner of 15 minutes early and half of what is left; where less than 15 minutes are left,
 * half of that: some sources give out the same credentials until shortly before they expire. */
static int64_t wait_for_expiry_ms(int64_t left_ms)
{
    int64_t half = left_ms / 2;
    int64_t early = left_ms - EARLY_MS;
    int64_t wait = early > 0 && early < half ? early : half;

    return wait > FIRST_WAIT_MS ? wait : FIRST_WAIT_MS;
}

int64_t gw_credentials_next_fetch_ms(int64_t now_ms, int64_t expires_at_ms, unsigned failures)
{
    if (failures > 0)
        return back_off_ms(failures);
    if (expires_at_ms == GW_AWS_NEVER)
        return GW_AWS_NEVER;
    return expires_at_ms > now_ms ? wait_for_expiry_ms(expires_at_ms - now_ms) : FIRST_WAIT_MS;
}

bool gw_credentials_refusal_heard(struct gw_credentials_refusals *refusals, int64_t now_ms)
{
    int64_t calm_ms = now_ms - refusals->heard_at_ms;

    if (refusals->count > 0 && calm_ms >= CALM_MS)
        refusals->count = 0;
    if (refusals->count > 0 && calm_ms < back_off_ms(refusals->count))
        return false;
    refusals->count++;
    refusals->heard_at_ms = now_ms;
    return true;
}

/* --- the thread --- */

static void log_outcome(const struct gw_credentials *present, const char *problem, int64_t wait_ms)
{
    char expires[GW_TIME_TEXT_SIZE] = "never";

    if (present->expires_at_ms >= GW_TIME_MIN_MS && present->expires_at_ms <= GW_TIME_MAX_MS)
        gw_time_format(present->expires_at_ms, expires);
    if (problem)
        gw_log(GW_LOG_WARNING, "AWS credentials could not be renewed: the present ones stay in use",
               GW_LOG_STR("reason", problem), GW_LOG_STR("expires", expires),
               GW_LOG_INT("next_try_ms", wait_ms));
    else
        gw_log(GW_LOG_INFO, "AWS credentials renewed", GW_LOG_STR("source", present->source),
               GW_LOG_STR("expires", expires));
}

static bool are_same(const struct gw_credentials *a, const struct gw_credentials *b)
{
    return gw_str_equal(a->access_key_id, b->access_key_id) && gw_str_equal(a->secret, b->secret) &&
           gw_str_equal(a->token, b->token);
}

static const char *problem_of(int result, const struct gw_credentials *fetched, int64_t now_ms,
                              const char *message)
{
    if (result == GW_PROVIDER_UNCONFIGURED)
        return "their source is configured no more: put its configuration back, or restart";
    if (result > 0)
        return message;
    if (result < 0)
        return strerrordesc_np(-result);
    return fetched->expires_at_ms <= now_ms ? "the ones that came have expired already" : NULL;
}

static const char same_again[] = "AWS refuses them, and their source gives the same again: put new "
                                 "ones there; where it is the environment, restart";

/* What is logged is held by a reference, as the lock is not. */
static void fetch(struct gw_credentials_cache *cache)
{
    struct gw_credentials *fetched = NULL, *old = NULL, *present;
    char message[GW_AWS_MESSAGE_SIZE] = "";
    int result = gw_provider_fetch(cache->provider, &fetched, message);
    int64_t now_ms = gw_time_now_ms(), wait_ms;
    const char *problem = problem_of(result, fetched, now_ms, message);

    pthread_mutex_lock(&cache->lock);
    bool unchanged = !problem && cache->was_refused && are_same(fetched, cache->present);

    if (result == 0) {
        old = cache->present;
        cache->present = fetched;
    }
    cache->failures = problem ? cache->failures + 1 : 0;
    cache->fetching = false;
    present = gw_credentials_ref(cache->present);
    wait_ms = gw_credentials_next_fetch_ms(now_ms, present->expires_at_ms, cache->failures);
    pthread_mutex_unlock(&cache->lock);

    gw_credentials_unref(old);
    log_outcome(present, unchanged ? same_again : problem, wait_ms);
    gw_credentials_unref(present);
}

/* With the lock. @return false where it is time to stop */
static bool wait_for_turn(struct gw_credentials_cache *cache)
{
    int64_t wait_ms = gw_credentials_next_fetch_ms(gw_time_now_ms(), cache->present->expires_at_ms,
                                                   cache->failures);
    int64_t until_ms = wait_ms == GW_AWS_NEVER ? wait_ms : gw_time_monotonic_ms() + wait_ms;

    while (!cache->stopping && !cache->refused && gw_time_monotonic_ms() < until_ms) {
        struct timespec until = {until_ms / 1000, until_ms % 1000 * 1000000};

        if (until_ms == GW_AWS_NEVER)
            pthread_cond_wait(&cache->changed, &cache->lock);
        else
            pthread_cond_timedwait(&cache->changed, &cache->lock, &until);
    }
    cache->was_refused = cache->refused;
    cache->refused = false;
    cache->fetching = !cache->stopping;
    return cache->fetching;
}

static void *run(void *argument)
{
    struct gw_credentials_cache *cache = argument;
    bool goes_on;

    do {
        pthread_mutex_lock(&cache->lock);
        goes_on = wait_for_turn(cache);
        pthread_mutex_unlock(&cache->lock);
        if (goes_on)
            fetch(cache);
    } while (goes_on);
    return NULL;
}

/* Signals are main's business. */
static int start(struct gw_credentials_cache *cache)
{
    sigset_t all, before;
    int r;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = -pthread_create(&cache->thread, NULL, run, cache);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r == 0)
        pthread_setname_np(cache->thread, "gw-aws-creds");
    return r;
}

/* --- the owner's side --- */

static struct gw_credentials_cache *new_cache(void)
{
    struct gw_credentials_cache *cache = calloc(1, sizeof(*cache));
    pthread_condattr_t attributes;

    if (!cache)
        return NULL;
    pthread_mutex_init(&cache->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&cache->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return cache;
}

static void free_stopped(struct gw_credentials_cache *cache)
{
    gw_provider_free(cache->provider);
    gw_credentials_unref(cache->present);
    pthread_cond_destroy(&cache->changed);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static int fetch_first(struct gw_credentials_cache *cache, char *message)
{
    int r = gw_provider_fetch(cache->provider, &cache->present, message);

    if (r == 0 && cache->present->expires_at_ms <= gw_time_now_ms())
        cache->failures = 1;
    return r == 0 ? start(cache) : r;
}

int gw_credentials_cache_new(struct gw_provider *provider, struct gw_credentials_cache **cache,
                             char *message)
{
    struct gw_credentials_cache *made = provider ? new_cache() : NULL;
    int r;

    if (!made) {
        gw_provider_free(provider);
        r = -ENOMEM;
    } else {
        made->provider = provider;
        r = fetch_first(made, message);
        if (r)
            free_stopped(made);
        else
            *cache = made;
    }
    if (r < 0)
        (void)snprintf(message, GW_AWS_MESSAGE_SIZE, "AWS credentials: %s", strerrordesc_np(-r));
    return r;
}

struct gw_credentials_cache *gw_credentials_cache_free(struct gw_credentials_cache *cache)
{
    if (!cache)
        return NULL;
    pthread_mutex_lock(&cache->lock);
    cache->stopping = true;
    pthread_cond_signal(&cache->changed);
    pthread_mutex_unlock(&cache->lock);
    pthread_join(cache->thread, NULL);
    free_stopped(cache);
    return NULL;
}

struct gw_credentials *gw_credentials_cache_get(struct gw_credentials_cache *cache)
{
    struct gw_credentials *present;

    pthread_mutex_lock(&cache->lock);
    present = gw_credentials_ref(cache->present);
    pthread_mutex_unlock(&cache->lock);
    return present;
}

/* Nothing is to be done about credentials that are no longer present, or while a fetch or a retry
 * is under way that will replace them. */
void gw_credentials_cache_refresh(struct gw_credentials_cache *cache,
                                  const struct gw_credentials *refused)
{
    pthread_mutex_lock(&cache->lock);
    if (refused == cache->present && !cache->refused && !cache->fetching && cache->failures == 0 &&
        gw_credentials_refusal_heard(&cache->refusals, gw_time_monotonic_ms())) {
        cache->refused = true;
        pthread_cond_signal(&cache->changed);
    }
    pthread_mutex_unlock(&cache->lock);
}
