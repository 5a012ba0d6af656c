/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One that failed is older than most that wait, so its place by deadline is near the front; and all
 * pause equally long, so that by resumption it is at the end, but for those near their deadline.
 */
#include "dynamodb_operation.h"

void gw_operations_append(struct operations *list, struct operation *op)
{
    op->next = NULL;
    *list->end = op;
    list->end = &op->next;
}

struct operation *gw_operations_take_first(struct operations *list)
{
    struct operation *op = list->first;

    if (op) {
        list->first = op->next;
        if (!list->first)
            list->end = &list->first;
    }
    return op;
}

struct operation *gw_operations_take_untried(struct operations *list)
{
    struct operation **place = &list->first, *op;

    while (*place && (*place)->tried)
        place = &(*place)->next;
    if (!*place)
        return gw_operations_take_first(list);
    op = *place;
    *place = op->next;
    if (!op->next)
        list->end = place;
    return op;
}

void gw_operations_insert_by_deadline(struct operations *list, struct operation *op)
{
    struct operation **place = &list->first;

    while (*place && (*place)->call.deadline_ms <= op->call.deadline_ms)
        place = &(*place)->next;
    op->next = *place;
    *place = op;
    if (!op->next)
        list->end = &op->next;
}

void gw_operations_insert_by_resumption(struct operations *list, struct operation *op)
{
    struct operation **place = &list->first;

    if (list->first &&
        GW_CONTAINER(list->end, struct operation, next)->resume_at_ms <= op->resume_at_ms)
        place = list->end;
    while (*place && (*place)->resume_at_ms <= op->resume_at_ms)
        place = &(*place)->next;
    op->next = *place;
    *place = op;
    if (!op->next)
        list->end = &op->next;
}
