/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TABLE_H
#define GW_TABLE_H

/*
 * Text for people: hostile strings made harmless, and columns that fit. Widths are what a terminal
 * shows (wcwidth), so LC_CTYPE must be a UTF-8 locale; in another one all that is not ASCII is
 * shown as \xNN.
 */

#include "gw/base.h"

#include <stdio.h>

/* Columns that @text takes when made visible. */
size_t gw_table_text_width(struct gw_str text);

/**
 * Writes @text with control characters, what is no UTF-8, and what would turn the direction or
 * hides itself as \n, \xNN or \uNNNN.
 * @param width  cut to so many columns, the last being an ellipsis; SIZE_MAX: not at all
 * @return the columns written.
 */
size_t gw_table_put_text(FILE *out, struct gw_str text, size_t width);

struct gw_table_column {
    const char *title;
    size_t width; /* zero before the first row is measured */
};

struct gw_table {
    struct gw_table_column *columns;
    size_t count;
    bool cut; /* cells to their columns' width; else they push the rest of their row */
};

/* Before printing: once for each row. Titles are measured by gw_table_fit. */
void gw_table_measure(struct gw_table *table, const struct gw_str *cells);

/* Narrows the widest columns until the table fits; @width 0: no limit, nothing is cut. */
void gw_table_fit(struct gw_table *table, size_t width);

/* After gw_table_fit; a row has one cell a column. */
void gw_table_put_titles(const struct gw_table *table, FILE *out);
void gw_table_put_row(const struct gw_table *table, FILE *out, const struct gw_str *cells);

/* The terminal's columns; 0 where @out is none. */
size_t gw_table_terminal_width(FILE *out);

#endif
