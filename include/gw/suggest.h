/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SUGGEST_H
#define GW_SUGGEST_H

/*
 * "Did you mean ...?" for words that people mistype: subcommands, configuration keys. Pure.
 */

#include "gw/base.h"

#define GW_SUGGEST_WORD_MAX 64 /* longer words get no suggestion, which bounds time and memory */

/**
 * Finds the candidate nearest to @word, counting letters left out, put in, replaced or swapped with
 * their neighbour; upper and lower case are the same. The first of several equally near ones wins.
 * @return one of @candidates, or NULL where none is within a third of the longer word's length
 *         (one mistake under six letters, none under three): then a suggestion would be a guess.
 */
const char *gw_suggest(const char *word, const char *const *candidates, size_t count);

#endif
