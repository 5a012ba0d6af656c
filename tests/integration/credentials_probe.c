/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The credentials' chain, without the daemon: for each line of its input it fetches once, and says
 * in a line what came, separated by tabs.
 */
#include "gw/aws_credentials.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>

static void print(const struct gw_credentials *made)
{
    printf("ok\t%s\t%s\t%s\t%" PRId64 "\t%s\n", made->access_key_id.data, made->secret.data,
           made->token.len > 0 ? made->token.data : "", made->expires_at_ms, made->source);
}

static void fetch(struct gw_provider *provider)
{
    char message[GW_AWS_MESSAGE_SIZE] = "";
    struct gw_credentials *made;
    int r = gw_provider_fetch(provider, &made, message);

    if (r == 0) {
        print(made);
        gw_credentials_unref(made);
    } else {
        printf("%s\t%s\n", r == GW_PROVIDER_UNCONFIGURED ? "unconfigured" : "failed", message);
    }
    (void)fflush(stdout);
}

int main(void)
{
    struct gw_provider *provider;
    int c;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return 1;
    provider = gw_provider_default();
    if (!provider)
        return 1;
    while ((c = getchar()) != EOF)
        if (c == '\n')
            fetch(provider);
    gw_provider_free(provider);
    curl_global_cleanup();
    return 0;
}
