/* SPDX-License-Identifier: Apache-2.0 */
#include "../../src/aws/provider.h"

#include "gw/time.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "files.h"

#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define SECRET_START "wJalr"
#define TOKEN "FwoGZXIvYXdzEXAMPLETOKEN"

static char message[GW_AWS_MESSAGE_SIZE];

static const char *const variables[] = {
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
    "AWS_PROFILE",       "AWS_CONFIG_FILE",       "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_REGION",        "AWS_DEFAULT_REGION",    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
};

static int forget(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(variables); i++)
        unsetenv(variables[i]);
    message[0] = '\0';
    return setenv("HOME", files_folder, 1);
}

static void assert_said(const char *says)
{
    if (!strstr(message, says))
        fail_msg("\"%s\" does not say \"%s\"", message, says);
    if (strstr(message, SECRET_START) || strstr(message, TOKEN))
        fail_msg("\"%s\" holds a secret", message);
    for (const char *c = message; *c; c++)
        assert_true(*c >= ' ' && *c <= '~');
}

static void assert_key(struct gw_credentials *credentials, const char *key)
{
    if (!gw_str_equal(credentials->access_key_id, gw_str(key)))
        fail_msg("\"%s\" and not \"%s\"", credentials->access_key_id.data, key);
}

/* --- environment --- */

static const struct {
    const char *key, *secret, *token;
    int result;
    const char *says;
} environments[] = {
    {NULL, NULL, NULL, GW_PROVIDER_UNCONFIGURED, NULL},
    {"", "", "", GW_PROVIDER_UNCONFIGURED, NULL},
    {NULL, NULL, TOKEN, GW_PROVIDER_UNCONFIGURED, NULL},
    {"AKID", SECRET, NULL, 0, NULL},
    {"AKID", SECRET, "", 0, NULL},
    {"AKID", SECRET, TOKEN, 0, NULL},
    {"AKID", NULL, NULL, GW_PROVIDER_FAILED,
     "environment: AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not: set both"},
    {"AKID", "", TOKEN, GW_PROVIDER_FAILED, "but AWS_SECRET_ACCESS_KEY is not"},
    {NULL, SECRET, NULL, GW_PROVIDER_FAILED,
     "AWS_SECRET_ACCESS_KEY is set, but AWS_ACCESS_KEY_ID is not"},
    {"AKID", SECRET "\n", NULL, GW_PROVIDER_FAILED,
     "environment: the secret access key holds a blank, a line break"},
    {"AKID", SECRET, TOKEN "\r\nX-Evil: 1", GW_PROVIDER_FAILED, "copy it anew"},
};

static void set_or_unset(const char *name, const char *value)
{
    assert_int_equal(value ? setenv(name, value, 1) : unsetenv(name), 0);
}

static void test_the_environment_is_taken_whole_or_not_at_all(void **state)
{
    struct gw_provider *provider = gw_provider_environment();

    (void)state;
    for (size_t i = 0; i < GW_COUNT(environments); i++) {
        struct gw_credentials *found = NULL;
        int r;

        set_or_unset("AWS_ACCESS_KEY_ID", environments[i].key);
        set_or_unset("AWS_SECRET_ACCESS_KEY", environments[i].secret);
        set_or_unset("AWS_SESSION_TOKEN", environments[i].token);
        r = gw_provider_fetch(provider, &found, message);
        assert_int_equal(r, environments[i].result);
        if (r == 0) {
            assert_key(found, "AKID");
            assert_string_equal(found->secret.data, SECRET);
            assert_string_equal(found->token.data,
                                environments[i].token ? environments[i].token : "");
            assert_int_equal(found->expires_at_ms, GW_AWS_NEVER);
            assert_string_equal(found->source, "environment");
        } else {
            assert_null(found);
        }
        if (r == GW_PROVIDER_FAILED)
            assert_said(environments[i].says);
        gw_credentials_unref(found);
    }
    gw_provider_free(provider);
}

/* --- the chain --- */

struct fake {
    struct gw_provider provider;
    int result, fetches, frees;
};

static int fetch_fake(struct gw_provider *provider, struct gw_credentials **credentials, char *text)
{
    struct fake *fake = GW_CONTAINER(provider, struct fake, provider);

    fake->fetches++;
    if (fake->result == 0)
        *credentials = gw_credentials_new(GW_STR("FAKE"), GW_STR(SECRET), (struct gw_str){0},
                                          GW_AWS_NEVER, "fake");
    else
        (void)snprintf(text, GW_AWS_MESSAGE_SIZE, "fake: do this");
    return fake->result;
}

static void free_fake(struct gw_provider *provider)
{
    GW_CONTAINER(provider, struct fake, provider)->frees++;
}

static const struct gw_provider_ops fake_ops = {"fake", fetch_fake, free_fake};

#define FAKE(what)                                                                                 \
    {                                                                                              \
        .provider = {&fake_ops}, .result = (what)                                                  \
    }

static const struct {
    int results[3], fetches[3];
    int result;
    const char *says;
} chains[] = {
    {{0, 0, 0}, {1, 0, 0}, 0, NULL},
    {{GW_PROVIDER_UNCONFIGURED, 0, 0}, {1, 1, 0}, 0, NULL},
    {{GW_PROVIDER_UNCONFIGURED, GW_PROVIDER_FAILED, 0},
     {1, 1, 0},
     GW_PROVIDER_FAILED,
     "fake: do this"},
    {{GW_PROVIDER_FAILED, 0, 0}, {1, 0, 0}, GW_PROVIDER_FAILED, "fake: do this"},
    {{GW_PROVIDER_UNCONFIGURED, -ENOMEM, 0}, {1, 1, 0}, -ENOMEM, "fake: do this"},
    {{GW_PROVIDER_UNCONFIGURED, GW_PROVIDER_UNCONFIGURED, GW_PROVIDER_UNCONFIGURED},
     {1, 1, 1},
     GW_PROVIDER_UNCONFIGURED,
     "no AWS credentials are configured: set AWS_ACCESS_KEY_ID"},
};

static void test_the_chain_stops_at_the_first_source_that_is_configured(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(chains); i++) {
        struct fake fakes[3] = {FAKE(chains[i].results[0]), FAKE(chains[i].results[1]),
                                FAKE(chains[i].results[2])};
        struct gw_provider *const providers[] = {&fakes[0].provider, &fakes[1].provider,
                                                 &fakes[2].provider};
        struct gw_provider *chain = gw_provider_chain(providers, 3);
        struct gw_credentials *found = NULL;

        assert_int_equal(gw_provider_fetch(chain, &found, message), chains[i].result);
        assert_int_equal(found != NULL, chains[i].result == 0);
        if (chains[i].result)
            assert_said(chains[i].says);
        gw_credentials_unref(found);
        gw_provider_free(chain);
        for (size_t j = 0; j < 3; j++) {
            assert_int_equal(fakes[j].fetches, chains[i].fetches[j]);
            assert_int_equal(fakes[j].frees, 1);
        }
    }
}

static void test_the_chain_keeps_to_the_source_that_it_has_chosen(void **state)
{
    struct fake first = FAKE(GW_PROVIDER_UNCONFIGURED), second = FAKE(0), third = FAKE(0);
    struct gw_provider *const providers[] = {&first.provider, &second.provider, &third.provider};
    struct gw_provider *chain = gw_provider_chain(providers, 3);
    struct gw_credentials *found;

    (void)state;
    assert_int_equal(gw_provider_fetch(chain, &found, message), 0);
    gw_credentials_unref(found);
    first.result = 0;
    assert_int_equal(gw_provider_fetch(chain, &found, message), 0);
    gw_credentials_unref(found);
    second.result = GW_PROVIDER_UNCONFIGURED;
    assert_int_equal(gw_provider_fetch(chain, &found, message), GW_PROVIDER_FAILED);
    assert_said("fake: the AWS credentials in use came from here");
    assert_said("put its configuration back, or restart");
    gw_provider_free(chain);
    assert_int_equal(first.fetches, 1);
    assert_int_equal(second.fetches, 3);
    assert_int_equal(third.fetches, 0);
}

static void test_a_chain_with_a_hole_is_no_memory_and_frees_the_others(void **state)
{
    struct fake first = FAKE(0), third = FAKE(0);
    struct gw_provider *const providers[] = {&first.provider, NULL, &third.provider};

    (void)state;
    assert_null(gw_provider_chain(providers, 3));
    assert_int_equal(first.frees, 1);
    assert_int_equal(third.frees, 1);
}

static void test_the_default_chain_begins_with_the_environment_and_the_profile(void **state)
{
    struct gw_provider *chain = gw_provider_default();
    struct gw_credentials *found = NULL;

    (void)state;
    assert_non_null(chain);
    setenv("AWS_ACCESS_KEY_ID", "ENVIRONMENT", 1);
    setenv("AWS_SECRET_ACCESS_KEY", SECRET, 1);
    setenv("AWS_PROFILE", "missing", 1);
    assert_int_equal(gw_provider_fetch(chain, &found, message), 0);
    assert_key(found, "ENVIRONMENT");
    gw_credentials_unref(found);
    gw_provider_free(chain);

    unsetenv("AWS_ACCESS_KEY_ID");
    unsetenv("AWS_SECRET_ACCESS_KEY");
    chain = gw_provider_default();
    assert_int_equal(gw_provider_fetch(chain, &found, message), GW_PROVIDER_FAILED);
    assert_said("AWS_PROFILE names the profile missing");
    gw_provider_free(chain);
}

/* --- the profile --- */

/* What was asked of STS; the role's credentials tell by their key whose they were before. */
static struct {
    struct gw_sts_role role;
    char token_file[32], region[32], session_name[32], external_id[32];
    int result;
} sts;

static void keep(char *to, size_t size, const char *text)
{
    (void)snprintf(to, size, "%s", text ? text : "-");
}

static int answer(const struct gw_sts_role *role, const char *from, struct gw_credentials **out,
                  char *text)
{
    char key[128];

    sts.role = *role;
    keep(sts.region, sizeof(sts.region), role->region);
    keep(sts.session_name, sizeof(sts.session_name), role->session_name);
    keep(sts.external_id, sizeof(sts.external_id), role->external_id);
    if (sts.result)
        return gw_provider_fail(text, "AssumeRole: refused");
    (void)snprintf(key, sizeof(key), "%s(%s)", role->arn, from);
    *out = gw_credentials_new(gw_str(key), GW_STR(SECRET), GW_STR(TOKEN), 7, role->source_name);
    return 0;
}

static int assume_role(const struct gw_sts_role *role, const struct gw_credentials *source,
                       struct gw_credentials **out, char *text)
{
    return answer(role, source->access_key_id.data, out, text);
}

static int assume_role_with_web_identity(const struct gw_sts_role *role, const char *token_file,
                                         struct gw_credentials **out, char *text)
{
    keep(sts.token_file, sizeof(sts.token_file), token_file);
    return answer(role, token_file, out, text);
}

static struct fake container, imds;

static struct gw_provider *make_container(void)
{
    return &container.provider;
}

static struct gw_provider *make_imds(void)
{
    return &imds.provider;
}

static const struct gw_profile_sources sources = {
    .assume_role = assume_role,
    .assume_role_with_web_identity = assume_role_with_web_identity,
    .environment = gw_provider_environment,
    .container = make_container,
    .imds = make_imds,
};

static int set_up_profile(void **state)
{
    forget(state);
    memset(&sts, 0, sizeof(sts));
    container = (struct fake)FAKE(0);
    imds = (struct fake)FAKE(0);
    return 0;
}

static int fetch_profile(const char *config, struct gw_credentials **found)
{
    struct gw_provider *provider = gw_provider_profile_with(&sources);
    char path[PATH_MAX];
    int r;

    files_write("config", gw_str(config));
    setenv("AWS_CONFIG_FILE", files_path(path, "config"), 1);
    r = gw_provider_fetch(provider, found, message);
    gw_provider_free(provider);
    return r;
}

#define KEYS "aws_access_key_id = AKID\naws_secret_access_key = " SECRET "\n"
#define OTHER_KEYS "aws_access_key_id = OTHER\naws_secret_access_key = " SECRET "\n"
#define BASE "[profile base]\n" KEYS
#define PRINT_KEYS                                                                                 \
    "credential_process = /bin/echo '{\"Version\":1,\"AccessKeyId\":\"PROCESS\","                  \
    "\"SecretAccessKey\":\"" SECRET "\"}'\n"

static const struct {
    const char *config;
    const char *key; /* that is found in the profile "default"; NULL: unconfigured */
} profiles[] = {
    {"", NULL},
    {"[profile other]\n" KEYS, NULL},
    {"[default]\nregion = eu-west-1\n", NULL},
    {"[default]\nsource_profile = base\n" BASE, NULL},
    {"[default]\n" KEYS, "AKID"},
    {"[default]\n" PRINT_KEYS, "PROCESS"},
    {"[default]\n" PRINT_KEYS KEYS, "AKID"},
    {"[default]\nsso_session = s\n" PRINT_KEYS, "PROCESS"},

    {"[default]\nrole_arn = A\nsource_profile = base\n" BASE, "A(AKID)"},
    {"[default]\nrole_arn = A\nsource_profile = base\n" OTHER_KEYS BASE, "A(AKID)"},
    {"[default]\nrole_arn = A\nsource_profile = default\n" KEYS, "A(AKID)"},
    {"[default]\nrole_arn = A\nsource_profile = base\n[profile base]\n" PRINT_KEYS, "A(PROCESS)"},
    {"[default]\nrole_arn = A\nsource_profile = b\n"
     "[profile b]\nrole_arn = B\nsource_profile = base\n" BASE,
     "A(B(AKID))"},
    {"[default]\nrole_arn = A\nsource_profile = b\n"
     "[profile b]\nrole_arn = B\nsource_profile = base\n" OTHER_KEYS BASE,
     "A(OTHER)"},
    {"[default]\nrole_arn = A\nsource_profile = b\n"
     "[profile b]\nrole_arn = B\nsource_profile = b\n" KEYS,
     "A(AKID)"},
    {"[default]\nrole_arn = A\nsource_profile = b\n"
     "[profile b]\nrole_arn = B\nweb_identity_token_file = /t\n",
     "A(B(/t))"},

    {"[default]\nrole_arn = A\nweb_identity_token_file = /t\n", "A(/t)"},
    {"[default]\nrole_arn = A\nweb_identity_token_file = /t\n" KEYS, "A(/t)"},
    {"[default]\nrole_arn = A\ncredential_source = Environment\n", "A(ENVIRONMENT)"},
    {"[default]\nrole_arn = A\ncredential_source = Ec2InstanceMetadata\n", "A(FAKE)"},
    {"[default]\nrole_arn = A\ncredential_source = EcsContainer\n", "A(FAKE)"},

    {"[default]\nrole_arn = A\nsource_profile = b\n"
     "[profile b]\nrole_arn = B\nsource_profile = c\n"
     "[profile c]\nrole_arn = C\nsource_profile = d\n"
     "[profile d]\nrole_arn = D\nsource_profile = e\n"
     "[profile e]\nrole_arn = E\nsource_profile = f\n"
     "[profile f]\nrole_arn = F\nsource_profile = g\n"
     "[profile g]\nrole_arn = G\nsource_profile = base\n" BASE,
     "A(B(C(D(E(F(G(AKID)))))))"},
};

static void test_a_profile_leads_to_credentials_and_through_roles(void **state)
{
    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "ENVIRONMENT", 1);
    setenv("AWS_SECRET_ACCESS_KEY", SECRET, 1);
    for (size_t i = 0; i < GW_COUNT(profiles); i++) {
        struct gw_credentials *found = NULL;
        int r = fetch_profile(profiles[i].config, &found);

        if (r == GW_PROVIDER_FAILED)
            fail_msg("case %zu: %s", i, message);
        assert_int_equal(r, profiles[i].key ? 0 : GW_PROVIDER_UNCONFIGURED);
        assert_int_equal(found != NULL, profiles[i].key != NULL);
        if (found)
            assert_key(found, profiles[i].key);
        gw_credentials_unref(found);
    }
    assert_int_equal(imds.fetches, 1);
    assert_int_equal(imds.frees, 1);
    assert_int_equal(container.fetches, 1);
    assert_int_equal(container.frees, 1);
}

static const struct {
    const char *config, *says;
} failures[] = {
    {"[default]\naws_access_key_id = AKID\n", "profile default has no aws_secret_access_key: add"},
    {"[default]\naws_secret_access_key = " SECRET "\n", "profile default has no aws_access_key_id"},
    {"[default]\naws_access_key_id = AKID\naws_secret_access_key = " SECRET " x\n",
     "profile default: profile's keys: the secret access key holds a blank"},
    {"[default]\nrole_arn = A\n", "nothing to assume it with: add source_profile"},
    {"[default]\nrole_arn = A\n" KEYS, "nothing to assume it with: add source_profile"},
    {"[default]\nrole_arn = A\nsource_profile = base\ncredential_source = Environment\n" BASE,
     "has both source_profile and credential_source: keep one"},
    {"[default]\nrole_arn = A\ncredential_source = Environment\nweb_identity_token_file = /t\n",
     "has both credential_source and web_identity_token_file: keep one"},
    {"[default]\nrole_arn = A\nsource_profile = gone\n",
     "profile default: there is no profile gone, which its source_profile names: add it"},
    {"[default]\nrole_arn = A\nsource_profile = base\n[profile base]\nregion = x\n",
     "profile base is the source_profile of default and has no credentials: add keys"},
    {"[default]\nrole_arn = A\nsource_profile = base\n[profile base]\naws_access_key_id = AKID\n",
     "profile base has no aws_secret_access_key"},
    {"[default]\nrole_arn = A\nsource_profile = default\n", "default leads back to itself"},
    {"[default]\nrole_arn = A\nsource_profile = b\n"
     "[profile b]\nrole_arn = B\nsource_profile = default\n",
     "profile b: its source_profile default leads back to itself: the last one must have"},
    {"[default]\nrole_arn = A\nsource_profile = b\n" KEYS
     "[profile b]\nrole_arn = B\nsource_profile = default\n",
     "leads back to itself"},
    {"[default]\nrole_arn = A\nsource_profile = b\n"
     "[profile b]\nrole_arn = B\nsource_profile = c\n"
     "[profile c]\nrole_arn = C\nsource_profile = d\n"
     "[profile d]\nrole_arn = D\nsource_profile = e\n"
     "[profile e]\nrole_arn = E\nsource_profile = f\n"
     "[profile f]\nrole_arn = F\nsource_profile = g\n"
     "[profile g]\nrole_arn = G\nsource_profile = h\n"
     "[profile h]\nrole_arn = H\nsource_profile = base\n" BASE,
     "profile default: more than 8 profiles lead from one to another by source_profile: shorten"},
    {"[default]\nrole_arn = A\ncredential_source = Moon\n",
     "credential_source must be Environment, EcsContainer or Ec2InstanceMetadata"},
    {"[default]\nrole_arn = A\ncredential_source = Environment\n",
     "credential_source = Environment has no credentials: set AWS_ACCESS_KEY_ID and"},
    {"[default]\nrole_arn = A\ncredential_source = EcsContainer\n",
     "profile default: credential_source = EcsContainer has no credentials: AWS sets "
     "AWS_CONTAINER"},
    {"[default]\nrole_arn = A\ncredential_source = Ec2InstanceMetadata\n",
     "profile default: fake: do this"},
    {"[default]\nweb_identity_token_file = /t\n", "but no role_arn: add it"},
    {"[default]\nrole_arn = A\nsource_profile = base\nmfa_serial = m\n" BASE,
     "profile default: mfa_serial needs a person"},
    {"[default]\nrole_arn = A\nsource_profile = base\nduration_seconds = 899\n" BASE,
     "duration_seconds must be a number from 900 to 43200"},
    {"[default]\nrole_arn = A\nsource_profile = base\nduration_seconds = 43201\n" BASE, "43200"},
    {"[default]\nrole_arn = A\nsource_profile = base\nduration_seconds = 1h\n" BASE, "43200"},
    {"[default]\nrole_arn = A\nsource_profile = base\n" BASE,
     "profile default: AssumeRole: refused"},
    {"[default]\nrole_arn = A\nweb_identity_token_file = /t\n",
     "profile default: AssumeRole: refused"},
    {"[default]\nsso_session = s\n", "use credential_process = aws configure export-credentials"},
    {"[default]\nsso_start_url = s\nsso_account_id = 1\n", "--profile default --format process"},
    {"[default]\nsso_account_id = 1\n", "signs a person in"},
    {"[default]\nlogin_session = s\n", "signs a person in"},
    {"[default]\ncredential_process = /nowhere/x\n",
     "profile default: credential_process (/nowhere/x) cannot be started"},
    {"[default]\ncredential_process = /bin/echo " SECRET "\n",
     "profile default: credential_process: expected JSON"},
};

static void test_a_profile_that_fails_says_what_to_do(void **state)
{
    (void)state;
    sts.result = GW_PROVIDER_FAILED;
    container.result = GW_PROVIDER_UNCONFIGURED;
    imds.result = GW_PROVIDER_FAILED;
    for (size_t i = 0; i < GW_COUNT(failures); i++) {
        struct gw_credentials *found = NULL;

        assert_int_equal(fetch_profile(failures[i].config, &found), GW_PROVIDER_FAILED);
        assert_null(found);
        assert_said(failures[i].says);
    }
}

static void test_a_named_profile_must_exist(void **state)
{
    struct gw_credentials *found = NULL;

    (void)state;
    setenv("AWS_PROFILE", "other", 1);
    assert_int_equal(fetch_profile("[default]\n" KEYS, &found), GW_PROVIDER_FAILED);
    assert_said("AWS_PROFILE names the profile other, which is in neither file");
    assert_int_equal(fetch_profile("[default]\n" KEYS "[profile other]\n" OTHER_KEYS, &found), 0);
    assert_key(found, "OTHER");
    gw_credentials_unref(found);
}

static void test_files_that_cannot_be_read_stop_the_chain(void **state)
{
    struct gw_credentials *found = NULL;

    (void)state;
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/", 1);
    assert_int_equal(fetch_profile("[default]\n" KEYS, &found), GW_PROVIDER_FAILED);
    assert_said("/ cannot be read: Is a directory");
}

static void test_sts_is_told_what_the_profile_says_of_the_role(void **state)
{
    struct gw_credentials *found = NULL;

    (void)state;
    assert_int_equal(fetch_profile("[default]\nrole_arn = A\nsource_profile = base\n"
                                   "role_session_name = session\nexternal_id = external\n"
                                   "duration_seconds = 900\nregion = eu-west-1\n" BASE,
                                   &found),
                     0);
    assert_string_equal(sts.session_name, "session");
    assert_string_equal(sts.external_id, "external");
    assert_string_equal(sts.region, "eu-west-1");
    assert_int_equal(sts.role.duration_s, 900);
    assert_string_equal(sts.role.source_name, "profile");
    gw_credentials_unref(found);

    assert_int_equal(
        fetch_profile("[default]\nrole_arn = A\nweb_identity_token_file = /t\n", &found), 0);
    assert_string_equal(sts.token_file, "/t");
    assert_string_equal(sts.session_name, "-");
    assert_string_equal(sts.external_id, "-");
    assert_string_equal(sts.region, "-");
    assert_int_equal(sts.role.duration_s, 0);
    gw_credentials_unref(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_the_environment_is_taken_whole_or_not_at_all, forget),
        cmocka_unit_test_setup(test_the_chain_stops_at_the_first_source_that_is_configured, forget),
        cmocka_unit_test_setup(test_the_chain_keeps_to_the_source_that_it_has_chosen, forget),
        cmocka_unit_test_setup(test_a_chain_with_a_hole_is_no_memory_and_frees_the_others, forget),
        cmocka_unit_test_setup(test_the_default_chain_begins_with_the_environment_and_the_profile,
                               forget),
        cmocka_unit_test_setup_teardown(test_a_profile_leads_to_credentials_and_through_roles,
                                        set_up_profile, files_teardown),
        cmocka_unit_test_setup_teardown(test_a_profile_that_fails_says_what_to_do, set_up_profile,
                                        files_teardown),
        cmocka_unit_test_setup_teardown(test_a_named_profile_must_exist, set_up_profile,
                                        files_teardown),
        cmocka_unit_test_setup_teardown(test_files_that_cannot_be_read_stop_the_chain,
                                        set_up_profile, files_teardown),
        cmocka_unit_test_setup_teardown(test_sts_is_told_what_the_profile_says_of_the_role,
                                        set_up_profile, files_teardown),
    };
    int failed;

    files_begin("/tmp");
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    files_end();
    return failed;
}
