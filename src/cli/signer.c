/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A secret file that is named beats the environment, as flags do; gw_secrets_load has it the other
 * way round, which suits a service. So the environment's secret is taken (and wiped where it stood)
 * in any case, and forgotten where a file was named.
 */
#include "gw/signer.h"

#include <errno.h>

const char *const gw_signer_encodings[] = {
    [GW_SIGNATURE_HEX] = "hex", [GW_SIGNATURE_BASE64] = "base64", NULL};

/* RFC 9110, section 5.6.2: what a header may be named. */
static bool is_token(const char *text)
{
    static const char allowed[] = "!#$%&'*+-.^_`|~0123456789"
                                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    return *text && text[strspn(text, allowed)] == '\0';
}

/* A blank in front would be lost, as blanks around a value are none of it. */
static bool can_begin_value(const char *text)
{
    if (*text == ' ')
        return false;
    while (*text >= ' ' && *text <= '~')
        text++;
    return *text == '\0';
}

bool gw_signer_check_options(const struct gw_signer_options *options)
{
    if (!is_token(options->header)) {
        gw_cli_error("option '--header' takes a header's name, not '%s'", options->header);
        return false;
    }
    if (!can_begin_value(options->prefix)) {
        gw_cli_error("option '--prefix' takes printable ASCII that begins with no blank");
        return false;
    }
    return true;
}

int gw_signer_load_secrets(const char *file, const struct gw_secret_files *configured,
                           struct gw_secrets *secrets)
{
    const struct gw_secret_files named = {.paths = &file, .count = 1};
    char message[4096];
    int r = gw_secret_take_environment();

    if (r < 0) {
        gw_cli_error("%s", strerrordesc_np(-r));
        return r;
    }
    if (file)
        gw_secret_forget_environment();
    r = gw_secrets_load(secrets, file ? &named : configured, message, sizeof(message));
    gw_secret_forget_environment();
    if (r == -ENOENT && !file && (!configured || configured->count == 0))
        gw_cli_error("no secret; set GENESYS_WEBHOOK_SECRET or give --secret-file FILE");
    else if (r < 0)
        gw_cli_error_lines(message);
    return r;
}

/* One signs with one secret: the first. */
static int fill(struct gw_signer *signer, const struct gw_secrets *secrets)
{
    const struct gw_secret *secret = &secrets->items[0];

    if (secret->warning)
        gw_cli_error("warning: the secret of %s %s", secret->source, secret->warning);
    signer->hmac = gw_hmac_new();
    if (!signer->hmac)
        return -ENOMEM;
    return gw_keyring_add(&signer->keyring, (struct gw_str){secret->bytes, secret->len});
}

enum gw_cli_exit gw_signer_init(struct gw_signer *signer, const struct gw_signer_options *options)
{
    struct gw_secrets secrets = {0};
    int r;

    if (!gw_signer_check_options(options))
        return GW_CLI_USAGE;
    if (gw_signer_load_secrets(options->secret_file, NULL, &secrets) < 0)
        return GW_CLI_FAILED;
    *signer =
        (struct gw_signer){.scheme = {.header = options->header,
                                      .encoding = (enum gw_signature_encoding)options->encoding,
                                      .prefix = gw_str(options->prefix)}};
    r = fill(signer, &secrets);
    gw_secrets_deinit(&secrets);
    if (r == 0)
        return GW_CLI_OK;
    gw_cli_error("%s", strerrordesc_np(-r));
    gw_signer_deinit(signer);
    return GW_CLI_FAILED;
}

void gw_signer_deinit(struct gw_signer *signer)
{
    gw_keyring_deinit(&signer->keyring);
    signer->hmac = gw_hmac_free(signer->hmac);
}

int gw_signer_append_value(struct gw_signer *signer, struct gw_str body, struct gw_buffer *out)
{
    uint8_t digest[GW_SIGNATURE_DIGEST];
    char text[GW_SIGNATURE_TEXT_SIZE];
    int r = gw_hmac_compute(signer->hmac, signer->keyring.keys[0], body, digest);

    if (r < 0)
        return r;
    gw_signature_encode(&signer->scheme, digest, text);
    r = gw_buffer_append(out, signer->scheme.prefix);
    return r < 0 ? r : gw_buffer_append(out, gw_str(text));
}
