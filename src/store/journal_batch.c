/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch is one run of bytes, so that the writer needs one part of a writev for it, with the ends
 * of its lines beside it. It is cleared and filled again rather than freed, so a busy worker takes
 * no memory.
 */
#include "gw/journal.h"

#include <errno.h>
#include <stdlib.h>

/* One line alone may be longer than a full batch; what may wait in all is max_queued_bytes. */
#define BATCH_BYTES_MAX ((size_t)1 << 30)
#define LINES_AT_FIRST 64

struct gw_journal_batch *gw_journal_batch_new(struct gw_journal_client *client)
{
    struct gw_journal_batch *batch = calloc(1, sizeof(*batch));

    if (batch) {
        gw_buffer_init(&batch->bytes, BATCH_BYTES_MAX);
        batch->client = client;
    }
    return batch;
}

struct gw_journal_batch *gw_journal_batch_free(struct gw_journal_batch *batch)
{
    if (batch) {
        gw_buffer_deinit(&batch->bytes);
        free(batch->ends);
        free(batch->owners);
        free(batch);
    }
    return NULL;
}

void gw_journal_batch_clear(struct gw_journal_batch *batch)
{
    batch->bytes.len = 0;
    batch->count = 0;
    batch->durable = 0;
    batch->ambiguous = false;
    batch->next = batch->sibling = NULL;
}

size_t gw_journal_batch_memory(const struct gw_journal_batch *batch)
{
    return sizeof(*batch) + batch->bytes.capacity +
           batch->capacity * (sizeof(*batch->ends) + sizeof(*batch->owners));
}

static int grow(struct gw_journal_batch *batch)
{
    size_t capacity = batch->capacity ? batch->capacity * 2 : LINES_AT_FIRST;
    size_t *ends = reallocarray(batch->ends, capacity, sizeof(*ends));
    void **owners;

    if (!ends)
        return -ENOMEM;
    batch->ends = ends;
    owners = reallocarray(batch->owners, capacity, sizeof(*owners));
    if (!owners)
        return -ENOMEM;
    batch->owners = owners;
    batch->capacity = capacity;
    return 0;
}

int gw_journal_batch_end_line(struct gw_journal_batch *batch, void *owner)
{
    if (batch->count == batch->capacity && grow(batch) != 0) {
        batch->bytes.len = batch->count ? batch->ends[batch->count - 1] : 0;
        return -ENOMEM;
    }
    batch->ends[batch->count] = batch->bytes.len;
    batch->owners[batch->count++] = owner;
    return 0;
}
