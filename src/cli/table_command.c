/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table: the DynamoDB table, made and looked at with the daemon's own configuration, credentials
 * and client, so that what works here works there.
 */
#include "dynamodb_session.h"

#include "gw/suggest.h"

#include <stdio.h>

struct values {
    const char *config;
    int64_t timeout_ms;
    bool json;
};

static const struct gw_cli_option options[] = {
    {"config", 'c', GW_CLI_TEXT, "FILE", NULL, NULL, offsetof(struct values, config),
     "the daemon's configuration; without one, the defaults"},
    {"timeout", 0, GW_CLI_SECONDS, "SECONDS", "600", NULL, offsetof(struct values, timeout_ms),
     "how long to wait for everything together"},
    {"json", 0, GW_CLI_FLAG, NULL, NULL, NULL, offsetof(struct values, json),
     "describe: print what DynamoDB answered, as one JSON object"},
};

static const struct verb {
    const char *name;
    enum gw_cli_exit (*run)(struct gw_dynamodb_session *session);
    enum gw_cli_exit (*run_json)(struct gw_dynamodb_session *session);
} verbs[] = {
    {"create", gw_dynamodb_table_create, NULL},
    {"check", gw_dynamodb_table_check, NULL},
    {"describe", gw_dynamodb_table_describe, gw_dynamodb_table_describe_json},
};

static const struct verb *find_verb(const char *name)
{
    const char *names[GW_COUNT(verbs)], *near;

    for (size_t i = 0; i < GW_COUNT(verbs); i++) {
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
        names[i] = verbs[i].name;
    }
    near = gw_suggest(name, names, GW_COUNT(verbs));
    gw_cli_error("table can create, check or describe, not '%s'%s%s%s", name,
                 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return NULL;
}

static enum gw_cli_exit run_verb(enum gw_cli_exit (*act)(struct gw_dynamodb_session *session),
                                 const struct gw_config *config, int64_t timeout_ms)
{
    struct gw_dynamodb_session session;
    char message[GW_AWS_MESSAGE_SIZE];
    enum gw_cli_exit status;

    if (gw_dynamodb_session_open(&session, config, timeout_ms, message) != 0) {
        gw_cli_error("%s", message);
        return GW_CLI_FAILED;
    }
    status = act(&session);
    gw_dynamodb_session_close(&session);
    return status;
}

static enum gw_cli_exit run(const void *values, char **operands, size_t count)
{
    const struct values *given = values;
    const struct verb *verb = find_verb(operands[0]);
    struct gw_config config;
    enum gw_cli_exit status;

    (void)count;
    if (!verb)
        return GW_CLI_USAGE;
    if (given->json && !verb->run_json) {
        gw_cli_error("--json is for describe");
        return GW_CLI_USAGE;
    }
    if (!gw_cli_load_config(given->config, &config))
        return GW_CLI_FAILED;
    status = run_verb(given->json ? verb->run_json : verb->run, &config, given->timeout_ms);
    gw_config_deinit(&config);
    return status;
}

const struct gw_cli_command gw_cli_table = {
    .name = "table",
    .synopsis = "create|check|describe",
    .summary = "Create, check or describe the DynamoDB table",
    .description =
        "create makes the table of the configuration, waits until it is active, and turns\n"
        "on what protects it: deletion protection, point-in-time recovery, and with\n"
        "[dynamodb] ttl its time to live. Of a table that is there it turns on what is off,\n"
        "and changes nothing else.\n"
        "check says what is wrong with the table, and tries whether the credentials may do\n"
        "what the daemon does, by writes whose condition never holds.\n"
        "The status is 1 if anything is wrong; warnings leave it 0.",
    .example = "genesys-webhook table create --config /etc/genesys-webhookd/genesys-webhookd.ini",
    .options = options,
    .option_count = GW_COUNT(options),
    .operands_min = 1,
    .operands_max = 1,
    .values_size = sizeof(struct values),
    .run = run,
};
