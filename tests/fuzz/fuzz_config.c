/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes are a configuration or a list of errors, never both and never neither; what is taken
 * is within the table's ranges.
 */
#include "gw/config.h"

#include <errno.h>
#include <stdlib.h>

static void require(bool holds)
{
    if (!holds)
        abort();
}

static int64_t number_of(const struct gw_config *config, const struct gw_config_key *key)
{
    int64_t number;

    memcpy(&number, (const char *)config + key->offset, sizeof(number));
    return number;
}

static int64_t count_choices(const struct gw_config_key *key)
{
    int64_t count = 0;

    while (key->choices[count])
        count++;
    return count;
}

static void check_list(const struct gw_config_key *key, const struct gw_config_list *list)
{
    require(list->count <= GW_CONFIG_LIST_MAX);
    for (size_t i = 0; i < list->count; i++)
        require(list->items[i] && (!key->valid || key->valid(list->items[i])));
}

static void check_key(const struct gw_config *config, const struct gw_config_key *key)
{
    int64_t number = number_of(config, key);
    const char *text;

    switch (key->type) {
    case GW_CONFIG_COUNT:
    case GW_CONFIG_BYTES:
    case GW_CONFIG_DURATION:
        require((number >= key->min && number <= key->max) ||
                (number == 0 && strcmp(key->initial, "auto") == 0));
        break;
    case GW_CONFIG_CHOICE:
        require(number >= 0 && number < count_choices(key));
        break;
    case GW_CONFIG_STRING:
        memcpy(&text, (const char *)config + key->offset, sizeof(text));
        require(text && (!key->valid || key->valid(text)));
        break;
    case GW_CONFIG_LIST:
        check_list(key, (const struct gw_config_list *)((const char *)config + key->offset));
        break;
    }
}

static void check_errors(const struct gw_config_errors *errors)
{
    size_t len = strnlen(errors->text, sizeof(errors->text));

    require(errors->count > 0);
    require(len > 0 && len < sizeof(errors->text) && errors->text[len - 1] == '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct gw_config nothing;
    struct gw_config_errors errors;
    struct gw_config config;
    int r = gw_config_parse(&config, (const char *)data, size, "fuzz.ini", &errors);

    if (r == 0) {
        require(errors.count == 0 && config.max_body_bytes <= config.max_buffered_bytes);
        require(config.secret_files.count <= GW_CONFIG_LIST_MAX);
        for (size_t i = 0; i < gw_config_key_count; i++)
            check_key(&config, &gw_config_keys[i]);
    } else {
        require(r == -EINVAL);
        check_errors(&errors);
    }
    gw_config_deinit(&config);
    require(memcmp(&config, &nothing, sizeof(config)) == 0);
    return 0;
}
