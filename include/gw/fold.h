/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_FOLD_H
#define GW_FOLD_H

/*
 * Files of lines (gw/line.h) become records. The order of the files and of their lines does not
 * matter (gw/record.h). Memory grows with the conversations and not with the lines.
 */

#include "gw/record.h"

struct gw_fold {
    void *records;      /* a tsearch tree by conversation_id */
    struct gw_str only; /* borrowed: fold this conversation alone; absent: all */
    size_t count;
};

/* Lines of one file that could not be used. */
struct gw_fold_skips {
    size_t count;
    size_t first; /* the first one's number, from 1 */
};

/* Takes no memory before the first record. */
void gw_fold_init(struct gw_fold *fold, struct gw_str only);
/* Frees all records. */
void gw_fold_deinit(struct gw_fold *fold);

enum gw_fold_error { GW_FOLD_SKIPPED = 1 };

/* @param line without its LF. @return 0, GW_FOLD_SKIPPED for a line that is none of ours, -ENOMEM.
 */
int gw_fold_line(struct gw_fold *fold, struct gw_str line) GW_MUST_CHECK;

/**
 * Folds a file, plain or gzip'ed; only what ends in a line break counts, and lines over
 * @max_line_bytes are skipped.
 * @param skips  set in every case
 * @return 0; -EBADMSG where gzip'ed data is broken or cut off (what came before was folded);
 *         -errno.
 */
int gw_fold_file(struct gw_fold *fold, const char *path, size_t max_line_bytes,
                 struct gw_fold_skips *skips) GW_MUST_CHECK;

/* Calls @visit with each record, by conversation_id, bytewise. */
void gw_fold_each(const struct gw_fold *fold,
                  void (*visit)(const struct gw_record *record, void *context), void *context);

#endif
