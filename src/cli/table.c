/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything is looked at one character at a time: how it is shown, and how wide that is. Measuring
 * and printing walk the same way, so what is measured is what is printed.
 */
#include "gw/table.h"

#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

enum { GAP = 2, NARROWEST = 4, WIDEST_UNCUT = 64 };

/* Characters that hide, or turn the direction of what follows: a terminal must not get them. */
static bool is_deceptive(wchar_t c)
{
    static const struct {
        wchar_t first, last;
    } ranges[] = {{0xad, 0xad},     {0x61c, 0x61c},   {0x200b, 0x200f}, {0x2028, 0x202e},
                  {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff}};

    for (size_t i = 0; i < GW_COUNT(ranges); i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return false;
}

struct glyph {
    size_t bytes; /* of the text */
    size_t columns;
    struct gw_str shown; /* in the text, or in escaped */
    char escaped[12];
};

static void escape(struct glyph *glyph, size_t bytes, unsigned c)
{
    char *to = glyph->escaped;
    bool is_byte = bytes == 1;
    int length = c == '\n' ? snprintf(to, sizeof(glyph->escaped), "\\n")
                           : snprintf(to, sizeof(glyph->escaped), "\\%c%0*x", is_byte ? 'x' : 'u',
                                      is_byte ? 2 : 4, c);

    glyph->bytes = bytes;
    glyph->columns = (size_t)length;
    glyph->shown = (struct gw_str){glyph->escaped, (size_t)length};
}

/* @text is not empty. */
static void next_glyph(struct gw_str text, struct glyph *glyph)
{
    mbstate_t state = {0};
    wchar_t c = 0;
    size_t bytes = mbrtowc(&c, text.data, text.len, &state);
    bool decoded = bytes > 0 && bytes <= text.len;
    int width = decoded ? wcwidth(c) : -1;

    if (width >= 0 && !is_deceptive(c))
        *glyph = (struct glyph){bytes, (size_t)width, {text.data, bytes}, ""};
    else
        escape(glyph, decoded ? bytes : 1, decoded ? (unsigned)c : (unsigned char)*text.data);
}

static struct gw_str rest(struct gw_str text, size_t bytes)
{
    return (struct gw_str){text.data + bytes, text.len - bytes};
}

size_t gw_table_text_width(struct gw_str text)
{
    size_t width = 0;
    struct glyph glyph;

    for (; text.len > 0; text = rest(text, glyph.bytes)) {
        next_glyph(text, &glyph);
        width += glyph.columns;
    }
    return width;
}

size_t gw_table_put_text(FILE *out, struct gw_str text, size_t width)
{
    bool fits = width == SIZE_MAX || gw_table_text_width(text) <= width;
    size_t room = fits ? SIZE_MAX : width - (width > 0), used = 0;
    struct glyph glyph;

    for (; text.len > 0; text = rest(text, glyph.bytes)) {
        next_glyph(text, &glyph);
        if (glyph.columns > room - used)
            break;
        fwrite(glyph.shown.data, 1, glyph.shown.len, out);
        used += glyph.columns;
    }
    if (!fits && width > 0) {
        fputs("…", out);
        used++;
    }
    return used;
}

static void widen(struct gw_table_column *column, size_t width)
{
    if (column->width < width)
        column->width = width;
}

void gw_table_measure(struct gw_table *table, const struct gw_str *cells)
{
    for (size_t i = 0; i < table->count; i++)
        widen(&table->columns[i], gw_table_text_width(cells[i]));
}

static struct gw_table_column *widest(struct gw_table *table)
{
    struct gw_table_column *found = table->columns;

    for (size_t i = 1; i < table->count; i++)
        if (table->columns[i].width > found->width)
            found = &table->columns[i];
    return found;
}

static size_t total_width(const struct gw_table *table)
{
    size_t total = (table->count - 1) * GAP;

    for (size_t i = 0; i < table->count; i++)
        total += table->columns[i].width;
    return total;
}

/* Where nothing is cut, one overlong cell must not fill every other row with blanks. */
void gw_table_fit(struct gw_table *table, size_t width)
{
    for (size_t i = 0; i < table->count; i++)
        widen(&table->columns[i], gw_table_text_width(gw_str(table->columns[i].title)));
    table->cut = width > 0;
    while (table->cut ? total_width(table) > width && widest(table)->width > NARROWEST
                      : widest(table)->width > WIDEST_UNCUT)
        widest(table)->width--;
}

static void put_cell(const struct gw_table *table, FILE *out, size_t i, struct gw_str text)
{
    size_t width = table->columns[i].width;
    size_t used = gw_table_put_text(out, text, table->cut ? width : SIZE_MAX);

    if (i + 1 == table->count)
        fputc('\n', out);
    else
        fprintf(out, "%*s", (int)((used < width ? width - used : 0) + GAP), "");
}

void gw_table_put_titles(const struct gw_table *table, FILE *out)
{
    for (size_t i = 0; i < table->count; i++)
        put_cell(table, out, i, gw_str(table->columns[i].title));
}

void gw_table_put_row(const struct gw_table *table, FILE *out, const struct gw_str *cells)
{
    for (size_t i = 0; i < table->count; i++)
        put_cell(table, out, i, cells[i]);
}

size_t gw_table_terminal_width(FILE *out)
{
    struct winsize size;

    if (ioctl(fileno(out), TIOCGWINSZ, &size) < 0)
        return 0;
    return size.ws_col > 0 ? size.ws_col : 80;
}
