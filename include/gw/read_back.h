/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_READ_BACK_H
#define GW_READ_BACK_H

/* Looks into a file of lines from its end, in a time that does not grow with the file. Any thread.
 */

#include "gw/base.h"

#include <sys/types.h>

/* Reads @len bytes at @offset. @return 0; -EIO where the file ends before; or what pread(2) said.
 */
int gw_read_back_at(int fd, char *bytes, size_t len, off_t offset) GW_MUST_CHECK;

/**
 * Finds where the line begins that @end is in or ends at: behind the last LF before @end.
 * @param begin  0 where there is no LF; left alone on an error
 * @return as gw_read_back_at.
 */
int gw_read_back_line(int fd, off_t end, off_t *begin) GW_MUST_CHECK;

#endif
