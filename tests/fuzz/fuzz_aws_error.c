/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/aws_retry.h"

#include <stdlib.h>

/*
 * An error answer, the first byte of the input being its status less 400. Whatever it holds, code
 * and message are short, printable and terminated, the code is read back as itself, and there is a
 * fault to it.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void check_line(const char *line, size_t size)
{
    size_t len = strnlen(line, size);

    check(len < size);
    for (size_t i = 0; i < len; i++)
        check(line[i] >= ' ' && line[i] < 0x7f);
}

static void check_read_back(const struct gw_aws_error *error)
{
    const struct gw_str before = GW_STR("{\"Message\":\"m\",\"__type\":"), after = GW_STR("}");
    struct gw_aws_error again;
    struct gw_buffer body;

    gw_buffer_init(&body, SIZE_MAX);
    check(gw_buffer_append(&body, before) == 0 &&
          gw_buffer_append_json(&body, gw_str(error->code)) == 0 &&
          gw_buffer_append(&body, after) == 0);
    gw_aws_error_read(error->status, gw_buffer_str(&body), &again);
    check(strcmp(again.code, error->code) == 0 && strcmp(again.text, "m") == 0);
    check(gw_aws_error_fault(&again) == gw_aws_error_fault(error));
    gw_buffer_deinit(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_aws_error error;

    if (size == 0)
        return 0;
    int status = 400 + data[0];

    gw_aws_error_read(status, (struct gw_str){(const char *)data + 1, size - 1}, &error);
    check(error.status == status);
    check_line(error.code, sizeof error.code);
    check_line(error.text, sizeof error.text);
    check(!strpbrk(error.code, ":#"));
    check_read_back(&error);
    enum gw_aws_fault fault = gw_aws_error_fault(&error);

    check(fault > GW_AWS_FAULT_NONE && fault <= GW_AWS_FAULT_REFUSED && gw_aws_fault_name(fault));
    return 0;
}
