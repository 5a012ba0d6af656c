/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_AWS_STS_ANSWER_H
#define GW_AWS_STS_ANSWER_H

/* The XML in which STS answers. Pure. Private to src/aws. */

#include "gw/aws_credentials.h"
#include "gw/aws_retry.h"

/**
 * Reads the answer to AssumeRole or AssumeRoleWithWebIdentity.
 * @param source   static: gw_credentials.source, and begins the message
 * @param message  GW_AWS_MESSAGE_SIZE bytes
 * @return 0, GW_PROVIDER_FAILED or -ENOMEM
 */
int gw_sts_answer_read(struct gw_str xml, const char *source, struct gw_credentials **out,
                       char *message) GW_MUST_CHECK;

/* Reads an answer that is not 2xx. What is no error of STS leaves code and text empty. */
void gw_sts_answer_read_error(int status, struct gw_str xml, struct gw_aws_error *error);

#endif
