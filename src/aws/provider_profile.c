/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The profile that AWS_PROFILE names. A profile with role_arn and source_profile only points at
 * another one, so first the chain of roles is walked down to the profile that has credentials of
 * its own, by whichever kind the table says; then the roles are assumed on the way back. Both are
 * loops over one short array: no recursion, a bounded depth, and a loop of profiles is found by
 * looking whether a name was there before.
 *
 * The first profile's role counts more than keys beside it; a source's keys count more than its
 * role, which also lets a profile name itself as the source. What is ambiguous or needs a person is
 * refused and not guessed at: the wrong identity is worse than none.
 */
#include "gw/aws_profile.h"
#include "provider.h"

#include "gw/aws_endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define DEPTH_MAX 8
#define DURATION_MIN_S 900
#define DURATION_MAX_S 43200

static const char name[] = "profile";

struct provider {
    struct gw_provider provider;
    const struct gw_profile_sources *sources;
};

struct walk {
    const struct gw_profile_sources *sources;
    struct gw_aws_profiles *profiles;
    const char *names[DEPTH_MAX]; /* each assumes its role with the next one's credentials */
    size_t count;
    char *message;
};

static const char *get(const struct walk *walk, const char *profile, const char *key)
{
    return gw_aws_profile_get(walk->profiles, profile, key);
}

static bool has_keys(const struct walk *walk, const char *profile)
{
    return get(walk, profile, "aws_access_key_id") || get(walk, profile, "aws_secret_access_key");
}

/* What others wrote gets the profile's name before it. */
static int name_failure(const struct walk *walk, const char *profile, int result)
{
    char text[GW_AWS_MESSAGE_SIZE];

    if (result != GW_PROVIDER_FAILED)
        return result;
    (void)snprintf(text, sizeof(text), "%s", walk->message);
    return gw_provider_fail(walk->message, "profile %s: %s", profile, text);
}

/* --- roles --- */

static int check_duration(const struct walk *walk, const char *profile, int *duration_s)
{
    const char *text = get(walk, profile, "duration_seconds");
    char *end;
    long value;

    *duration_s = 0;
    if (!text)
        return 0;
    value = strtol(text, &end, 10);
    if (*end || value < DURATION_MIN_S || value > DURATION_MAX_S)
        return gw_provider_fail(walk->message,
                                "profile %s: duration_seconds must be a number from %d to %d",
                                profile, DURATION_MIN_S, DURATION_MAX_S);
    *duration_s = (int)value;
    return 0;
}

static int read_role(const struct walk *walk, const char *profile, struct gw_sts_role *role)
{
    struct gw_aws_endpoint_options options = {0};

    if (get(walk, profile, "mfa_serial"))
        return gw_provider_fail(walk->message,
                                "profile %s: mfa_serial needs a person at each renewal: use a role "
                                "that does not ask for it",
                                profile);
    gw_aws_endpoint_look_up(walk->profiles, "sts", &options);
    *role = (struct gw_sts_role){
        .arn = get(walk, profile, "role_arn"),
        .session_name = get(walk, profile, "role_session_name"),
        .external_id = get(walk, profile, "external_id"),
        .region = options.region,
        .source_name = name,
    };
    return check_duration(walk, profile, &role->duration_s);
}

/* *@credentials are the source's, and become the role's. */
static int assume(const struct walk *walk, const char *profile, struct gw_credentials **credentials)
{
    struct gw_credentials *assumed;
    struct gw_sts_role role = {0};
    int r = read_role(walk, profile, &role);

    if (r)
        return r;
    r = walk->sources->assume_role(&role, *credentials, &assumed, walk->message);
    if (r)
        return name_failure(walk, profile, r);
    gw_credentials_unref(*credentials);
    *credentials = assumed;
    return 0;
}

/* --- the kinds of credentials that a profile may have of its own --- */

static int fetch_web_identity(const struct walk *walk, const char *profile,
                              struct gw_credentials **credentials)
{
    struct gw_sts_role role = {0};
    int r = read_role(walk, profile, &role);

    if (r)
        return r;
    if (!role.arn)
        return gw_provider_fail(walk->message,
                                "profile %s has web_identity_token_file, but no role_arn: add it",
                                profile);
    r = walk->sources->assume_role_with_web_identity(
        &role, get(walk, profile, "web_identity_token_file"), credentials, walk->message);
    return name_failure(walk, profile, r);
}

/* A role's source that is no profile. */
struct named_source {
    const char *value;
    struct gw_provider *provider;
    const char *remedy;
};

static int fetch_from(const struct walk *walk, const char *profile,
                      const struct named_source *source, struct gw_credentials **credentials)
{
    int r;

    if (!source->provider)
        return -ENOMEM;
    r = gw_provider_fetch(source->provider, credentials, walk->message);
    if (r == GW_PROVIDER_UNCONFIGURED)
        return gw_provider_fail(walk->message,
                                "profile %s: credential_source = %s has no credentials: %s",
                                profile, source->value, source->remedy);
    return name_failure(walk, profile, r);
}

static int fetch_credential_source(const struct walk *walk, const char *profile,
                                   struct gw_credentials **credentials)
{
    const char *wanted = get(walk, profile, "credential_source");
    const struct {
        const char *value;
        struct gw_provider *(*make)(void);
        const char *remedy;
    } table[] = {
        {"Environment", walk->sources->environment,
         "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"},
        {"EcsContainer", walk->sources->container,
         "AWS sets AWS_CONTAINER_CREDENTIALS_RELATIVE_URI where a task has a role: give it one"},
        {"Ec2InstanceMetadata", walk->sources->imds,
         "do not set AWS_EC2_METADATA_DISABLED, or use another source"},
    };

    for (size_t i = 0; wanted && i < GW_COUNT(table); i++) {
        if (strcmp(wanted, table[i].value) == 0) {
            struct named_source source = {wanted, table[i].make(), table[i].remedy};
            int r = fetch_from(walk, profile, &source, credentials);

            gw_provider_free(source.provider);
            return r ? r : assume(walk, profile, credentials);
        }
    }
    return gw_provider_fail(walk->message,
                            "profile %s: credential_source must be Environment, EcsContainer or "
                            "Ec2InstanceMetadata",
                            profile);
}

static int fetch_keys(const struct walk *walk, const char *profile,
                      struct gw_credentials **credentials)
{
    const struct gw_credentials parts = {
        .access_key_id = gw_str(get(walk, profile, "aws_access_key_id")),
        .secret = gw_str(get(walk, profile, "aws_secret_access_key")),
        .token = gw_str(get(walk, profile, "aws_session_token")),
        .expires_at_ms = GW_AWS_NEVER,
        .source = "profile's keys",
    };

    if (!parts.access_key_id.data || !parts.secret.data)
        return gw_provider_fail(walk->message, "profile %s has no %s: add it to what is there",
                                profile,
                                parts.secret.data ? "aws_access_key_id" : "aws_secret_access_key");
    return name_failure(walk, profile,
                        gw_credentials_from_parts(&parts, credentials, walk->message));
}

static int fetch_process(const struct walk *walk, const char *profile,
                         struct gw_credentials **credentials)
{
    const char *command = get(walk, profile, "credential_process");

    return name_failure(
        walk, profile,
        gw_credentials_from_process(command, GW_PROCESS_TIMEOUT_MS, credentials, walk->message));
}

static int refuse_login(const struct walk *walk, const char *profile,
                        struct gw_credentials **credentials)
{
    (void)credentials;
    return gw_provider_fail(walk->message,
                            "profile %s signs a person in (sso_*, login_session), which a service "
                            "cannot: use credential_process = aws configure export-credentials "
                            "--profile %s --format process, in a profile of its own",
                            profile, profile);
}

/* In this order: what a profile has decides. */
static const struct {
    const char *key;
    int (*fetch)(const struct walk *walk, const char *profile, struct gw_credentials **credentials);
} kinds[] = {
    {"web_identity_token_file", fetch_web_identity},
    {"role_arn", fetch_credential_source},
    {"aws_access_key_id", fetch_keys},
    {"aws_secret_access_key", fetch_keys},
    {"credential_process", fetch_process},
    {"sso_session", refuse_login},
    {"sso_start_url", refuse_login},
    {"sso_account_id", refuse_login},
    {"login_session", refuse_login},
};

static int fetch_own(const struct walk *walk, struct gw_credentials **credentials)
{
    const char *profile = walk->names[walk->count - 1];

    if (walk->count > 1 && has_keys(walk, profile))
        return fetch_keys(walk, profile, credentials);
    for (size_t i = 0; i < GW_COUNT(kinds); i++)
        if (get(walk, profile, kinds[i].key))
            return kinds[i].fetch(walk, profile, credentials);
    if (walk->count == 1)
        return GW_PROVIDER_UNCONFIGURED;
    return gw_provider_fail(walk->message,
                            "profile %s is the source_profile of %s and has no credentials: add "
                            "keys, a role or a credential_process",
                            profile, walk->names[walk->count - 2]);
}

/* --- the walk --- */

/* A role is assumed with just one thing. */
static int check_role(const struct walk *walk, const char *profile)
{
    static const char *const sources[] = {"source_profile", "credential_source",
                                          "web_identity_token_file"};
    const char *first = NULL;

    for (size_t i = 0; i < GW_COUNT(sources); i++) {
        if (!get(walk, profile, sources[i]))
            continue;
        if (first)
            return gw_provider_fail(walk->message, "profile %s has both %s and %s: keep one",
                                    profile, first, sources[i]);
        first = sources[i];
    }
    if (first)
        return 0;
    return gw_provider_fail(walk->message,
                            "profile %s has role_arn, and nothing to assume it with: add "
                            "source_profile, credential_source or web_identity_token_file",
                            profile);
}

static bool is_loop(const struct walk *walk, const char *source)
{
    const char *last = walk->names[walk->count - 1];

    if (strcmp(source, last) == 0)
        return !has_keys(walk, source);
    for (size_t i = 0; i < walk->count; i++)
        if (strcmp(source, walk->names[i]) == 0)
            return true;
    return false;
}

static int add_source(struct walk *walk, const char *source)
{
    const char *last = walk->names[walk->count - 1];

    if (!gw_aws_profile_exists(walk->profiles, source))
        return gw_provider_fail(walk->message,
                                "profile %s: there is no profile %s, which its source_profile "
                                "names: add it, or correct the name",
                                last, source);
    if (is_loop(walk, source))
        return gw_provider_fail(walk->message,
                                "profile %s: its source_profile %s leads back to itself: the last "
                                "one must have credentials of its own",
                                last, source);
    if (walk->count == DEPTH_MAX)
        return gw_provider_fail(walk->message,
                                "profile %s: more than %d profiles lead from one to another by "
                                "source_profile: shorten the chain",
                                walk->names[0], DEPTH_MAX);
    walk->names[walk->count++] = source;
    return 0;
}

/* Down to the profile that has credentials of its own. */
static int follow_sources(struct walk *walk)
{
    for (;;) {
        const char *profile = walk->names[walk->count - 1];
        const char *source = get(walk, profile, "source_profile");
        int r;

        if (!get(walk, profile, "role_arn") || (walk->count > 1 && has_keys(walk, profile)))
            return 0;
        r = check_role(walk, profile);
        if (r == 0 && source)
            r = add_source(walk, source);
        if (r || !source)
            return r;
    }
}

static int fetch_walk(struct walk *walk, struct gw_credentials **credentials)
{
    struct gw_credentials *fetched = NULL;
    int r = follow_sources(walk);

    if (r == 0)
        r = fetch_own(walk, &fetched);
    for (size_t i = walk->count - 1; r == 0 && i > 0; i--)
        r = assume(walk, walk->names[i - 1], &fetched);
    if (r == 0)
        *credentials = fetched;
    else
        gw_credentials_unref(fetched);
    return r;
}

static int fetch_selected(struct walk *walk, struct gw_credentials **credentials)
{
    const char *selected = gw_aws_profile_name();

    walk->names[0] = selected;
    walk->count = 1;
    if (gw_aws_profile_exists(walk->profiles, selected))
        return fetch_walk(walk, credentials);
    if (!gw_provider_getenv("AWS_PROFILE"))
        return GW_PROVIDER_UNCONFIGURED;
    return gw_provider_fail(walk->message,
                            "AWS_PROFILE names the profile %s, which is in neither file "
                            "(~/.aws/config, ~/.aws/credentials, or where AWS_CONFIG_FILE and "
                            "AWS_SHARED_CREDENTIALS_FILE point): add it, or correct the name",
                            selected);
}

static int fetch(struct gw_provider *provider, struct gw_credentials **credentials, char *message)
{
    struct walk walk = {
        .sources = GW_CONTAINER(provider, struct provider, provider)->sources,
        .message = message,
    };
    int r = gw_aws_profiles_load(&walk.profiles, message);

    if (r < 0)
        return r == -ENOMEM ? r : GW_PROVIDER_FAILED;
    r = fetch_selected(&walk, credentials);
    gw_aws_profiles_free(walk.profiles);
    return r;
}

static void free_provider(struct gw_provider *provider)
{
    free(GW_CONTAINER(provider, struct provider, provider));
}

struct gw_provider *gw_provider_profile_with(const struct gw_profile_sources *sources)
{
    static const struct gw_provider_ops ops = {.name = name, .fetch = fetch, .free = free_provider};
    struct provider *profile = malloc(sizeof(*profile));

    if (!profile)
        return NULL;
    profile->provider.ops = &ops;
    profile->sources = sources;
    return &profile->provider;
}

struct gw_provider *gw_provider_profile(void)
{
    static const struct gw_profile_sources sources = {
        .assume_role = gw_sts_assume_role,
        .assume_role_with_web_identity = gw_sts_assume_role_with_web_identity,
        .environment = gw_provider_environment,
        .container = gw_provider_container,
        .imds = gw_provider_imds,
    };

    return gw_provider_profile_with(&sources);
}
