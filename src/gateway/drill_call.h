/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One question of a drill: asked of the gateway itself, over HTTP, as any caller would.
 *
 *     drill_call_start(&call, client, &question, on_answer, ctx);
 *     drill_call_cancel(call);            before the answer only; NULL is good
 *
 * The answer is judged here: it must come from the machine that was left alive, and hold what the
 * golden prompt's row says.
 */
#pragma once

#include "fleet/parity.h"
#include "http/client.h"
#include "route/drill.h"

/* Headers of a drill's request: who counts as dead; that it is the gateway who asks. */
#define DRILL_HEADER       "x-tampu-drill"
#define DRILL_TOKEN_HEADER "x-tampu-drill-token"
enum { DRILL_TOKEN_SIZE = 65 };

struct drill_call;

struct drill_question {
    const struct endpoint *gateway;
    const char *token;
    const struct view *view;
    const struct drill_row *row; /* with a copy; all of these outlive the call */
    uint32_t timeout_ms;
};

struct drill_answer {
    bool is_proven;
    char parity[16], model[128], request[32];
    char found[256]; /* when it is not proven: what came instead */
};

/* Once; the call is over and freed when it returns. */
typedef void drill_answer_fn(void *ctx, const struct drill_answer *answer);

/* 0, -ENOMEM or -EMSGSIZE. */
MUST_USE int drill_call_start(struct drill_call **ret, struct client *client,
                              const struct drill_question *question, drill_answer_fn *on_answer,
                              void *ctx);
void drill_call_cancel(struct drill_call *call);
