/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Optimal string alignment: Levenshtein's table, with a swap of neighbours as one mistake, since
 * that is the commonest one ("shwo"). Only the last three rows are kept.
 */
#include "gw/suggest.h"

#include <ctype.h>

enum { WIDTH = GW_SUGGEST_WORD_MAX + 1 };

static bool same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool swapped(const char *a, size_t i, const char *b, size_t j)
{
    return i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]);
}

/* Both are at most GW_SUGGEST_WORD_MAX long. */
static size_t distance(struct gw_str a, struct gw_str b)
{
    size_t rows[3][WIDTH];

    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *row = rows[i % 3], *above = rows[(i - 1) % 3];
        const size_t *two_above = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            row[j] = smaller(above[j], row[j - 1]) + 1;
            row[j] = smaller(row[j], above[j - 1] + !same(a.data[i - 1], b.data[j - 1]));
            if (swapped(a.data, i, b.data, j))
                row[j] = smaller(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[a.len % 3][b.len];
}

/* A word of one or two letters has every other one within one mistake or two. */
static size_t tolerated(size_t word_len, size_t candidate_len)
{
    size_t longer = word_len > candidate_len ? word_len : candidate_len;

    if (longer < 3)
        return 0;
    return longer < 6 ? 1 : longer / 3;
}

const char *gw_suggest(const char *word, const char *const *candidates, size_t count)
{
    struct gw_str typed = gw_str(word);
    size_t nearest = SIZE_MAX;
    const char *suggestion = NULL;

    if (typed.len > GW_SUGGEST_WORD_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        struct gw_str candidate = gw_str(candidates[i]);
        size_t mistakes;

        if (candidate.len > GW_SUGGEST_WORD_MAX)
            continue;
        mistakes = distance(typed, candidate);
        if (mistakes <= tolerated(typed.len, candidate.len) && mistakes < nearest) {
            nearest = mistakes;
            suggestion = candidates[i];
        }
    }
    return suggestion;
}
