/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_AWS_TOKEN_H
#define GW_AWS_TOKEN_H

/*
 * A bearer's token, as a pod or a task finds it in a file: what proves to somebody else who we are.
 * Private to src/aws.
 */

#include "gw/buffer.h"

#define GW_TOKEN_BYTES_MAX ((size_t)20000) /* what STS takes of a web identity's */

/* Whether it is one that a header can carry: printable ASCII, not empty, not too long. */
bool gw_token_is_valid(struct gw_str token);

/**
 * Reads @path anew, as what mounts it replaces it; without the line break at its end.
 * @param source   begins the message
 * @param token    initialised here; the caller's to wipe, on a failure too
 * @return 0, GW_PROVIDER_FAILED or -ENOMEM
 */
int gw_token_read(const char *path, const char *source, struct gw_buffer *token,
                  char *message) GW_MUST_CHECK;

/* Whether @text, of another's making, repeats @token or its beginning, or a signature's header, as
 * AWS does where it does not like it: then it is not shown. */
bool gw_token_is_in(const char *text, struct gw_str token);

#endif
