/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An uploaded form: its bytes in a spool, its fields known, and the body that an engine gets of it.
 *
 *     upload_new(&u, content_type, &limits, &arena)
 *     upload_feed(u, chunk, &words); … upload_end(u, &words)
 *     upload_aim(u, model, extra);          for this engine: its own name of the model, a field
 * more … u->source, u->type                  the body to send and its Content-Type upload_free(u);
 *
 * Nothing is sent before all of it has come and is known to be a form: what is malformed reaches no
 * engine, and another try can send it again. What the engine gets are the caller's bytes from the
 * first boundary to the last, but for the name of the model.
 */
#pragma once

#include "base/failure.h"
#include "gateway/spool.h"
#include "http/client.h"
#include "wire/form.h"

struct upload {
    struct form form;
    struct spool spool;
    struct buf type;           /* Content-Type for the engine */
    struct call_source source; /* after upload_aim() */

    /* Private. */
    struct buf front, model; /* what stands before the caller's bytes, and in place of the name */
    uint64_t model_at, model_size;
};

/* 0; -EINVAL: content_type is not that of a form; -ENOMEM. Fields live in the arena. */
MUST_USE int upload_new(struct upload **ret, struct str content_type,
                        const struct spool_limits *limits, struct arena *arena);
void upload_free(struct upload *u);

/* FAILURE_none, bad_form, upload_too_large or out_of_room. */
enum failure upload_feed(struct upload *u, struct str chunk, const char **ret_words);
enum failure upload_end(struct upload *u, const char **ret_words);

/* extra: NAME=VALUE, a field that this engine needs; or empty. -ENOMEM. */
MUST_USE int upload_aim(struct upload *u, struct str model, struct str extra);
