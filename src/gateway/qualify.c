/* SPDX-License-Identifier: Apache-2.0 */
/* Which copies qualify for a request. */
#include "gateway/qualify.h"

#include <errno.h>

#include "route/gate.h"
#include "route/room.h"

static bool pass_gate(struct candidates *found, const struct ask *ask, struct err *err);
static bool has_length(enum task task);

enum failure qualify(struct candidates *found, const struct ask *ask, struct err *err)
{
    /* Texts for vectors, and prompts for going on, are read one by one. */
    const struct room room = {
        .prompt_bytes = ask->task == TASK_chat ? ask->prompt_bytes : ask->longest_bytes,
        .answer_tokens = ask->max_tokens,
    };

    if (!pass_gate(found, ask, err))
        return FAILURE_unsupported;
    if (has_length(ask->task) && room_arrange(found, &room, err) < 0)
        return FAILURE_too_long;
    return FAILURE_none;
}

/* A copy of a model that is not made for what is asked is no candidate. False: none is left. */
static bool pass_gate(struct candidates *found, const struct ask *ask, struct err *err)
{
    const struct gate gate = {ask->language, ask->pixels};
    uint32_t kept = 0;

    for (uint32_t i = 0; i < found->count; i++) {
        const char *lacking = gate_refuses(&gate, found->rows[i].copy);

        if (!lacking) {
            found->rows[kept++] = found->rows[i];
            continue;
        }
        candidates_rule_out(found, found->rows[i].copy, REJECTION_unable, lacking);
        err_set(err, -ENOTSUP, "no copy of '%.*s' can do what was asked (%s)", STR_ARG(ask->model),
                lacking);
    }
    found->count = kept;
    return kept > 0;
}

/* What is only counted may be of any length. */
static bool has_length(enum task task)
{
    return task_has_stream(task) || task_is_embedding(task);
}
