/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tool calls put together from the pieces that a stream brings.
 *
 *     struct calls calls = {.max = BYTES};
 *     calls_put(&calls, &delta->call);
 *     for (i = 0; i < calls.count; i++) use calls.list[i]
 *     calls_fini(&calls);
 *
 * At most CALLS_MAX of them. For the writers of this folder.
 */
#pragma once

#include "base/buf.h"
#include "dialect/chat.h"

enum { CALLS_MAX = 128 };

struct call {
    struct buf id, name, arguments;
};

struct calls {
    size_t max; /* ceiling of each text */
    struct call *list;
    unsigned count;
};

/* -EMSGSIZE: too many, or one too long; -ENOMEM. */
MUST_USE int calls_put(struct calls *c, const struct tool_call *piece);

/* Arguments as the object that some dialects want: elsewhere it is a text that a model wrote, line
 * ends and all. What is none cannot be said: -EBADMSG in o. */
struct json_out;
void call_put_arguments(struct json_out *o, struct str text);

/* Accepts a zeroed one. */
void calls_fini(struct calls *c);
