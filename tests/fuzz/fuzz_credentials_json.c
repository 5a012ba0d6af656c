/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes are credentials that can go into a header, or a message of one printable line. What a
 * process may print, an endpoint may answer.
 */
#include "../../src/aws/provider.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef int reader(struct gw_str json, const char *source, struct gw_credentials **out,
                   char *message);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_printable(struct gw_str text, char lowest)
{
    for (size_t i = 0; i < text.len; i++)
        require(text.data[i] >= lowest && text.data[i] <= '~');
}

static void check_credentials(const struct gw_credentials *made)
{
    require(made->access_key_id.len > 0 && made->secret.len > 0);
    require_printable(made->access_key_id, '!');
    require_printable(made->secret, '!');
    require_printable(made->token, '!');
}

static int check(struct gw_str json, reader *read)
{
    char message[GW_AWS_MESSAGE_SIZE] = "";
    struct gw_credentials *made = NULL;
    int r = read(json, "fuzz", &made, message);

    if (r == 0) {
        check_credentials(made);
    } else {
        require(r == GW_PROVIDER_FAILED && !made);
        require(strncmp(message, "fuzz: ", 6) == 0);
        require_printable(gw_str(message), ' ');
    }
    gw_credentials_unref(made);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_str json = {(const char *)data, size};
    int answered = check(json, gw_credentials_from_json);
    int printed = check(json, gw_credentials_from_process_json);

    require(answered == 0 || printed != 0);
    return 0;
}
