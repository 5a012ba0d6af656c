/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes are credentials that can go into a header, or a message of one printable line; and an
 * error of printable code and text, which an answer with credentials is not.
 */
#include "../../src/aws/sts_answer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_printable(const char *text, size_t len, char lowest)
{
    for (size_t i = 0; i < len; i++)
        require(text[i] >= lowest && text[i] <= '~');
}

static void check_credentials(const struct gw_credentials *made)
{
    const struct gw_str texts[] = {made->access_key_id, made->secret, made->token};

    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        require(texts[i].len > 0);
        require_printable(texts[i].data, texts[i].len, '!');
    }
    require(made->expires_at_ms != GW_AWS_NEVER);
}

static void check_error(const struct gw_aws_error *error)
{
    size_t code_len = strnlen(error->code, sizeof(error->code));
    size_t text_len = strnlen(error->text, sizeof(error->text));

    require(code_len < sizeof(error->code) && text_len < sizeof(error->text));
    require_printable(error->code, code_len, ' ');
    require_printable(error->text, text_len, ' ');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_str xml = {(const char *)data, size};
    char message[GW_AWS_MESSAGE_SIZE] = "";
    struct gw_credentials *made = NULL;
    struct gw_aws_error error;
    int r = gw_sts_answer_read(xml, "fuzz", &made, message);

    gw_sts_answer_read_error(400, xml, &error);
    check_error(&error);
    if (r == 0) {
        check_credentials(made);
        require(!*error.code && !*error.text);
    } else {
        require(r == GW_PROVIDER_FAILED && !made);
        require(strncmp(message, "fuzz: ", 6) == 0);
        require_printable(message, strlen(message), ' ');
    }
    gw_credentials_unref(made);
    return 0;
}
