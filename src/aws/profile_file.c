/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files are read where they lie: a copy of the text is cut up in place, and profiles, keys and
 * values point into it. Nothing that is written is longer than what was read: a continuation moves
 * up to the value that it continues. So a file costs one allocation that holds secrets, which is
 * wiped as a whole.
 *
 * Sections are kept in the order in which they come, also where they name one profile; a look-up
 * takes the last of the best rank. Reading is linear therefore, whatever the file says.
 *
 * Indentation is what the SDKs and the AWS CLI make of it together: a line that is deeper than the
 * property above it continues its value, or is a property of it where it has none ("s3 =");
 * otherwise it stands for itself.
 */
#include "gw/aws_profile.h"

#include "gw/aws_credentials.h"
#include "gw/buffer.h"
#include "provider.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#define FILE_BYTES_MAX ((size_t)1 << 20)
#define FIRST_CAPACITY 16

enum kind { KIND_PROFILE, KIND_SERVICES };

/* Of two that name the same profile and key, the higher one counts. */
enum rank { RANK_BARE, RANK_PREFIXED, RANK_CREDENTIALS };

struct section {
    enum kind kind;
    enum rank rank;
    const char *name;
    size_t first, count; /* of its entries */
};

struct entry {
    const char *parent; /* the property that it belongs to; NULL: none */
    const char *key;
    char *value;
};

struct text {
    struct text *next;
    size_t size;
    char bytes[];
};

struct gw_aws_profiles {
    struct text *texts;
    struct section *sections;
    size_t section_count, section_capacity;
    struct entry *entries;
    size_t entry_count, entry_capacity;
};

/* What a line may belong to. */
struct reader {
    struct gw_aws_profiles *profiles;
    bool is_config;
    bool in_section;
    const char *parent; /* a property without a value; NULL: none */
    char *value_end;    /* of the value that may be continued; NULL: none */
    size_t indent;      /* of the property */
};

struct gw_aws_profiles *gw_aws_profiles_new(void)
{
    return calloc(1, sizeof(struct gw_aws_profiles));
}

struct gw_aws_profiles *gw_aws_profiles_free(struct gw_aws_profiles *profiles)
{
    if (!profiles)
        return NULL;
    while (profiles->texts) {
        struct text *text = profiles->texts;

        profiles->texts = text->next;
        OPENSSL_cleanse(text->bytes, text->size);
        free(text);
    }
    free(profiles->sections);
    free(profiles->entries);
    free(profiles);
    return NULL;
}

/* @return the array, with room for one more; NULL where there is no memory */
static void *grow(void *array, size_t count, size_t *capacity, size_t size)
{
    size_t wanted = *capacity ? *capacity * 2 : FIRST_CAPACITY;
    void *grown;

    if (count < *capacity)
        return array;
    grown = reallocarray(array, wanted, size);
    if (grown)
        *capacity = wanted;
    return grown;
}

static int add_section(struct gw_aws_profiles *profiles, struct section section)
{
    struct section *grown = grow(profiles->sections, profiles->section_count,
                                 &profiles->section_capacity, sizeof(section));

    if (!grown)
        return -ENOMEM;
    profiles->sections = grown;
    section.first = profiles->entry_count;
    section.count = 0;
    grown[profiles->section_count++] = section;
    return 0;
}

static int add_entry(struct gw_aws_profiles *profiles, struct entry entry)
{
    struct entry *grown =
        grow(profiles->entries, profiles->entry_count, &profiles->entry_capacity, sizeof(entry));

    if (!grown)
        return -ENOMEM;
    profiles->entries = grown;
    grown[profiles->entry_count++] = entry;
    profiles->sections[profiles->section_count - 1].count++;
    return 0;
}

/* --- lines: [text, end) within the copy; *end may be overwritten --- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

static char *skip_blanks(char *text, const char *end)
{
    while (text < end && is_blank(*text))
        text++;
    return text;
}

/* Cuts the blanks off both ends and ends it with a NUL. @return the new end */
static char *trim(char **text, char *end)
{
    *text = skip_blanks(*text, end);
    while (end > *text && is_blank(end[-1]))
        end--;
    *end = '\0';
    return end;
}

static bool is_comment(char c)
{
    return c == '#' || c == ';';
}

/* In a property's line a comment may follow, after a blank. */
static char *cut_comment(char *text, char *end)
{
    for (char *c = text; c < end; c++)
        if (is_comment(*c) && c > text && is_blank(c[-1]))
            return c;
    return end;
}

/* "[profile NAME]" and the like: the word before the name, whatever blanks lie between. */
static const char *after_word(const char *text, const char *word)
{
    size_t len = strlen(word);

    if (strncmp(text, word, len) != 0 || !is_blank(text[len]))
        return NULL;
    text += len;
    while (is_blank(*text))
        text++;
    return text;
}

/* @return false: a section that is neither a profile nor services, such as sso-session */
static bool read_config_header(const char *text, struct section *section)
{
    const char *profile = after_word(text, "profile"), *services = after_word(text, "services");

    if (profile)
        *section = (struct section){KIND_PROFILE, RANK_PREFIXED, .name = profile};
    else if (services)
        *section = (struct section){KIND_SERVICES, RANK_PREFIXED, .name = services};
    else
        *section = (struct section){KIND_PROFILE, RANK_BARE, .name = text};
    return profile || services || strcmp(text, "default") == 0;
}

static int read_header(struct reader *reader, char *text, char *end)
{
    struct section section = {KIND_PROFILE, RANK_CREDENTIALS};
    char *close = memchr(text, ']', (size_t)(end - text));

    reader->in_section = false;
    if (!close)
        return 0;
    text++;
    trim(&text, close);
    section.name = text;
    if (reader->is_config && !read_config_header(text, &section))
        return 0;
    reader->in_section = true;
    return add_section(reader->profiles, section);
}

/* "key = value"; what is not is passed over. */
static int read_property(struct reader *reader, const char *parent, char *text, char *end)
{
    char *equals = memchr(text, '=', (size_t)(end - text));
    char *value, *value_end;

    if (!equals || !reader->in_section)
        return 0;
    value = equals + 1;
    trim(&text, equals);
    value_end = trim(&value, cut_comment(value, end));
    if (!*text)
        return 0;
    if (!parent) {
        reader->parent = value == value_end ? text : NULL;
        reader->value_end = value_end;
    }
    return add_entry(reader->profiles, (struct entry){parent, text, value});
}

/* The lines of a value are joined by line breaks. */
static void continue_value(struct reader *reader, char *text, char *end)
{
    size_t len = (size_t)(trim(&text, end) - text);

    *reader->value_end++ = '\n';
    memmove(reader->value_end, text, len + 1);
    reader->value_end += len;
}

static int read_line(struct reader *reader, char *line, char *end)
{
    char *text = skip_blanks(line, end);
    size_t indent = (size_t)(text - line);
    bool continues = reader->value_end && indent > reader->indent;

    if (text == end || is_comment(*text))
        return 0;
    if (continues && reader->parent)
        return read_property(reader, reader->parent, text, end);
    if (continues) {
        continue_value(reader, text, end);
        return 0;
    }
    reader->value_end = NULL;
    reader->indent = indent;
    return *text == '[' ? read_header(reader, text, end) : read_property(reader, NULL, text, end);
}

/* @bytes end with a NUL that may be overwritten. */
static int read_lines(struct reader *reader, char *bytes, size_t len)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    size_t mark_len = sizeof(byte_order_mark) - 1;
    char *at = bytes, *const end = bytes + len;
    int r = 0;

    if (len >= mark_len && memcmp(bytes, byte_order_mark, mark_len) == 0)
        at += mark_len;
    while (at < end && r == 0) {
        char *line_end = memchr(at, '\n', (size_t)(end - at));

        if (!line_end)
            line_end = end;
        r = read_line(reader, at, line_end);
        at = line_end + 1;
    }
    return r;
}

int gw_aws_profiles_parse(struct gw_aws_profiles *profiles, struct gw_str text, bool is_config)
{
    struct reader reader = {.profiles = profiles, .is_config = is_config};
    struct text *copy = malloc(sizeof(*copy) + text.len + 1);

    if (!copy)
        return -ENOMEM;
    copy->next = profiles->texts;
    copy->size = text.len + 1;
    if (text.len)
        memcpy(copy->bytes, text.data, text.len);
    copy->bytes[text.len] = '\0';
    profiles->texts = copy;
    return read_lines(&reader, copy->bytes, text.len);
}

/* --- files --- */

/* One byte more than a path may have: what is cut off is refused by open(2). */
#define PATH_SIZE (PATH_MAX + 1)

/* A path that begins with "~/" is in the home folder. */
static bool find_path(const char *variable, const char *usual, char path[static PATH_SIZE])
{
    const char *named = gw_provider_getenv(variable);
    const char *home = gw_provider_getenv("HOME");
    const char *chosen = named ? named : usual;
    bool in_home = strncmp(chosen, "~/", 2) == 0 && home;

    (void)snprintf(path, PATH_SIZE, "%s%s", in_home ? home : "", in_home ? chosen + 1 : chosen);
    return named || in_home;
}

static int parse_file(struct gw_aws_profiles *profiles, int fd, bool is_config)
{
    struct gw_buffer bytes;

    gw_buffer_init(&bytes, FILE_BYTES_MAX + 1); /* one byte more shows what is too long */
    int r = gw_buffer_read(&bytes, fd);

    if (r == 0 && bytes.len > FILE_BYTES_MAX)
        r = -EFBIG;
    if (r == 0)
        r = gw_aws_profiles_parse(profiles, gw_buffer_str(&bytes), is_config);
    gw_buffer_wipe(&bytes);
    return r;
}

static int load_file(struct gw_aws_profiles *profiles, const char *variable, const char *usual,
                     bool is_config, char *message)
{
    char path[PATH_SIZE];
    int fd, r;

    if (!find_path(variable, usual, path))
        return 0;
    /* Not to hang on a FIFO. */
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    r = fd < 0 ? -errno : parse_file(profiles, fd, is_config);
    if (fd >= 0)
        close(fd);
    if (r < 0)
        gw_provider_fail(
            message,
            "%.256s cannot be read: %s: make it a file of at most 1 MiB that this user "
            "may read, or set %s to /dev/null if it is not meant",
            path, strerrordesc_np(-r), variable);
    return r;
}

int gw_aws_profiles_load(struct gw_aws_profiles **profiles, char *message)
{
    struct gw_aws_profiles *loaded = gw_aws_profiles_new();
    int r;

    if (!loaded) {
        gw_provider_fail(message, "AWS profiles: out of memory");
        return -ENOMEM;
    }
    r = load_file(loaded, "AWS_CONFIG_FILE", "~/.aws/config", true, message);
    if (r == 0)
        r = load_file(loaded, "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", false, message);
    if (r == 0)
        *profiles = loaded;
    else
        gw_aws_profiles_free(loaded);
    return r;
}

/* --- look-up --- */

const char *gw_aws_profile_name(void)
{
    const char *name = gw_provider_getenv("AWS_PROFILE");

    return name ? name : "default";
}

static bool is_named(const struct section *section, enum kind kind, const char *name)
{
    return section->kind == kind && strcmp(section->name, name) == 0;
}

static bool has_ranked(const struct gw_aws_profiles *profiles, const char *name, enum rank rank)
{
    for (size_t i = 0; i < profiles->section_count; i++)
        if (profiles->sections[i].rank == rank &&
            is_named(&profiles->sections[i], KIND_PROFILE, name))
            return true;
    return false;
}

bool gw_aws_profile_exists(const struct gw_aws_profiles *profiles, const char *profile)
{
    return has_ranked(profiles, profile, RANK_BARE) ||
           has_ranked(profiles, profile, RANK_PREFIXED) ||
           has_ranked(profiles, profile, RANK_CREDENTIALS);
}

static const char *find_in_section(const struct gw_aws_profiles *profiles,
                                   const struct section *section, const char *parent,
                                   const char *key)
{
    for (size_t i = section->count; i > 0; i--) {
        const struct entry *entry = &profiles->entries[section->first + i - 1];
        bool same_parent =
            parent ? entry->parent && strcasecmp(entry->parent, parent) == 0 : !entry->parent;

        if (same_parent && strcasecmp(entry->key, key) == 0)
            return entry->value;
    }
    return NULL;
}

/* "[default]" in the config file is void beside "[profile default]". */
static const char *find(const struct gw_aws_profiles *profiles, enum kind kind, const char *name,
                        const char *parent, const char *key)
{
    enum rank best = has_ranked(profiles, name, RANK_PREFIXED) ? RANK_PREFIXED : RANK_BARE;
    const char *found = NULL;

    for (size_t i = 0; i < profiles->section_count; i++) {
        const struct section *section = &profiles->sections[i];
        const char *value;

        if (section->rank < best || !is_named(section, kind, name))
            continue;
        value = find_in_section(profiles, section, parent, key);
        if (value) {
            found = value;
            best = section->rank;
        }
    }
    return found && *found ? found : NULL;
}

const char *gw_aws_profile_get(const struct gw_aws_profiles *profiles, const char *profile,
                               const char *key)
{
    return find(profiles, KIND_PROFILE, profile, NULL, key);
}

const char *gw_aws_profile_get_service(const struct gw_aws_profiles *profiles, const char *profile,
                                       const char *service, const char *key)
{
    const char *services = gw_aws_profile_get(profiles, profile, "services");

    return services ? find(profiles, KIND_SERVICES, services, service, key) : NULL;
}
