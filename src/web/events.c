/* SPDX-License-Identifier: Apache-2.0 */
/* What happens, as server-sent events. */
#include "web/events.h"

#include <stdlib.h>

#include "dialect/dialect.h"
#include "net/timer.h"
#include "web/live.h"
#include "web/requests.h"

enum { LOOK_AGAIN_MS = 500, QUIET_MS = 15000, EVENTS_MAX = 32 << 20, REFUSAL_MAX = 4096 };

/* One who watches. */
struct viewer {
    struct gateway *gateway;
    struct live *live;
    struct loop *loop;
    struct stream *stream;
    struct timer timer;
    uint64_t versions[TOPIC_COUNT], request_change;
    uint64_t sent_ms;
    bool is_full; /* it takes nothing: wait for on_writable */
    struct buf out;
};

static void *begin(const struct stream_request *r);
static void refuse(const struct stream_request *r);
static void on_writable(void *visit);
static void on_drain(void *visit);
static void on_gone(void *visit);
static void on_due(void *ctx);
static int gather(struct viewer *v);
static void add_request(void *ctx, const struct recent_row *row);
static void send(struct viewer *v);

const struct streamer events_streamer = {
    .begin = begin,
    .on_writable = on_writable,
    .on_drain = on_drain,
    .on_gone = on_gone,
};

static void *begin(const struct stream_request *r)
{
    static const struct header headers[] = {{{"content-type", 12}, {"text/event-stream", 17}},
                                            {{"cache-control", 13}, {"no-store", 8}},
                                            {{"x-accel-buffering", 17}, {"no", 2}}};
    struct viewer *v;

    if (!live_join(r->ctx, gateway_settings(r->gateway)->viewers_max)) {
        refuse(r);
        return NULL;
    }
    v = calloc(1, sizeof *v);
    if (!v || stream_start(r->stream, 200, headers, COUNT_OF(headers), -1) < 0) {
        live_leave(r->ctx);
        free(v);
        stream_end(r->stream, false);
        return NULL;
    }
    *v = (struct viewer){
        .gateway = r->gateway, .live = r->ctx, .loop = r->loop, .stream = r->stream};
    buf_init(&v->out, EVENTS_MAX);
    timer_start(&v->timer, v->loop, 1, on_due, v);
    return v;
}

/* Each of them is shown everything anew: together they would take the time of who asks. */
static void refuse(const struct stream_request *r)
{
    static const struct header json = {{"content-type", 12}, {"application/json", 16}};
    struct str name = str_from(failure_row(FAILURE_out_of_room)->name);
    struct buf body;

    series_add(stats_series(gateway_stats(r->gateway), COUNTER_refusals_total, &name), 1);
    buf_init(&body, REFUSAL_MAX);
    if (dialect_get(DIALECT_openai)
            ->write_failure(&body, FAILURE_out_of_room,
                            STR("as many as gateway.viewers_max follow what happens already; "
                                "close one of them, or raise it"),
                            false) < 0)
        buf_reset(&body);
    if (stream_answer(r->stream, failure_row(FAILURE_out_of_room)->status, &json, 1,
                      buf_str(&body)) < 0)
        stream_end(r->stream, false);
    buf_fini(&body);
}

static void on_writable(void *visit)
{
    ((struct viewer *)visit)->is_full = false;
}

static void on_drain(void *visit)
{
    struct viewer *v = visit;

    timer_stop(&v->timer);
    stream_end(v->stream, true);
}

static void on_gone(void *visit)
{
    struct viewer *v = visit;

    timer_stop(&v->timer);
    live_leave(v->live);
    buf_fini(&v->out);
    free(v);
}

static void on_due(void *ctx)
{
    struct viewer *v = ctx;

    timer_start(&v->timer, v->loop, LOOK_AGAIN_MS, on_due, v);
    if (v->is_full)
        return;
    /* Without memory for it, it is tried again in its turn. */
    if (gather(v) == 0)
        send(v);
    buf_reset(&v->out);
}

/* What is new since the last time. Silence now and then shows who has left without a word. */
static int gather(struct viewer *v)
{
    struct json_out o = {.out = &v->out};
    int r = live_look(v->live, v->gateway);

    for (int topic = 0; topic < TOPIC_COUNT && r == 0; topic++)
        r = live_put(v->live, (enum topic)topic, &v->versions[topic], &v->out);
    if (r == 0) {
        uint64_t change =
            recent_since(gateway_recent(v->gateway), v->request_change, add_request, &o);

        r = o.error;
        v->request_change = r == 0 ? change : v->request_change;
    }
    if (r == 0 && !v->out.len && loop_now_ms(v->loop) - v->sent_ms >= QUIET_MS)
        r = buf_put(&v->out, STR(":\n\n"));
    return r;
}

/* JSON between words that are none: no comma stands before either. */
static void add_request(void *ctx, const struct recent_row *row)
{
    struct json_out *o = ctx;

    o->comma = false;
    json_raw(o, STR("event: request\ndata: "));
    o->comma = false;
    request_write(o, row);
    o->comma = false;
    json_raw(o, STR("\n\n"));
}

static void send(struct viewer *v)
{
    struct str text = buf_str(&v->out);

    if (!text.len)
        return;
    v->sent_ms = loop_now_ms(v->loop);
    v->is_full = stream_send(v->stream, &text, 1) < 0;
}
