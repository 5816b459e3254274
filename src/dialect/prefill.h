/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether an engine goes on with an answer that was begun elsewhere: what the artifact's template
 * makes of a chat whose last turn is the assistant's.
 *
 *     prefill_write(&body, dialect, &shape, &arena);      asked where engine_kind_row()->shows says
 *     turn = prefill_read(answer);
 *
 * Engines show it without answering. Pure.
 */
#pragma once

#include "dialect/dialect.h"

enum turn {
    TURN_unknown, /* not asked yet */
    TURN_closed,  /* what follows is another turn; or it was not shown */
    TURN_trimmed, /* left open, without the blanks at its end */
    TURN_open,    /* left open as it is */
};

/* The question. Errors of write_request(). */
MUST_USE int prefill_write(struct buf *out, const struct dialect *dialect,
                           const struct copy_shape *shape, struct arena *arena);

enum turn prefill_read(struct str body);

/* How many bytes of a beginning such a template takes as they are. */
size_t prefill_length(enum turn turn, struct str said);
