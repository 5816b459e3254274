/* SPDX-License-Identifier: Apache-2.0 */
/* What was used. */
#include "web/usage.h"

#include <errno.h>
#include <stdlib.h>

#include "dialect/dialect.h"
#include "gateway/ledger.h"
#include "net/loop.h"
#include "store/store.h"
#include "store/usage_json.h"
#include "web/reading.h"
#include "wire/url.h"

enum { ANSWER_MAX = 64 << 20, WORD_MAX = 64 };

/* One who asks. The thread has `out` until it has posted. */
struct asking {
    struct gateway *gateway;
    struct loop *loop;
    struct stream *stream; /* NULL: it is gone */
    struct usage_query query;
    bool is_answered; /* on_done() has been */
    struct buf out;
    struct json_out json;
    struct err err;
    int status;
};

static void *begin(const struct stream_request *r);
static int read_query(struct usage_query *query, struct str text, struct err *err);
static int read_day(int64_t *ret, struct str query, const char *name, struct err *err);
static void sum_up(void *ctx);
static usage_fn add_row;
static void on_done(void *ctx);
static void on_gone(void *visit);
static void answer(struct stream *s, int status, struct str body);

const struct streamer usage_streamer = {
    .begin = begin, .on_gone = on_gone, .on_leave = reading_leave};

static void *begin(const struct stream_request *r)
{
    struct asking *a = calloc(1, sizeof *a);

    if (!a) {
        answer(r->stream, 503, STR("{}"));
        return NULL;
    }
    *a = (struct asking){.gateway = r->gateway, .loop = r->loop, .stream = r->stream};
    buf_init(&a->out, ANSWER_MAX);
    a->json.out = &a->out;
    a->status = read_query(&a->query, r->request->query, &a->err) < 0 ? 400 : 200;
    if (reading_start(a->loop, sum_up, a) == 0)
        return a;
    answer(r->stream, 503, STR("{}"));
    buf_fini(&a->out);
    free(a);
    return NULL;
}

static int read_query(struct usage_query *query, struct str text, struct err *err)
{
    struct buf word;
    int r = 0;

    *query = (struct usage_query){.until_us = INT64_MAX};
    buf_init(&word, WORD_MAX);
    if (url_find(&word, text, "by") == 0)
        r = usage_by_read(&query->by, buf_str(&word), err);
    if (r == 0)
        r = read_day(&query->from_us, text, "from", err);
    if (r == 0)
        r = read_day(&query->until_us, text, "until", err);
    buf_fini(&word);
    return r;
}

/* A day, or microseconds since 1970. */
static int read_day(int64_t *ret, struct str query, const char *name, struct err *err)
{
    struct buf word;
    uint64_t us;
    int r = 0;

    buf_init(&word, WORD_MAX);
    if (url_find(&word, query, name) == 0) {
        if (str_to_u64(&us, buf_str(&word)) == 0 && us <= INT64_MAX)
            *ret = (int64_t)us;
        else if ((r = usage_day_read(ret, buf_str(&word))) < 0)
            err_set(err, r, "%s: expected a day as in 2026-11-23", name);
    }
    buf_fini(&word);
    return r;
}

static void sum_up(void *ctx)
{
    struct asking *a = ctx;
    AUTO(store) s = NULL;

    if (a->status == 200) {
        json_open(&a->json, '{');
        json_open(json_key(&a->json, "rows"), '[');
        if (store_open(&s, gateway_store_url(a->gateway), &a->err) < 0 ||
            store_usage(s, &a->query, add_row, a, &a->err) < 0)
            a->status = 503;
        json_close(&a->json, ']');
        ledger_write(a->gateway, &a->json);
        json_close(&a->json, '}');
    }
    (void)!loop_post(a->loop, on_done, a);
}

static int add_row(void *ctx, const struct usage_row *row)
{
    struct asking *a = ctx;

    usage_row_write(&a->json, row, a->query.by);
    return a->json.error;
}

static void on_done(void *ctx)
{
    struct asking *a = ctx;
    struct buf words;

    a->is_answered = true;
    if (!a->stream) {
        buf_fini(&a->out);
        free(a);
        return;
    }
    buf_init(&words, 4096);
    if (a->status != 200)
        (void)!dialect_get(DIALECT_openai)
            ->write_failure(&words, a->status == 400 ? FAILURE_bad_request : FAILURE_out_of_room,
                            str_from(a->err.text), false);
    answer(a->stream, a->status, a->status == 200 ? buf_str(&a->out) : buf_str(&words));
    buf_fini(&words);
}

/* What the thread posts frees it, unless that has come already. */
static void on_gone(void *visit)
{
    struct asking *a = visit;

    a->stream = NULL;
    if (!a->is_answered)
        return;
    buf_fini(&a->out);
    free(a);
}

static void answer(struct stream *s, int status, struct str body)
{
    static const struct header json = {{"content-type", 12}, {"application/json", 16}};

    if (stream_answer(s, status, &json, 1, body) < 0)
        stream_end(s, false);
}
