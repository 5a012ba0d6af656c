/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_PROCESS_H
#define GW_PROCESS_H

/* What both programs do before anything else. */

#include "gw/base.h"

/**
 * Keeps the secrets to come out of core dumps, and away from other processes of the same user
 * (ptrace); and sees to it that descriptors 0, 1 and 2 are open, as else a file or a socket would
 * get the number, and talk would go there. Where one is closed, writes to it go on failing.
 * @return 0 or a negative errno.
 */
int gw_process_begin(void) GW_MUST_CHECK;

#endif
