/* SPDX-License-Identifier: Apache-2.0 */
/* A stream that was handed over to a module. */
#include "gateway/handed.h"

#include <stdlib.h>

#include "gateway/endpoints.h"
#include "gateway/exchange.h"

struct handed {
    enum visit kind; /* VISIT_stream; first */
    struct link link;
    const struct streamer *streamer;
    void *visit; /* the streamer's; NULL: it was answered at once */
};

struct handed *handed_new(struct worker *w, struct stream *s, const struct request *r,
                          enum endpoint_id id)
{
    const struct pages *pages = &w->gateway->pages;
    struct handed *h = calloc(1, sizeof *h);
    struct stream_request request = {
        .gateway = w->gateway,
        .scene = w->scene,
        .request = r,
        .rest = endpoint_rest(id, r->path),
        .loop = w->loop,
        .client = w->client,
        .stream = s,
        .ctx = pages->ctx[id],
    };

    if (!h)
        return NULL;
    *h = (struct handed){.kind = VISIT_stream, .streamer = pages->streamers[id]};
    link_append(&w->handed, &h->link);
    h->visit = h->streamer->begin(&request);
    return h;
}

void handed_on_body(struct handed *h, struct str chunk)
{
    if (h->visit && h->streamer->on_body)
        h->streamer->on_body(h->visit, chunk);
}

void handed_on_body_end(struct handed *h)
{
    if (h->visit && h->streamer->on_body_end)
        h->streamer->on_body_end(h->visit);
}

void handed_on_writable(struct handed *h)
{
    if (h->visit)
        h->streamer->on_writable(h->visit);
}

void handed_on_gone(struct handed *h)
{
    if (h->visit)
        h->streamer->on_gone(h->visit);
    link_remove(&h->link);
    free(h);
}

void handed_drain(struct worker *w)
{
    for (struct link *at = w->handed.next, *next; at != &w->handed; at = next) {
        struct handed *h = CONTAINER(at, struct handed, link);

        next = at->next;
        if (h->visit && h->streamer->on_drain)
            h->streamer->on_drain(h->visit);
    }
}

void handed_leave(struct worker *w)
{
    const struct pages *pages = &w->gateway->pages;

    for (int id = 0; id < ENDPOINT_COUNT; id++)
        if (pages->streamers[id] && pages->streamers[id]->on_leave)
            pages->streamers[id]->on_leave(pages->ctx[id], w->loop);
}
