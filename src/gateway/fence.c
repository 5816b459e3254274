/* SPDX-License-Identifier: Apache-2.0 */
/* The fence around embeddings. */
#include "gateway/fence.h"

#include <errno.h>
#include <stdio.h>

#include "gateway/wanted.h"
#include "gateway/worker.h"

static bool is_up(const struct exchange *x, const struct copy *copy);
static bool is_any_up(const struct exchange *x, const struct candidates *found);

struct str fence_wanted(const struct exchange *x)
{
    if (!task_is_embedding(x->task) || !x->request)
        return (struct str){0};
    return request_header(x->request, STR(FENCE_HEADER));
}

/* Looks for the candidates once more: few requests come to this. */
enum failure fence_judge(const struct exchange *x, enum failure why, struct err *err)
{
    char wanted[SPACE_SIZE], there[SPACE_SIZE];
    struct candidates found;

    if (!task_is_embedding(x->task) ||
        candidates_find_space(&found, x->scene->view, x->ask.model, wanted_capabilities(&x->ask),
                              fence_wanted(x), NULL) < 0 ||
        is_any_up(x, &found))
        return why;
    for (uint32_t i = 0; i < found.fenced_count; i++) {
        if (!is_up(x, found.fenced[i]))
            continue;
        space_write(wanted, found.rows[0].copy, 0);
        space_write(there, found.fenced[i], 0);
        err_set(err, -EXDEV, "no copy of %s is up; %s is, but its vectors do not mix with those",
                wanted, there);
        return FAILURE_other_space;
    }
    return why;
}

int fence_count(struct exchange *x, const struct delta *delta)
{
    struct str wanted = fence_wanted(x);
    char found[SPACE_SIZE], words[2 * SPACE_SIZE];
    uint64_t dimensions = space_read(wanted).dimensions;

    x->attempt.dimensions = delta->dimensions;
    if (!dimensions || dimensions == delta->dimensions)
        return 0;
    space_write(found, x->attempt.copy, delta->dimensions);
    snprintf(words, sizeof words, "the answer is of %s, and %.*s was asked for", found,
             STR_ARG(wanted));
    exchange_fail(x, FAILURE_other_space, str_from(words));
    return -ECANCELED;
}

bool fence_write(char text[static SPACE_SIZE], const struct exchange *x)
{
    if (!task_is_embedding(x->task) || !x->attempt.copy || x->why)
        return false;
    space_write(text, x->attempt.copy, x->attempt.dimensions);
    return true;
}

static bool is_any_up(const struct exchange *x, const struct candidates *found)
{
    for (uint32_t i = 0; i < found->count; i++)
        if (is_up(x, found->rows[i].copy))
            return true;
    return false;
}

static bool is_up(const struct exchange *x, const struct copy *copy)
{
    const struct scene_copy *c = &x->scene->copies[copy->index];

    return c->engine->is_reachable &&
           traffic_is_open(x->worker->gateway->traffic, c->place, loop_now_ms(x->worker->loop));
}
