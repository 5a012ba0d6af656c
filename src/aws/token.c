/* SPDX-License-Identifier: Apache-2.0 */
/* The file is judged by its descriptor and not by its name. */
#include "token.h"

#include "provider.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_BREAK_MAX 2 /* CR LF */
#define TELLING_LEN 12   /* so many bytes of a token are the token's, and no chance */

bool gw_token_is_valid(struct gw_str token)
{
    for (size_t i = 0; i < token.len; i++)
        if (token.data[i] < ' ' || token.data[i] > '~')
            return false;
    return token.len > 0 && token.len <= GW_TOKEN_BYTES_MAX;
}

/* An error may quote only a part of it, and may cut it off anywhere. */
bool gw_token_is_in(const char *text, struct gw_str token)
{
    size_t len = token.len < TELLING_LEN ? token.len : TELLING_LEN;

    return strstr(text, "AWS4-HMAC-SHA256") ||
           (len > 0 && memmem(text, strlen(text), token.data, len) != NULL);
}

/* Not to hang on a FIFO before it is seen that it is one. @return a descriptor, or -errno. */
static int open_regular(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat status;
    int r = 0;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &status) < 0)
        r = -errno;
    else if (!S_ISREG(status.st_mode))
        r = S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
    if (r == 0)
        return fd;
    close(fd);
    return r;
}

static int read_file(const char *path, struct gw_buffer *token)
{
    int fd = open_regular(path), r;

    if (fd < 0)
        return fd;
    r = gw_buffer_read(token, fd);
    close(fd);
    return r;
}

int gw_token_read(const char *path, const char *source, struct gw_buffer *token, char *message)
{
    int r;

    /* One byte more than could be right shows what is too long. */
    gw_buffer_init(token, GW_TOKEN_BYTES_MAX + LINE_BREAK_MAX + 1);
    r = read_file(path, token);
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        return gw_provider_fail(message,
                                "%s: the token's file %s cannot be read (%s): check that it is "
                                "mounted, and that this user may read it",
                                source, path, strerrordesc_np(-r));
    token->len = gw_str_without_line_break(gw_buffer_str(token)).len;
    if (!gw_token_is_valid(gw_buffer_str(token)))
        return gw_provider_fail(message,
                                "%s: the file %s does not hold a token: it must be one line of "
                                "1 to %zu printable characters",
                                source, path, GW_TOKEN_BYTES_MAX);
    return 0;
}
