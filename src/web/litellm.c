/* SPDX-License-Identifier: Apache-2.0 */
/* In the shapes of a LiteLLM proxy. */
#include "web/litellm.h"

#include <errno.h>
#include <stdlib.h>

#include "base/units.h"
#include "dialect/dialect.h"
#include "gateway/scene.h"
#include "gateway/tariff.h"
#include "net/clock.h"
#include "net/loop.h"
#include "store/keyring.h"
#include "web/names.h"
#include "web/reading.h"
#include "web/virtual_key.h"
#include "wire/url.h"

enum { BODY_MAX = 64 << 10, ANSWER_MAX = 16 << 20, WORD_MAX = 256, LOGS_MAX = 1000 };

/* One who asks. The thread has everything but stream until it has posted. */
struct desk {
    struct gateway *gateway;
    struct loop *loop;
    struct stream *stream; /* NULL: it is gone */
    int (*work)(struct desk *d, struct store *s);
    struct buf body, query, out;
    struct json_out json;
    struct str wanted_id, wanted_key; /* of a row; empty: any */
    bool is_reading;                  /* on_done() is still to come */
    int error;                        /* negative: that is what err is about */
    struct err err;
};

struct spent {
    struct str key_id;
    uint64_t *micro;
};

static struct desk *open_desk(const struct stream_request *r,
                              int (*work)(struct desk *d, struct store *s));
static void *begin_generate(const struct stream_request *r);
static void *begin_info(const struct stream_request *r);
static void *begin_logs(const struct stream_request *r);
static void on_body(void *visit, struct str chunk);
static void start(void *visit);
static void run(void *ctx);
static int generate(struct desk *d, struct store *s);
static int info(struct desk *d, struct store *s);
static int logs(struct desk *d, struct store *s);
static usage_fn add_spent;
static exchange_fn write_log;
static void on_done(void *ctx);
static void on_gone(void *visit);
static void close_desk(struct desk *d);
static void answer(struct stream *s, int status, struct str body);
static page_fn model_info;
static int add_model(void *ctx, struct str name, const char *what, const struct candidates *found);

static const struct streamer key_generate = {.begin = begin_generate,
                                             .on_body = on_body,
                                             .on_body_end = start,
                                             .on_gone = on_gone,
                                             .on_leave = reading_leave};
static const struct streamer key_info = {
    .begin = begin_info, .on_gone = on_gone, .on_leave = reading_leave};
static const struct streamer spend_logs = {
    .begin = begin_logs, .on_gone = on_gone, .on_leave = reading_leave};

void litellm_pages(struct pages *pages)
{
    pages->streamers[ENDPOINT_litellm_key_generate] = &key_generate;
    pages->streamers[ENDPOINT_litellm_key_info] = &key_info;
    pages->streamers[ENDPOINT_litellm_spend_logs] = &spend_logs;
    pages->fns[ENDPOINT_litellm_models] = model_info;
    pages->fns[ENDPOINT_litellm_models_v1] = model_info;
}

static struct desk *open_desk(const struct stream_request *r,
                              int (*work)(struct desk *d, struct store *s))
{
    struct desk *d = calloc(1, sizeof *d);

    if (!d) {
        answer(r->stream, 503, STR("{}"));
        return NULL;
    }
    *d = (struct desk){.gateway = r->gateway, .loop = r->loop, .stream = r->stream, .work = work};
    buf_init(&d->body, BODY_MAX);
    buf_init(&d->query, BODY_MAX);
    buf_init(&d->out, ANSWER_MAX);
    d->json.out = &d->out;
    if (buf_put(&d->query, r->request->query) < 0)
        d->error = err_set(&d->err, -EMSGSIZE, "the query is too long");
    return d;
}

static void *begin_generate(const struct stream_request *r)
{
    return open_desk(r, generate);
}

static void *begin_info(const struct stream_request *r)
{
    struct desk *d = open_desk(r, info);

    if (d)
        start(d);
    return d;
}

static void *begin_logs(const struct stream_request *r)
{
    struct desk *d = open_desk(r, logs);

    if (d)
        start(d);
    return d;
}

static void on_body(void *visit, struct str chunk)
{
    struct desk *d = visit;

    if (buf_put(&d->body, chunk) < 0)
        d->error = err_set(&d->err, -EMSGSIZE, "the body is too long");
}

static void start(void *visit)
{
    struct desk *d = visit;

    d->is_reading = reading_start(d->loop, run, d) == 0;
    if (!d->is_reading)
        answer(d->stream, 503, STR("{}"));
}

static void run(void *ctx)
{
    struct desk *d = ctx;
    AUTO(store) s = NULL;

    if (d->error == 0)
        d->error = store_open(&s, gateway_store_url(d->gateway), &d->err);
    if (d->error == 0)
        d->error = d->work(d, s);
    (void)!loop_post(d->loop, on_done, d);
}

static int generate(struct desk *d, struct store *s)
{
    char text[KEY_TEXT_MAX];
    struct virtual_key made = {0};
    struct key_row row = {.role = KEY_caller, .created_us = clock_wall_us()};
    unsigned char pepper[32];
    int r = virtual_key_read(&made, buf_str(&d->body), row.created_us, &d->err);

    row.name = made.alias;
    row.owner = made.owner;
    row.rules = buf_str(&made.rules_text);
    row.expires_us = made.expires_us;
    if (r == 0)
        r = store_pepper(s, pepper, &d->err);
    if (r == 0)
        r = key_make(text, &row, pepper, &d->err);
    if (r == 0)
        r = store_key_put(s, &row, &d->err);
    if (r == 0) {
        json_open(&d->json, '{');
        json_text(json_key(&d->json, "key"), str_from(text));
        virtual_key_write(&d->json, &row, &made.rules, 0);
        json_close(&d->json, '}');
        r = d->json.error;
    }
    virtual_key_fini(&made);
    return r;
}

/* By the key itself, or by its id: who has a script with a key in it need not change it. */
static int info(struct desk *d, struct store *s)
{
    const struct key_entry *entry = NULL;
    struct usage_query query = {.until_us = INT64_MAX, .by = USAGE_by_key};
    struct keyring *ring = NULL;
    struct buf key;
    uint64_t spent_micro = 0;
    int r = keyring_load(&ring, s, &d->err);

    buf_init(&key, WORD_MAX);
    if (r == 0 && url_find(&key, buf_str(&d->query), "key") < 0)
        r = err_set(&d->err, -EINVAL, "expected ?key= and a key or its id");
    if (r == 0 && keyring_find(ring, buf_str(&key), clock_wall_us(), &entry) != KEY_ok &&
        !(entry = keyring_by_id(ring, buf_str(&key))))
        r = err_set(&d->err, -ENOENT, "there is no such key");
    if (r == 0) {
        struct spent spent = {str_from(entry->row.id), &spent_micro};

        r = store_usage(s, &query, add_spent, &spent, &d->err);
    }
    if (r == 0) {
        json_open(&d->json, '{');
        json_text(json_key(&d->json, "key"), str_from(entry->row.id));
        json_open(json_key(&d->json, "info"), '{');
        virtual_key_write(&d->json, &entry->row, &entry->rules, spent_micro);
        json_close(&d->json, '}');
        json_close(&d->json, '}');
        r = d->json.error;
    }
    buf_fini(&key);
    keyring_unref(ring);
    return r;
}

static int add_spent(void *ctx, const struct usage_row *row)
{
    const struct spent *spent = ctx;

    if (str_equal(row->key_id, spent->key_id))
        *spent->micro += row->money_micro;
    return 0;
}

/* The newest, as far as rows are kept; sums are for /admin/v1/usage. */
static int logs(struct desk *d, struct store *s)
{
    static const char *const sums[] = {"start_date", "end_date", "user_id"};
    struct buf words;
    int r = 0;

    buf_init(&words, 2 * WORD_MAX);
    for (size_t i = 0; i < COUNT_OF(sums) && r == 0; i++)
        if (url_find(&words, buf_str(&d->query), sums[i]) == 0)
            r = err_set(&d->err, -EINVAL, "%s: sums are at /admin/v1/usage?by=day,key", sums[i]);
    if (r == 0 && url_find(&words, buf_str(&d->query), "request_id") == 0)
        d->wanted_id = buf_str(&words);
    json_open(&d->json, '[');
    if (r == 0 && d->wanted_id.len) {
        r = store_exchange_find(s, d->wanted_id, write_log, d, &d->err);
        r = r == -ENOENT ? 0 : r;
    } else if (r == 0) {
        if (url_find(&words, buf_str(&d->query), "api_key") == 0)
            d->wanted_key = buf_str(&words);
        r = store_exchange_last(s, LOGS_MAX, write_log, d, &d->err);
    }
    json_close(&d->json, ']');
    buf_fini(&words);
    return r == 0 ? d->json.error : r;
}

static int write_log(void *ctx, const struct exchange_row *row)
{
    struct desk *d = ctx;

    if (!d->wanted_key.len || str_equal(row->key_id, d->wanted_key))
        litellm_log_write(&d->json, row);
    return d->json.error;
}

static void on_done(void *ctx)
{
    struct desk *d = ctx;
    enum failure why = d->error == -EINVAL || d->error == -EMSGSIZE ? FAILURE_bad_request
                       : d->error == -ENOENT                        ? FAILURE_no_such_endpoint
                                                                    : FAILURE_out_of_room;
    struct buf words;

    d->is_reading = false;
    if (!d->stream) {
        close_desk(d);
        return;
    }
    buf_init(&words, 4096);
    if (d->error < 0)
        (void)!dialect_get(DIALECT_openai)
            ->write_failure(&words, why, str_from(d->err.text), false);
    answer(d->stream, d->error < 0 ? failure_row(why)->status : 200,
           d->error < 0 ? buf_str(&words) : buf_str(&d->out));
    buf_fini(&words);
}

/* What the thread posts frees it, unless that has come already. */
static void on_gone(void *visit)
{
    struct desk *d = visit;

    d->stream = NULL;
    if (!d->is_reading)
        close_desk(d);
}

static void close_desk(struct desk *d)
{
    buf_fini(&d->body);
    buf_fini(&d->query);
    buf_fini(&d->out);
    free(d);
}

static void answer(struct stream *s, int status, struct str body)
{
    static const struct header json = {{"content-type", 12}, {"application/json", 16}};

    if (stream_answer(s, status, &json, 1, body) < 0)
        stream_end(s, false);
}

static int model_info(const struct page_request *r, struct buf *out, const char **type)
{
    struct json_out o = {.out = out};

    (void)type;
    json_open(&o, '{');
    json_open(json_key(&o, "data"), '[');
    if (names_each(r, add_model, &o) < 0)
        return 500;
    json_close(&o, ']');
    json_close(&o, '}');
    return o.error ? 500 : 200;
}

/* A deployment for each copy that a name stands for, as LiteLLM lists its groups. */
static int add_model(void *ctx, struct str name, const char *what, const struct candidates *found)
{
    struct json_out *o = ctx;

    (void)what;
    for (uint32_t i = 0; i < found->count; i++) {
        const struct copy *copy = found->rows[i].copy;
        const struct price price = tariff_price(copy);

        litellm_model_write(o, name, copy, &price);
    }
    return o->error;
}
