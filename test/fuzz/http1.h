/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as HTTP/1, whole and cut: both ways the same must be heard. */
#pragma once

#include <stdlib.h>

#include "wire/http1.h"

/* What was heard, as one number: which events, which heads, which bytes; and where it ended. */
struct heard {
    uint64_t sum, wrong, messages;
};

static inline void hear(struct heard *heard, struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        heard->sum = heard->sum * 31 + (unsigned char)s.data[i] + 1;
}

static inline void hear_head(struct heard *heard, const struct http1 *h)
{
    hear(heard, h->kind == HTTP1_request ? h->path : STR(""));
    for (size_t i = 0; i < h->header_count; i++) {
        hear(heard, h->headers[i].name);
        hear(heard, h->headers[i].value);
    }
    heard->sum = heard->sum * 31 + (uint64_t)h->content_length + h->keep_alive;
}

static inline void feed_http1(struct http1 *h, struct str in, struct heard *heard)
{
    enum http1_event event;
    struct str piece;

    while (!heard->wrong && (event = http1_feed(h, &in, &piece)) != HTTP1_more) {
        if (event == HTTP1_wrong)
            heard->wrong = (uint64_t)h->wrong;
        if (event == HTTP1_head)
            hear_head(heard, h);
        if (event == HTTP1_body)
            hear(heard, piece);
        if (event == HTTP1_end) {
            heard->messages++;
            http1_reset(h);
        }
    }
}

static inline struct heard read_http1(enum http1_kind kind, struct str text, size_t cut)
{
    struct heard heard = {0};
    struct http1 h;

    http1_init(&h, kind, 1024, 16);
    feed_http1(&h, str_slice(text.data, cut), &heard);
    feed_http1(&h, str_slice(text.data + cut, text.len - cut), &heard);
    if (!heard.wrong && http1_finish(&h) == HTTP1_wrong)
        heard.wrong = 1;
    http1_fini(&h);
    return heard;
}

static inline void check_http1(enum http1_kind kind, struct str text)
{
    struct heard whole = read_http1(kind, text, 0);

    for (size_t cut = 1; cut <= text.len; cut += 1 + text.len / 16) {
        struct heard parts = read_http1(kind, text, cut);

        if (parts.sum != whole.sum || parts.wrong != whole.wrong ||
            parts.messages != whole.messages)
            abort();
    }
}
