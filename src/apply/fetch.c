/* SPDX-License-Identifier: Apache-2.0 */
/* One blob over the WAN: calls, redirects, tries. */
#include "apply/fetch.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/timer.h"

enum {
    CONNECT_TIMEOUT_MS = 10000,
    FIRST_BYTE_TIMEOUT_MS = 30000,
    IDLE_TIMEOUT_MS = 30000,
    BACK_OFF_MS = 250,
    BACK_OFF_MAX_MS = 30000,
    WORDS_ROOM = 256,
};

struct fetch {
    struct fetch_request request;
    fetch_fn *on_end;
    void *ctx;
    char url[FETCH_URL_MAX]; /* as it was asked, without redirects */
    char now[FETCH_URL_MAX]; /* where the call goes */
    struct endpoint endpoint;
    struct call *call;
    struct timer timer; /* until the next try, or until the pace allows more */
    uint64_t at;        /* of the blob: the next byte that is wanted */
    uint64_t skip;      /* bytes of this answer that are here already */
    uint64_t begun_at;  /* where this try began */
    uint64_t until;     /* where it ends: what lies behind may be here already */
    unsigned redirects, fruitless;
    char words[WORDS_ROOM];
};

static loop_fn begin, breathe;
static int aim(struct fetch *f, const char *url, struct err *err);
static void on_head(void *ctx, const struct reply *r);
static void on_body(void *ctx, struct str chunk);
static void on_over(void *ctx);
static void on_fail(void *ctx, enum failure why, const char *words);
static bool is_answer_right(struct fetch *f, const struct reply *r);
static bool read_range(struct str value, uint64_t *from, uint64_t *size);
static void follow(struct fetch *f, const struct reply *r);
static void try_again(struct fetch *f, uint64_t after_ms);
static uint64_t retry_after_ms(const struct reply *r);
static void keep_pace(struct fetch *f, size_t bytes);
static void end(struct fetch *f, int r);
static void say(struct fetch *f, const char *format, ...) PRINTF(2, 3);

static const struct call_events events = {
    .on_head = on_head, .on_body = on_body, .on_end = on_over, .on_fail = on_fail};

int fetch_new(struct fetch **ret, const struct fetch_request *request, fetch_fn *on_end, void *ctx,
              struct err *err)
{
    struct fetch *f;
    int r;

    if (request->url.len >= FETCH_URL_MAX)
        return err_set(err, -EINVAL, "a URL of %zu bytes is too long", request->url.len);
    f = calloc(1, sizeof *f);
    if (!f)
        return err_set(err, -ENOMEM, "out of memory");
    f->request = *request;
    f->on_end = on_end;
    f->ctx = ctx;
    memcpy(f->url, request->url.data, request->url.len);
    r = aim(f, f->url, err);
    if (r == 0 && !blob_claim(request->blob))
        r = err_set(err, -EBUSY, "somebody brings it already");
    if (r < 0) {
        free(f);
        return r;
    }
    *ret = f;
    return 0;
}

void fetch_begin(struct fetch *f)
{
    begin(f);
}

void fetch_cancel(struct fetch *f)
{
    if (f->call)
        call_cancel(f->call);
    timer_stop(&f->timer);
    blob_unclaim(f->request.blob);
    free(f);
}

/* Of "https://host:port/path?query" the endpoint is what stands before the path. */
static int aim(struct fetch *f, const char *url, struct err *err)
{
    const char *host = strstr(url, "://");
    const char *path = host ? strchr(host + 3, '/') : NULL;

    if (!path)
        return err_set(err, -EINVAL, "'%.200s' is no http or https URL of a file", url);
    if (url != f->now)
        snprintf(f->now, sizeof f->now, "%s", url);
    return endpoint_parse(&f->endpoint, str_slice(url, (size_t)(path - url)), err);
}

static void begin(void *ctx)
{
    struct fetch *f = ctx;
    char range[64];
    struct header header = {STR("range"), {0}};
    struct call_request call = {
        .endpoint = &f->endpoint,
        .method = METHOD_GET,
        .target = str_from(strchr(strstr(f->now, "://") + 3, '/')),
        .headers = &header,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .first_byte_timeout_ms = FIRST_BYTE_TIMEOUT_MS,
        .idle_timeout_ms = IDLE_TIMEOUT_MS,
        .is_bulk = true,
    };
    int r;

    f->at = f->begun_at = blob_have(f->request.blob);
    f->skip = 0;
    f->until = blob_gap_end(f->request.blob);
    snprintf(range, sizeof range, "bytes=%llu-", (unsigned long long)f->at);
    if (f->until < blob_size(f->request.blob))
        snprintf(range, sizeof range, "bytes=%llu-%llu", (unsigned long long)f->at,
                 (unsigned long long)f->until - 1);
    header.value = str_from(range);
    call.header_count = f->at || f->until < blob_size(f->request.blob) ? 1 : 0;
    r = call_start(&f->call, f->request.client, &call, &events, f);
    if (r < 0) {
        f->call = NULL;
        say(f, "%s cannot be asked: %s", f->endpoint.host, strerror(-r));
        end(f, r);
    }
}

static void on_head(void *ctx, const struct reply *r)
{
    struct fetch *f = ctx;
    int result;

    if ((r->status == 200 || r->status == 206) && is_answer_right(f, r))
        return;
    call_cancel(TAKE(f->call));
    switch (r->status) {
    case 200:
    case 206:
        end(f, -EMSGSIZE); /* is_answer_right() has said why */
        return;
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
        follow(f, r);
        return;
    case 408:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
        say(f, "%s answers with status %d", f->endpoint.host, r->status);
        try_again(f, retry_after_ms(r));
        return;
    default:
        result = r->status == 404 || r->status == 410 ? -ENOENT : -EACCES;
        say(f, "%s answers with status %d", f->endpoint.host, r->status);
        end(f, result);
    }
}

/* A server that does not know ranges sends all of it: what is here already is passed over. */
static bool is_answer_right(struct fetch *f, const struct reply *r)
{
    uint64_t size = blob_size(f->request.blob), from = 0, total = size;

    if (r->status == 200 && r->content_length >= 0)
        total = (uint64_t)r->content_length;
    if (r->status == 206 && !read_range(reply_header(r, STR("content-range")), &from, &total)) {
        say(f, "%s answers a range without saying which", f->endpoint.host);
        return false;
    }
    f->skip = f->at - from;
    if (total == size && from <= f->at)
        return true;
    say(f, "%s has %llu bytes from %llu on, and %llu from %llu on are wanted", f->endpoint.host,
        (unsigned long long)total, (unsigned long long)from, (unsigned long long)size,
        (unsigned long long)f->at);
    return false;
}

/* "bytes 100-199/1000" */
static bool read_range(struct str value, uint64_t *from, uint64_t *size)
{
    struct str unit, range, total, rest;

    unit = str_cut(str_trim(value), ' ', &rest);
    range = str_cut(rest, '/', &total);
    return str_equal_nocase(unit, STR("bytes")) &&
           str_to_u64(from, str_cut(range, '-', &rest)) == 0 && str_to_u64(size, total) == 0;
}

/* Each try begins at the published URL: what it redirects to may hold for minutes only. */
static void follow(struct fetch *f, const struct reply *r)
{
    struct str location = reply_header(r, STR("location"));
    size_t origin = (size_t)(strchr(strstr(f->now, "://") + 3, '/') - f->now);
    struct err err = {0};
    char next[FETCH_URL_MAX];
    int length;

    if (str_starts(location, STR("/")))
        length = snprintf(next, sizeof next, "%.*s%.*s", (int)origin, f->now, STR_ARG(location));
    else
        length = snprintf(next, sizeof next, "%.*s", STR_ARG(location));
    if (++f->redirects > FETCH_REDIRECTS_MAX || length <= 0 || (size_t)length >= sizeof next) {
        say(f, "%s redirects %s", f->endpoint.host,
            f->redirects > FETCH_REDIRECTS_MAX ? "in a circle" : "to nowhere");
        end(f, -EACCES);
    } else if (aim(f, next, &err) < 0) {
        say(f, "%s redirects: %.150s", f->endpoint.host, err.text);
        end(f, -EACCES);
    } else {
        timer_start(&f->timer, f->request.loop, 0, begin, f);
    }
}

static void on_body(void *ctx, struct str chunk)
{
    struct fetch *f = ctx;
    size_t known = f->skip < chunk.len ? (size_t)f->skip : chunk.len;
    int r;

    f->skip -= known;
    chunk = str_slice(chunk.data + known, chunk.len - known);
    if (chunk.len > f->until - f->at)
        chunk.len = (size_t)(f->until - f->at); /* it does not know ranges */
    if (!chunk.len)
        return;
    /* It came, whatever the disk says; and nobody sees the blob complete before it counts. */
    atomic_fetch_add(f->request.brought, chunk.len);
    r = blob_put(f->request.blob, f->at, chunk);
    if (r < 0) {
        call_cancel(TAKE(f->call));
        say(f, "it cannot be written: %s", strerror(-r));
        end(f, r == -EINVAL ? -EMSGSIZE : r);
        return;
    }
    f->at += chunk.len;
    keep_pace(f, chunk.len);
}

static void on_over(void *ctx)
{
    struct fetch *f = ctx;

    f->call = NULL;
    timer_stop(&f->timer);
    if (blob_have(f->request.blob) == blob_size(f->request.blob)) {
        end(f, 0);
        return;
    }
    if (f->at < f->until)
        say(f, "%s ended its answer too early", f->endpoint.host);
    try_again(f, 0); /* or behind what is here already */
}

static void on_fail(void *ctx, enum failure why, const char *words)
{
    struct fetch *f = ctx;

    f->call = NULL;
    timer_stop(&f->timer);
    say(f, "%s: %s: %s", f->endpoint.host, failure_row(why)->name, words);
    try_again(f, 0);
}

static void try_again(struct fetch *f, uint64_t after_ms)
{
    uint64_t pause_ms = BACK_OFF_MS;
    struct err err = {0};

    f->fruitless = f->at > f->begun_at ? 0 : f->fruitless + 1;
    if (f->fruitless >= FETCH_FRUITLESS_MAX || aim(f, f->url, &err) < 0) {
        end(f, -ETIMEDOUT);
        return;
    }
    f->redirects = 0;
    for (unsigned i = 1; i < f->fruitless; i++)
        pause_ms *= 2;
    if (pause_ms < after_ms)
        pause_ms = after_ms;
    if (pause_ms > BACK_OFF_MAX_MS)
        pause_ms = BACK_OFF_MAX_MS;
    timer_start(&f->timer, f->request.loop, pause_ms, begin, f);
}

static uint64_t retry_after_ms(const struct reply *r)
{
    uint64_t seconds;

    if (str_to_u64(&seconds, str_trim(reply_header(r, STR("retry-after")))) < 0)
        return 0;
    return seconds < BACK_OFF_MAX_MS / 1000 ? seconds * 1000 : BACK_OFF_MAX_MS;
}

static void keep_pace(struct fetch *f, size_t bytes)
{
    uint64_t after_ms = f->request.ceiling ? ceiling_take(f->request.ceiling, bytes) : 0;

    if (!after_ms)
        return;
    call_pause(f->call);
    timer_start(&f->timer, f->request.loop, after_ms, breathe, f);
}

static void breathe(void *ctx)
{
    struct fetch *f = ctx;
    uint64_t after_ms = ceiling_wait(f->request.ceiling);

    if (after_ms)
        timer_start(&f->timer, f->request.loop, after_ms, breathe, f);
    else
        call_resume(f->call);
}

static void end(struct fetch *f, int r)
{
    fetch_fn *on_end = f->on_end;
    void *ctx = f->ctx;
    char words[WORDS_ROOM];

    memcpy(words, f->words, sizeof words);
    blob_unclaim(f->request.blob);
    free(f);
    on_end(ctx, r, r < 0 ? words : "");
}

static void say(struct fetch *f, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(f->words, sizeof f->words, format, args);
    va_end(args);
}
