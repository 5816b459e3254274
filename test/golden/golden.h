/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Golden cases: what a caller and an engine say, and what each must hear.
 *
 * A case is a folder <caller's dialect>/<name>/ with
 *     case.json     {"task","engine","model",…}: the engine's dialect and the copy's shape; "rest"
 *                   and "query" of a path that says what others say in the body
 *     request.json  what the caller sends
 *     ask.json      what scanning it must find
 *     engine.json   what the engine must be sent; or refused.txt, in which words it is refused
 *     target.txt    where, in a dialect whose paths name the model
 *     dropped.txt   what it is not told
 *     upstream.*    what the engine answers: .sse, .ndjson or .json
 *     client.*      what the caller must get for it
 *     deltas.txt    what the reader must say of it
 * Same dialect on both sides: the answer goes through as it came, so there is no client file.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "dialect/dialect.h"
#include "wire/json.h"

struct golden {
    const char *folder;
    struct arena arena;
    struct json setup; /* case.json */
    const struct dialect *caller, *engine;
    enum task task, asked; /* of the caller, and of the engine */
    int status;            /* of the engine's answer */
    struct copy_shape copy;
    struct reply_shape reply;
    struct ask ask;
    struct str upstream; /* the answer's bytes */
    bool upstream_streams;
};

/* What one replay of the answer gave. */
struct replay {
    struct golden *golden;
    struct writer *writer; /* NULL: same dialect, nothing is written */
    struct buf client, deltas;
    enum failure why;
    struct str found;
    uint64_t *whole; /* after so many bytes fed; stays the same after an error */
};

/* Feeds the answer cut at `cut`; SIZE_MAX: byte by byte. Aborts on bugs. */
void replay_answer(struct replay *ret, struct golden *g, size_t cut);
void replay_fini(struct replay *r);

/* Appends one line that describes the delta. */
void describe_delta(struct buf *out, const struct delta *delta);

/* Appends what scanning found. */
void describe_ask(struct buf *out, const struct ask *ask);
