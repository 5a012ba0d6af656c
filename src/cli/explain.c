/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain: reads what the pure explanation (explanation.c) needs, and prints it. The settings are
 * made of the daemon's own configuration, of its defaults without one; options beat them, so that
 * "would it match with that" is one option away.
 */
#include "gw/explanation.h"
#include "gw/lines.h"
#include "gw/signer.h"
#include "gw/time.h"

#include <errno.h>
#include <stdlib.h>

#define FILE_BYTES_MAX (GW_LINES_MAX_BYTES + ((size_t)1 << 20)) /* a body and its header */

struct values {
    const char *config, *header, *prefix, *secret_file, *signature;
    int encoding;
};

static const char *const encodings[] = {"configured", "hex", "base64", NULL};

static const struct gw_cli_option options[] = {
    {"config", 'c', GW_CLI_TEXT, "FILE", NULL, NULL, offsetof(struct values, config),
     "the daemon's configuration; without one, the defaults"},
    {"header", 0, GW_CLI_TEXT, "NAME", NULL, NULL, offsetof(struct values, header),
     "the header that carries the signature, if not the configured one"},
    {"encoding", 0, GW_CLI_CHOICE, NULL, "configured", encodings, offsetof(struct values, encoding),
     "how the signature is written"},
    {"prefix", 0, GW_CLI_TEXT, "TEXT", NULL, NULL, offsetof(struct values, prefix),
     "what stands before it, if not what is configured"},
    {"secret-file", 0, GW_CLI_TEXT, "FILE", NULL, NULL, offsetof(struct values, secret_file),
     "read the secret from FILE, not from where the daemon would"},
    {"signature", 0, GW_CLI_TEXT, "VALUE", NULL, NULL, offsetof(struct values, signature),
     "FILE is the body alone, and VALUE its signature header's"},
};

static bool replace(char **value, const char *given)
{
    char *copy = given ? strdup(given) : NULL;

    if (given && !copy)
        return false;
    if (copy) {
        free(*value);
        *value = copy;
    }
    return true;
}

static enum gw_cli_exit apply_options(const struct values *given, struct gw_config *config)
{
    if (!replace(&config->signature_header, given->header) ||
        !replace(&config->signature_prefix, given->prefix)) {
        gw_cli_error("%s", strerrordesc_np(ENOMEM));
        return GW_CLI_FAILED;
    }
    if (given->encoding > 0)
        config->signature_encoding = given->encoding == 1 ? GW_CONFIG_HEX : GW_CONFIG_BASE64;
    const struct gw_signer_options signer = {.header = config->signature_header,
                                             .prefix = config->signature_prefix};

    return gw_signer_check_options(&signer) ? GW_CLI_OK : GW_CLI_USAGE;
}

static enum gw_cli_exit load(const struct values *given, struct gw_secrets *secrets,
                             struct gw_settings **settings)
{
    struct gw_config config;
    enum gw_cli_exit status;

    if (!gw_cli_load_config(given->config, &config))
        return GW_CLI_FAILED;
    status = apply_options(given, &config);
    if (status == GW_CLI_OK) {
        const struct gw_secret_files files = {.paths =
                                                  (const char *const *)config.secret_files.items,
                                              .count = config.secret_files.count,
                                              .config = given->config,
                                              .lines = config.secret_files.lines};

        if (gw_signer_load_secrets(given->secret_file, &files, secrets) < 0)
            status = GW_CLI_FAILED;
    }
    int r = status == GW_CLI_OK ? gw_settings_new(&config, secrets, settings) : 0;

    gw_config_deinit(&config);
    if (r < 0) {
        gw_cli_error("%s", strerrordesc_np(-r));
        gw_secrets_deinit(secrets);
        status = GW_CLI_FAILED;
    }
    return status;
}

/* The request that a body and its signature would be. */
static void wrap_body(const struct gw_endpoint *endpoint, const char *signature, char *body,
                      size_t len, struct gw_saved_request *request)
{
    *request = (struct gw_saved_request){
        .method = GW_STR("POST"),
        .target = gw_str(endpoint->path),
        .version = GW_STR("HTTP/1.1"),
        .headers = {{gw_str(endpoint->scheme.header), gw_str(signature)}},
        .header_count = 1,
        .body = body,
        .body_len = len,
    };
}

static bool parse(const struct gw_endpoint *endpoint, const struct values *given, const char *name,
                  struct gw_buffer *text, struct gw_saved_request *request)
{
    int r = 0;

    if (given->signature)
        wrap_body(endpoint, given->signature, text->data, text->len, request);
    else
        r = gw_saved_request_parse(text->data, text->len, request);
    if (r != 0)
        gw_cli_error("%s is no saved request: %s", name,
                     gw_saved_error_text((enum gw_saved_error)r));
    return r == 0;
}

static void print(const struct gw_explanation *explanation)
{
    static const char *const verdicts[] = {
        [GW_STEP_OK] = "ok",
        [GW_STEP_NOTE] = "note",
        [GW_STEP_FAILED] = "failed",
        [GW_STEP_TRY] = "try",
    };

    for (size_t i = 0; i < explanation->count; i++) {
        const struct gw_step *step = &explanation->steps[i];

        gw_cli_report(verdicts[step->verdict], step->what, gw_str(step->text));
    }
}

static enum gw_cli_exit explain(const struct values *given, const char *path,
                                const struct gw_secrets *secrets,
                                const struct gw_settings *settings, struct gw_buffer *text)
{
    struct gw_saved_request request;
    struct gw_explanation explanation;
    const struct gw_explain_input input = {.settings = settings,
                                           .secrets = secrets,
                                           .request = &request,
                                           .body_alone = given->signature != NULL,
                                           .now_ms = gw_time_now_ms()};
    int r = gw_lines_read_whole(path, FILE_BYTES_MAX, text);

    if (r == 0) {
        if (!parse(settings->endpoint, given, gw_lines_name(path), text, &request))
            return GW_CLI_FAILED;
        r = gw_explain(&input, &explanation);
    }
    if (r < 0) {
        gw_cli_error("%s: %s", gw_lines_name(path), strerrordesc_np(-r));
        return GW_CLI_FAILED;
    }
    print(&explanation);
    return explanation.reply == GW_REPLY_SUCCESS ? GW_CLI_OK : GW_CLI_FAILED;
}

static enum gw_cli_exit run(const void *values, char **operands, size_t count)
{
    const struct values *given = values;
    struct gw_secrets secrets;
    struct gw_settings *settings;
    struct gw_buffer text;
    enum gw_cli_exit status = load(given, &secrets, &settings);

    if (status != GW_CLI_OK)
        return status;
    status = explain(given, count > 0 ? operands[0] : "-", &secrets, settings, &text);
    gw_buffer_deinit(&text);
    gw_settings_unref(settings);
    gw_secrets_deinit(&secrets);
    return status;
}

const struct gw_cli_command gw_cli_explain = {
    .name = "explain",
    .synopsis = "[FILE]",
    .summary = "Say what the daemon would answer to a saved request, and why",
    .description =
        "Takes FILE, or standard input without one, through the daemon's own checks and says\n"
        "of each whether it passes. FILE is a whole HTTP request as it was received, or with\n"
        "--signature its body alone. Of a signature that does not match it says what would:\n"
        "another header, encoding or prefix, line breaks that were changed, white space or\n"
        "quotes around a secret. No secret and no signature is printed.\n"
        "The status is 0 if the answer would be 200, otherwise 1.",
    .example = "genesys-webhook explain --config /etc/genesys-webhookd/genesys-webhookd.ini "
               "request.txt",
    .options = options,
    .option_count = GW_COUNT(options),
    .operands_max = 1,
    .values_size = sizeof(struct values),
    .run = run,
};
