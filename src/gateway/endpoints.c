/* SPDX-License-Identifier: Apache-2.0 */
/* Which endpoint a request means, and what answers it. */
#include "gateway/endpoints.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/account.h"
#include "gateway/admission.h"
#include "gateway/exchange.h"
#include "gateway/handed.h"
#include "gateway/tailnet.h"
#include "gateway/worker.h"
#include "net/clock.h"
#include "wire/multipart.h"

enum { PAGE_BODY_MAX = 64 << 10, PAGE_ANSWER_MAX = 64 << 20 };

struct page_visit {
    enum visit visit; /* VISIT_page; first */
    struct worker *worker;
    struct stream *stream;
    const struct request *request;
    enum endpoint_id id;
    struct keyring *ring;        /* as it was when the request came */
    struct scene *scene;         /* likewise */
    const struct key_entry *key; /* the caller's in either; NULL: none was needed */
    struct buf body;
};

static const struct endpoint_row {
    enum method method;
    const char *path;
    const char *name;
    enum visit visit;
    enum who who;
    enum dialect_id dialect;
    enum task task;
} rows[ENDPOINT_COUNT] = {
#define CALL(method, path, name, dialect, task, words) \
    [ENDPOINT_##name] = {METHOD_##method,   path,       #name, VISIT_call, WHO_caller, \
                         DIALECT_##dialect, TASK_##task},
#define PAGE(method, path, name, dialect, who, words) \
    [ENDPOINT_##name] = {METHOD_##method,   path,     #name, VISIT_page, WHO_##who, \
                         DIALECT_##dialect, TASK_chat},
#define STREAM(method, path, name, dialect, who, words) \
    [ENDPOINT_##name] = {METHOD_##method,   path,     #name, VISIT_stream, WHO_##who, \
                         DIALECT_##dialect, TASK_chat},
#include "tables/endpoints.def"
};

static void on_large_body(void *ctx, const struct request *r, struct body_limits *limits);
static enum body_kind body_of(const struct endpoint_row *row);
static void on_request(void *ctx, struct stream *s, const struct request *r);
static void on_tailnet_request(void *ctx, struct stream *s, const struct request *r);
static void on_drill_request(void *ctx, struct stream *s, const struct request *r);
static void serve(struct worker *w, struct stream *s, const struct request *r, bool is_tailnet);
static struct admission admit(const struct worker *w, const struct endpoint_row *row,
                              const struct request *r, bool is_tailnet);
static bool is_our_drill(const struct worker *w, const struct request *r);
static bool may_speak(const struct key_entry *key, const struct endpoint_row *row);
static void on_body(struct stream *s, struct str chunk);
static void on_body_end(struct stream *s);
static void on_writable(struct stream *s);
static void on_gone(struct stream *s, bool ok);
static size_t error_body(void *ctx, struct str path, int status, const char *words, char *out,
                         size_t room);
static void refuse(struct stream *s, enum dialect_id dialect, enum failure why, const char *found);
static void refuse_row(struct worker *w, struct stream *s, const struct endpoint_row *row,
                       enum failure why, const char *found);
static enum failure failure_of_http(int status);
static void start_page(struct worker *w, struct stream *s, const struct request *r,
                       enum endpoint_id id, const struct key_entry *key);
static void answer_page(struct page_visit *v);
static struct str caller_of(const struct key_entry *key);
static void hand_over(struct worker *w, struct stream *s, const struct request *r,
                      enum endpoint_id id);
static enum dialect_id dialect_near(struct str path);
static bool is_match(const struct endpoint_row *row, struct str path);

const struct server_events endpoints_events = {
    .on_large_body = on_large_body,
    .on_request = on_request,
    .on_body = on_body,
    .on_body_end = on_body_end,
    .on_writable = on_writable,
    .on_gone = on_gone,
    .error_body = error_body,
};

const struct server_events endpoints_tailnet = {
    .on_large_body = on_large_body,
    .on_request = on_tailnet_request,
    .on_body = on_body,
    .on_body_end = on_body_end,
    .on_writable = on_writable,
    .on_gone = on_gone,
    .error_body = error_body,
};

const struct server_events endpoints_drills = {
    .on_large_body = on_large_body,
    .on_request = on_drill_request,
    .on_body = on_body,
    .on_body_end = on_body_end,
    .on_writable = on_writable,
    .on_gone = on_gone,
    .error_body = error_body,
};

int endpoint_find(enum method method, struct str path)
{
    bool other_method = false;

    if (method == METHOD_HEAD)
        method = METHOD_GET;
    for (int i = 0; i < ENDPOINT_COUNT; i++) {
        if (!is_match(&rows[i], path))
            continue;
        if (rows[i].method == method)
            return i;
        other_method = true;
    }
    return other_method ? -2 : -1;
}

const char *endpoint_call_name(enum endpoint_id id)
{
    return rows[id].visit == VISIT_call ? rows[id].name : NULL;
}

void page_header(const struct page_request *r, struct str name, struct str value)
{
    assert(r->headers->count < PAGE_HEADERS_MAX);
    r->headers->rows[r->headers->count++] = (struct header){name, value};
}

/* Forms hold files: they may be larger than what is kept in memory, and take longer to come. */
static void on_large_body(void *ctx, const struct request *r, struct body_limits *limits)
{
    const struct worker *w = ctx;
    int id = endpoint_find(r->method, r->path);

    if (id < 0 || body_of(&rows[id]) == BODY_json ||
        !multipart_is_form(request_header(r, STR("content-type"))))
        return;
    limits->bytes = UINT64_MAX; /* gateway/upload has the ceiling */
    limits->timeout_ms = (uint32_t)w->gateway->settings->upload_timeout_ms;
}

static enum body_kind body_of(const struct endpoint_row *row)
{
    static const enum body_kind bodies[TASK_COUNT] = {
#define TASK(id, capability, answer, body, words) [TASK_##id] = BODY_##body,
#include "tables/tasks.def"
    };

    return row->visit == VISIT_call ? bodies[row->task] : BODY_json;
}

static void on_request(void *ctx, struct stream *s, const struct request *r)
{
    serve(ctx, s, r, false);
}

static void on_tailnet_request(void *ctx, struct stream *s, const struct request *r)
{
    serve(ctx, s, r, true);
}

static void serve(struct worker *w, struct stream *s, const struct request *r, bool is_tailnet)
{
    int id = endpoint_find(r->method, r->path);
    const struct endpoint_row *row = id >= 0 ? &rows[id] : NULL;
    struct admission admission;
    enum failure why;

    if (!row) {
        why = id == -2 ? FAILURE_wrong_method : FAILURE_no_such_endpoint;
        account_refusal(w, why);
        refuse(s, dialect_near(r->path), why, "");
        return;
    }
    if (w->stopping) {
        refuse_row(w, s, row, FAILURE_shutting_down, "");
        return;
    }
    admission = admit(w, row, r, is_tailnet);
    if (admission.why)
        refuse_row(w, s, row, admission.why, admission.found);
    else if (!may_speak(admission.key, row))
        refuse_row(w, s, row, FAILURE_forbidden, "this key may not speak this API");
    else if (row->visit == VISIT_call)
        exchange_start(w, s, r, dialect_get(row->dialect), row->task, (enum endpoint_id)id,
                       admission.key);
    else if (row->visit == VISIT_page)
        start_page(w, s, r, (enum endpoint_id)id, admission.key);
    else
        hand_over(w, s, r, (enum endpoint_id)id);
}

static void on_drill_request(void *ctx, struct stream *s, const struct request *r)
{
    struct worker *w = ctx;
    int id = endpoint_find(r->method, r->path);

    if (id >= 0 && rows[id].visit == VISIT_call && is_our_drill(w, r) && !w->stopping)
        exchange_start(w, s, r, dialect_get(rows[id].dialect), rows[id].task, (enum endpoint_id)id,
                       NULL);
    else
        refuse(s, DIALECT_openai, FAILURE_forbidden, "only the gateway's own drills come here");
}

/* Who counts machines as dead may see what each of them would do: that is for operators. */
static struct admission admit(const struct worker *w, const struct endpoint_row *row,
                              const struct request *r, bool is_tailnet)
{
    const struct settings *settings = w->gateway->settings;
    int64_t now_us = clock_wall_us();
    const struct tailnet_ask ask = {r, &w->scene->tailnet, w->keyring, settings, now_us};
    struct admission a =
        is_tailnet ? tailnet_check(&ask, row->who, body_of(row))
                   : admission_check(r, row->who, body_of(row), w->keyring, settings, now_us);

    if (!a.why && a.key && a.key->row.role != KEY_operator &&
        request_header(r, STR(DRILL_HEADER)).data)
        a = (struct admission){.why = FAILURE_forbidden,
                               .found = DRILL_HEADER " needs an operator's key"};
    return a;
}

/* The token is random and of this process alone; all of it is looked at, whatever differs. */
static bool is_our_drill(const struct worker *w, const struct request *r)
{
    struct str given = request_header(r, STR(DRILL_TOKEN_HEADER));
    const char *token = w->gateway->drill_token;
    unsigned char differs = 0;

    if (given.len != DRILL_TOKEN_SIZE - 1)
        return false;
    for (size_t i = 0; i < given.len; i++)
        differs |= (unsigned char)(given.data[i] ^ token[i]);
    return !differs;
}

static bool may_speak(const struct key_entry *key, const struct endpoint_row *row)
{
    return !key || row->visit != VISIT_call ||
           rules_list_has(key->rules.dialects, str_from(dialect_get(row->dialect)->name));
}

static bool is_match(const struct endpoint_row *row, struct str path)
{
    struct str mine = str_from(row->path), tail, head = str_cut(mine, '*', &tail);

    if (head.len == mine.len)
        return str_equal(path, mine);
    return path.len > head.len + tail.len && str_starts(path, head) && str_ends(path, tail);
}

struct str endpoint_rest(enum endpoint_id id, struct str path)
{
    size_t head = str_index(str_from(rows[id].path), '*');

    return str_slice(path.data + head, path.len - head);
}

/* That of the row whose path has the longest beginning in common with it. */
static enum dialect_id dialect_near(struct str path)
{
    enum dialect_id nearest = DIALECT_openai;
    size_t most = 1;

    for (int i = 0; i < ENDPOINT_COUNT; i++) {
        size_t shared = 0;

        while (shared < path.len && rows[i].path[shared] == path.data[shared])
            shared++;
        if (shared > most) {
            most = shared;
            nearest = rows[i].dialect;
        }
    }
    return nearest;
}

static void on_body(struct stream *s, struct str chunk)
{
    const enum visit *v = stream_ctx(s);

    if (!v)
        return;
    if (*v == VISIT_call)
        exchange_on_body((struct exchange *)v, chunk);
    else if (*v == VISIT_stream)
        handed_on_body((struct handed *)v, chunk);
    else if (buf_put(&((struct page_visit *)v)->body, chunk) < 0)
        refuse_row(((struct page_visit *)v)->worker, s, &rows[((struct page_visit *)v)->id],
                   FAILURE_body_too_large, "");
}

static void on_body_end(struct stream *s)
{
    const enum visit *v = stream_ctx(s);

    if (v && *v == VISIT_call)
        exchange_on_body_end((struct exchange *)v);
    else if (v && *v == VISIT_stream)
        handed_on_body_end((struct handed *)v);
    else if (v)
        answer_page((struct page_visit *)v);
}

static void on_writable(struct stream *s)
{
    const enum visit *v = stream_ctx(s);

    if (v && *v == VISIT_call)
        exchange_on_writable((struct exchange *)v);
    else if (v && *v == VISIT_stream)
        handed_on_writable((struct handed *)v);
}

static void on_gone(struct stream *s, bool ok)
{
    const enum visit *v = stream_ctx(s);

    (void)ok;
    if (v && *v == VISIT_call) {
        exchange_on_gone((struct exchange *)v, failure_of_http(stream_refused(s)));
    } else if (v && *v == VISIT_stream) {
        handed_on_gone((struct handed *)v);
    } else if (v) {
        buf_fini(&((struct page_visit *)v)->body);
        keyring_unref(((struct page_visit *)v)->ring);
        scene_unref(((struct page_visit *)v)->scene);
        free((void *)v);
    }
}

/* Errors that HTTP itself has: the path, if it came so far, says who asks. */
static size_t error_body(void *ctx, struct str path, int status, const char *words, char *out,
                         size_t room)
{
    enum failure why = failure_of_http(status);
    struct buf body;
    size_t length = 0;

    account_refusal(ctx, why);
    buf_init(&body, room);
    if (dialect_get(dialect_near(path))->write_failure(&body, why, str_from(words), false) == 0) {
        memcpy(out, body.data, body.len);
        length = body.len;
    }
    buf_fini(&body);
    return length;
}

static enum failure failure_of_http(int status)
{
    return status == 0     ? FAILURE_none
           : status == 413 ? FAILURE_body_too_large
           : status == 408 ? FAILURE_body_timeout
                           : FAILURE_bad_request;
}

static void refuse(struct stream *s, enum dialect_id dialect, enum failure why, const char *found)
{
    static const struct header json = {{"content-type", 12}, {"application/json", 16}};
    struct buf body;

    buf_init(&body, 4096);
    if (dialect_get(dialect)->write_failure(&body, why, str_from(found), false) < 0)
        buf_reset(&body);
    if (stream_answer(s, failure_row(why)->status, &json, 1, buf_str(&body)) < 0)
        stream_end(s, false);
    buf_fini(&body);
}

static void refuse_row(struct worker *w, struct stream *s, const struct endpoint_row *row,
                       enum failure why, const char *found)
{
    if (row->visit == VISIT_call)
        account_refused_call(w, (enum endpoint_id)(row - rows), why);
    else
        account_refusal(w, why);
    refuse(s, row->dialect, why, found);
}

static void start_page(struct worker *w, struct stream *s, const struct request *r,
                       enum endpoint_id id, const struct key_entry *key)
{
    struct page_visit *v;

    if (!w->gateway->pages.fns[id]) {
        refuse_row(w, s, &rows[id], FAILURE_no_such_endpoint, "");
        return;
    }
    v = calloc(1, sizeof *v);
    if (!v) {
        refuse_row(w, s, &rows[id], FAILURE_out_of_room, "");
        return;
    }
    *v = (struct page_visit){.visit = VISIT_page,
                             .worker = w,
                             .stream = s,
                             .request = r,
                             .id = id,
                             .ring = keyring_ref(w->keyring),
                             .scene = scene_ref(w->scene),
                             .key = key};
    buf_init(&v->body, PAGE_BODY_MAX);
    stream_set_ctx(s, v);
}

static void answer_page(struct page_visit *v)
{
    struct gateway *g = v->worker->gateway;
    const char *type = "application/json";
    struct page_headers headers = {0};
    struct page_request request = {
        .gateway = g,
        .scene = v->scene,
        .request = v->request,
        .rest = endpoint_rest(v->id, v->request->path),
        .body = buf_str(&v->body),
        .ctx = g->pages.ctx[v->id],
        .rules = v->key ? &v->key->rules : NULL,
        .caller = caller_of(v->key),
        .headers = &headers,
    };
    struct buf out;
    int status;

    buf_init(&out, PAGE_ANSWER_MAX);
    status = g->pages.fns[v->id](&request, &out, &type);
    page_header(&request, STR("content-type"), str_from(type));
    if (stream_answer(v->stream, status, headers.rows, headers.count, buf_str(&out)) < 0)
        stream_end(v->stream, false);
    buf_fini(&out);
}

static struct str caller_of(const struct key_entry *key)
{
    if (!key)
        return STR("");
    return key->row.name.len ? key->row.name : str_from(key->row.id);
}

static void hand_over(struct worker *w, struct stream *s, const struct request *r,
                      enum endpoint_id id)
{
    struct handed *h;

    if (!w->gateway->pages.streamers[id]) {
        refuse_row(w, s, &rows[id], FAILURE_no_such_endpoint, "");
        return;
    }
    h = handed_new(w, s, r, id);
    if (h)
        stream_set_ctx(s, h);
    else
        refuse_row(w, s, &rows[id], FAILURE_out_of_room, "");
}
