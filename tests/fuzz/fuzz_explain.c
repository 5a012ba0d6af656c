/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A saved request, whoever wrote it: its pieces lie within it, and what is said ends in an answer
 * and holds no secret.
 */
#include "gw/explanation.h"

#include <stdlib.h>

#define SECRET "a-secret-of-the-fuzzer"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char bytes[] = SECRET;
static const struct gw_secrets secrets = {.items = {{.bytes = bytes, .len = sizeof(bytes) - 1}},
                                          .count = 1};

static struct gw_settings *make_settings(void)
{
    struct gw_config_errors errors = {.count = 0};
    struct gw_settings *settings;
    struct gw_config config;

    if (gw_config_parse(&config, NULL, 0, "defaults", &errors) != 0 ||
        gw_settings_new(&config, &secrets, &settings) != 0)
        abort();
    gw_config_deinit(&config);
    return settings;
}

static void explain(struct gw_saved_request *request)
{
    static struct gw_settings *settings;
    static struct gw_explanation explanation;

    if (!settings)
        settings = make_settings();
    const struct gw_explain_input input = {
        .settings = settings, .secrets = &secrets, .request = request, .now_ms = 0};

    if (gw_explain(&input, &explanation) != 0 || explanation.count == 0 ||
        strcmp(explanation.steps[explanation.count - 1].what, "answer") != 0)
        abort();
    for (size_t i = 0; i < explanation.count; i++)
        if (strstr(explanation.steps[i].text, SECRET))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_saved_request request;
    char *text = malloc(size ? size : 1);

    if (!text || memmem(data, size, SECRET, sizeof(SECRET) - 1)) {
        free(text);
        return 0;
    }
    if (size)
        memcpy(text, data, size);
    if (gw_saved_request_parse(text, size, &request) == 0) {
        if (request.body < text || request.body + request.body_len > text + size)
            abort();
        explain(&request);
    }
    free(text);
    return 0;
}
