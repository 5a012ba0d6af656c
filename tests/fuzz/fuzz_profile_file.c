/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes are profiles, read alone and after others, and every look-up answers within them. What
 * was found is not empty and has no blanks at its ends (but where a NUL cut it off).
 */
#include "gw/aws_profile.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void check(const char *value, struct gw_str text)
{
    size_t len = value ? strlen(value) : 0;

    if (!value)
        return;
    require(len > 0 && len <= text.len && !is_blank(value[0]));
    require(!is_blank(value[len - 1]) || memchr(text.data, '\0', text.len));
}

static void look_up(const struct gw_aws_profiles *profiles, struct gw_str text)
{
    static const char *const names[] = {"default", "p", "s", ""};
    static const char *const keys[] = {"k", "services", "aws_session_token", "endpoint_url", ""};

    for (size_t i = 0; i < GW_COUNT(names); i++) {
        bool exists = gw_aws_profile_exists(profiles, names[i]);

        for (size_t j = 0; j < GW_COUNT(keys); j++) {
            const char *value = gw_aws_profile_get(profiles, names[i], keys[j]);

            require(!value || exists);
            check(value, text);
            check(gw_aws_profile_get_service(profiles, names[i], "s3", keys[j]), text);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_str text = {(const char *)data, size};
    struct gw_aws_profiles *profiles = gw_aws_profiles_new();

    require(profiles && gw_aws_profiles_parse(profiles, text, true) == 0);
    look_up(profiles, text);
    require(gw_aws_profiles_parse(profiles, text, false) == 0);
    look_up(profiles, text);
    gw_aws_profiles_free(profiles);
    return 0;
}
