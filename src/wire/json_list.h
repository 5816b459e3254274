/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JSON array that arrives in pieces: each of its values is handed out when it is complete.
 *
 *     json_list_init(&list, VALUE_MAX, on_value, ctx);
 *     while (a chunk arrives)
 *         if ((r = json_list_feed(&list, chunk)) < 0)
 *             give up on this stream;
 *     json_list_is_whole(&list)
 *     json_list_fini(&list);
 *
 * The values are objects, which is all that is streamed so; what is in them is for whoever parses
 * them. A lone object instead of the array is handed out, too. Pure: no sockets, no clock. Cutting
 * the input anywhere changes nothing.
 */
#pragma once

#include "base/buf.h"

/* The slice dies when the callback returns. Negative stops the stream. */
typedef int json_list_fn(void *ctx, struct str value);

enum json_list_state { JSON_LIST_before, JSON_LIST_between, JSON_LIST_value, JSON_LIST_after };

struct json_list {
    json_list_fn *on_value;
    void *ctx;
    enum json_list_state state;
    struct buf value; /* so far */
    unsigned depth;
    bool in_string, after_backslash;
    bool is_lone; /* no array around it */
    uint64_t fed, whole;
};

void json_list_init(struct json_list *l, size_t value_max, json_list_fn *on_value, void *ctx);
void json_list_fini(struct json_list *l);

/* 0; -EBADMSG: no array of objects; -EMSGSIZE when a value outgrows value_max, -ENOMEM, or what
 * on_value returned; after an error nothing more may be fed. */
MUST_USE int json_list_feed(struct json_list *l, struct str chunk);

/* The array was closed. */
static inline bool json_list_is_whole(const struct json_list *l)
{
    return l->state == JSON_LIST_after;
}

/* How many of all bytes fed so far end behind a value, or behind the array. */
static inline uint64_t json_list_end(const struct json_list *l)
{
    return l->whole;
}
