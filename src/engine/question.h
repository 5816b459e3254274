/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to one engine after the other, each waited for: for threads that have nothing else to
 * do.
 *
 *     asker_open(&asker, err);
 *     status = question_ask(&asker, &(struct question){.endpoint = e, .target = STR("/api/tags"),
 *                                                      .answer = &text}, err);
 *     asker_close(&asker);
 *
 * An asker belongs to one thread: it has a loop and connections of its own.
 */
#pragma once

#include "http/client.h"
#include "wire/ndjson.h"

enum { QUESTION_LINE_MAX = 1 << 20 };

struct asker {
    struct loop *loop;
    struct client *client;
};

struct question {
    const struct endpoint *endpoint;
    enum method method; /* as METHOD_GET is the first: unless said */
    struct str target;
    struct str json;         /* what is sent; empty: nothing */
    struct str type;         /* of what is sent, where that is no JSON */
    struct str accept;       /* empty: anything */
    struct str credential;   /* of the header authorization; empty: none */
    struct buf *answer;      /* gets the body of what is no stream, errors too; never NULL */
    ndjson_line_fn *on_line; /* NULL; else the lines of a 200: a negative result ends it */
    void *ctx;
    uint32_t idle_timeout_ms; /* between bytes, and before the first */
};

MUST_USE int asker_open(struct asker *a, struct err *err);
void asker_close(struct asker *a);

/* The answer's status; or what on_line returned; -ECONNREFUSED nobody answers, -ETIMEDOUT nothing
 * came any more, -EPIPE it broke off, -EMSGSIZE too long an answer; all with words. */
MUST_USE int question_ask(struct asker *a, const struct question *q, struct err *err);
