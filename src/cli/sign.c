/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign: the header that Genesys would send with a body, for curl and for tests of other receivers.
 */
#include "gw/lines.h"
#include "gw/signer.h"

#include <stdio.h>

struct values {
    struct gw_signer_options signer;
    bool only_value;
};

static const struct gw_cli_option options[] = {
    GW_SIGNER_OPTION_ROWS(struct values, signer),
    {"value", 'q', GW_CLI_FLAG, NULL, NULL, NULL, offsetof(struct values, only_value),
     "print the value alone, without the header's name"},
};

static int print_signature(struct gw_signer *signer, struct gw_str body, bool only_value)
{
    struct gw_buffer line;
    int r;

    gw_buffer_init(&line, SIZE_MAX);
    r = only_value ? 0 : gw_buffer_appendf(&line, "%s: ", signer->scheme.header);
    if (r == 0)
        r = gw_signer_append_value(signer, body, &line);
    if (r == 0)
        r = gw_buffer_append(&line, GW_STR("\n"));
    if (r == 0)
        fwrite(line.data, 1, line.len, stdout);
    gw_buffer_deinit(&line);
    return r;
}

static enum gw_cli_exit run(const void *values, char **operands, size_t count)
{
    const struct values *given = values;
    const char *path = count > 0 ? operands[0] : "-";
    struct gw_signer signer;
    struct gw_buffer body;
    enum gw_cli_exit status = gw_signer_init(&signer, &given->signer);
    int r;

    if (status != GW_CLI_OK)
        return status;
    r = gw_lines_read_whole(path, GW_LINES_MAX_BYTES, &body);
    if (r == 0)
        r = print_signature(&signer, gw_buffer_str(&body), given->only_value);
    if (r < 0)
        gw_cli_error("%s: %s", gw_lines_name(path), strerrordesc_np(-r));
    gw_buffer_deinit(&body);
    gw_signer_deinit(&signer);
    return r == 0 ? GW_CLI_OK : GW_CLI_FAILED;
}

const struct gw_cli_command gw_cli_sign = {
    .name = "sign",
    .synopsis = "[FILE]",
    .summary = "Print the signature header of a body",
    .description = "Reads FILE, or standard input without one, byte for byte as it would be sent,\n"
                   "and prints the header that proves it to the webhook.",
    .example = "curl -H \"$(genesys-webhook sign event.json)\" --data-binary @event.json URL",
    .options = options,
    .option_count = GW_COUNT(options),
    .operands_max = 1,
    .values_size = sizeof(struct values),
    .run = run,
};
