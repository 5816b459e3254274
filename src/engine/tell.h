/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells Ollama to load a model, to keep it, or to unload it: a request without a prompt.
 *
 *     tell_start(&tell, client, &what, on_told, ctx);    one answer, then the tell is gone
 *     tell_cancel(tell);                                 at once; no callback follows
 */
#pragma once

#include "http/client.h"

struct tell;

struct tell_what {
    const struct endpoint *endpoint;
    struct header credential; /* an empty value: none */
    struct str model;
    uint64_t context; /* as requests ask for it, or the model would be loaded anew; 0: unsaid */
    int64_t keep_s;   /* 0: unload it now; negative: for ever */
    bool embeds;      /* a model for vectors takes it where it embeds */
    uint32_t timeout_ms;
};

typedef void on_told_fn(void *ctx, bool is_done);

/* 0, -ENOMEM, -EPERM when TAMPU_LOOPBACK_ONLY forbids it: then no callback follows. */
MUST_USE int tell_start(struct tell **ret, struct client *client, const struct tell_what *what,
                        on_told_fn *on_told, void *ctx);
void tell_cancel(struct tell *t);
