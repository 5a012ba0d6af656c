/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_FILE_STORE_H
#define GW_FILE_STORE_H

/*
 * The embedded default: every write becomes one line (gw/line.h) of a journal (gw/journal.h). Each
 * worker's store collects a pass's lines in one batch and hands it over at flush. A batch that does
 * not come back within 7 s is answered as ambiguous, and its memory waits for the writer.
 */

#include "gw/journal.h"
#include "gw/store.h"

#define GW_FILE_STORE_DEADLINE_MS 7000
#define GW_FILE_STORE_STUCK_MS 30000 /* then the watchdog is fed no more */

/* @param message as of gw_journal_open. @return 0, or what gw_journal_open said. */
int gw_file_store_open(const struct gw_journal_options *options, struct gw_backend **backend,
                       char *message, size_t message_size) GW_MUST_CHECK;

/**
 * Where [file] path leads: a relative one into systemd's state directory ($STATE_DIRECTORY, the
 * first of its list) where there is one.
 * @return 0 or -ENAMETOOLONG.
 */
int gw_file_store_path(const char *path, char *resolved, size_t size) GW_MUST_CHECK;

#endif
