/* SPDX-License-Identifier: Apache-2.0 */
/* Videos that are being made somewhere. */
#include "gateway/video.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

#include "dialect/openai_video.h"
#include "gateway/course.h"
#include "gateway/endpoints.h"
#include "gateway/worker.h"
#include "wire/base64.h"
#include "wire/url.h"

enum { SEAL_SIZE = 16, SEALED_MAX = 4096, HASH_SIZE = 32 };

/* What an id says, behind its seal: lines in this order. */
struct video {
    struct str place, job, model, size, seconds, created;
};

static int write_id(struct exchange *x, const struct video *v, struct buf *out);
static int read_id(struct exchange *x, struct str id, struct video *ret);
static int seal(const struct exchange *x, struct str text, unsigned char ret[SEAL_SIZE]);
static void to_url(char *text, size_t length, bool back);
static int write_object(struct exchange *x, const struct video *v, struct buf *out);
static bool is_sd(const struct exchange *x);
static struct str asked_id(const struct exchange *x);

#define PREFIX "video_"

bool video_is_asked_about(enum task task)
{
    return task == TASK_film_state || task == TASK_film_file;
}

enum failure video_find(struct exchange *x, struct err *err)
{
    struct video v;
    struct str id = asked_id(x);

    if (read_id(x, id, &v) < 0) {
        err_set(err, -ENOENT, "ask with the key that asked for it");
        return FAILURE_unknown_video;
    }
    x->ask.model = v.model;
    for (uint32_t i = 0; i < x->scene->view->copies_count; i++) {
        const struct scene_copy *sc = &x->scene->copies[i];

        if (str_equal(sc->place->name, v.place) && sc->engine->is_reachable)
            return course_set(x, i, x->scene->view->copies[i].name);
    }
    err_set(err, -ENOENT, "%.*s, which makes it, is not in the fleet file any more",
            STR_ARG(v.place));
    return FAILURE_no_candidate;
}

/* What stands in the path, up to the next slash. */
static struct str asked_id(const struct exchange *x)
{
    struct str behind;

    return str_cut(endpoint_rest(x->endpoint, x->request->path), '/', &behind);
}

static bool is_sd(const struct exchange *x)
{
    const struct fleet_engine *engine = x->attempt.copy->engine;

    return engine && engine->kind == ENGINE_sd_server;
}

int video_write_target(struct exchange *x, struct buf *out)
{
    const char *front = is_sd(x) ? "/sdcpp/v1/jobs/" : "/v1/videos/";
    struct video v;
    int r;

    buf_reset(out);
    if (x->task == TASK_film)
        return buf_put(out, is_sd(x) ? STR("/sdcpp/v1/vid_gen") : STR("/v1/videos"));
    if (read_id(x, asked_id(x), &v) < 0)
        return -ENOMEM; /* it was read before */
    r = buf_put(out, str_from(front));
    if (r == 0)
        r = url_encode(out, v.job);
    if (r == 0 && x->task == TASK_film_file && !is_sd(x))
        r = buf_put(out, STR("/content"));
    return r;
}

bool video_has_body(const struct exchange *x)
{
    return video_is_asked_about(x->task) || (x->task == TASK_film && is_sd(x));
}

enum failure video_write_body(struct exchange *x, size_t *count)
{
    struct attempt *a = &x->attempt;
    struct err err = {0};
    int r;

    *count = 0;
    if (video_is_asked_about(x->task))
        return FAILURE_none;
    r = video_write_job(&a->request, &x->ask, &err);
    if (r == -ENOTSUP) {
        exchange_fail(x, FAILURE_unsupported, str_from(err.text));
        return x->why;
    }
    a->pieces[(*count)++] = buf_str(&a->request);
    return r < 0 ? FAILURE_out_of_room : FAILURE_none;
}

enum failure video_answer(struct exchange *x)
{
    struct attempt *a = &x->attempt;
    struct str type = {0};
    struct video v = {0};
    struct buf out;
    int r;

    if (x->task == TASK_film_file && !is_sd(x))
        return FAILURE_none;
    buf_init(&out, x->out.max);
    if (x->task == TASK_film_file) {
        r = video_take_file(&out, &type, buf_str(&x->out), &x->arena);
        a->type = type;
    } else if (x->task == TASK_film_state) {
        r = read_id(x, asked_id(x), &v);
        r = r < 0 ? r : write_object(x, &v, &out);
    } else {
        r = write_object(x, &v, &out);
    }
    if (r < 0) {
        buf_fini(&out);
        return r == -EAGAIN    ? FAILURE_video_not_made
               : r == -EBADMSG ? FAILURE_upstream_garbage
                               : FAILURE_out_of_room;
    }
    buf_fini(&x->out);
    x->out = out;
    return FAILURE_none;
}

/* v is empty for one that was asked for just now: then its id is made. */
static int write_object(struct exchange *x, const struct video *v, struct buf *out)
{
    struct video_facts facts = {.model = v->model, .size = v->size, .created_s = 0};
    struct video made = *v;
    uint64_t created = 0;
    struct buf id;
    char numbers[2][24];
    int r = 0;

    buf_init(&id, SEALED_MAX * 2);
    if (v->job.len) {
        facts.id = asked_id(x);
        r = str_to_u64(&facts.seconds, v->seconds) < 0 || str_to_u64(&created, v->created) < 0
                ? -EBADMSG
                : 0;
        facts.created_s = (int64_t)created;
    } else {
        video_read_wish(&facts, &x->ask);
        facts.model = made.model = x->ask.model;
        facts.created_s = x->created_us / 1000000;
        snprintf(numbers[0], sizeof numbers[0], "%u", (unsigned)facts.seconds);
        snprintf(numbers[1], sizeof numbers[1], "%lld", (long long)facts.created_s);
        made.place = x->scene->copies[x->attempt.copy->index].place->name;
        made.size = facts.size;
        made.seconds = str_from(numbers[0]);
        made.created = str_from(numbers[1]);
        r = video_read_job(&made.job, buf_str(&x->out), &x->arena);
        if (r == 0)
            r = write_id(x, &made, &id);
        facts.id = buf_str(&id);
    }
    if (r == 0)
        r = video_write_state(out, &facts, buf_str(&x->out));
    buf_fini(&id);
    return r;
}

static int write_id(struct exchange *x, const struct video *v, struct buf *out)
{
    unsigned char mac[SEAL_SIZE];
    struct buf text, sealed;
    int r;

    buf_init(&text, SEALED_MAX);
    buf_init(&sealed, SEALED_MAX + SEAL_SIZE);
    r = buf_printf(&text, "%.*s\n%.*s\n%.*s\n%.*s\n%.*s\n%.*s", STR_ARG(v->place), STR_ARG(v->job),
                   STR_ARG(v->model), STR_ARG(v->size), STR_ARG(v->seconds), STR_ARG(v->created));
    if (r == 0)
        r = seal(x, buf_str(&text), mac);
    if (r == 0)
        r = buf_put(&sealed, str_slice((const char *)mac, SEAL_SIZE));
    if (r == 0)
        r = buf_put(&sealed, buf_str(&text));
    if (r == 0)
        r = buf_put(out, STR(PREFIX));
    if (r == 0)
        r = base64_put(out, buf_str(&sealed));
    if (r == 0)
        to_url(out->data, out->len, false);
    buf_fini(&text);
    buf_fini(&sealed);
    return r;
}

/* -ENOENT: no id of ours, or not this caller's. The slices live in the arena. */
static int read_id(struct exchange *x, struct str id, struct video *ret)
{
    unsigned char mac[SEAL_SIZE];
    struct str text, copy = arena_str(&x->arena, id), rest;
    struct buf sealed;
    int r = -ENOENT;

    if (!copy.data || !str_starts(id, STR(PREFIX)) || id.len > 2 * SEALED_MAX)
        return -ENOENT;
    to_url((char *)copy.data, copy.len, true);
    copy = str_slice(copy.data + strlen(PREFIX), copy.len - strlen(PREFIX));
    buf_init(&sealed, 2 * SEALED_MAX);
    if (base64_take(&sealed, copy) == 0 && sealed.len > SEAL_SIZE) {
        text = str_slice(sealed.data + SEAL_SIZE, sealed.len - SEAL_SIZE);
        if (seal(x, text, mac) == 0 && CRYPTO_memcmp(mac, sealed.data, SEAL_SIZE) == 0) {
            rest = arena_str(&x->arena, text);
            ret->place = str_cut(rest, '\n', &rest);
            ret->job = str_cut(rest, '\n', &rest);
            ret->model = str_cut(rest, '\n', &rest);
            ret->size = str_cut(rest, '\n', &rest);
            ret->seconds = str_cut(rest, '\n', &rest);
            ret->created = rest;
            r = ret->job.len ? 0 : -ENOENT;
        }
    }
    buf_fini(&sealed);
    return r;
}

/* Under the store's own secret, for the caller's key. */
static int seal(const struct exchange *x, struct str text, unsigned char ret[SEAL_SIZE])
{
    unsigned char hash[HASH_SIZE];
    unsigned length = sizeof hash;
    struct buf all;
    int r;

    buf_init(&all, SEALED_MAX + 64);
    r = buf_printf(&all, "video\n%s\n", x->key_id);
    if (r == 0)
        r = buf_put(&all, text);
    if (r == 0 && !HMAC(EVP_sha256(), x->worker->gateway->secret, HASH_SIZE,
                        (const unsigned char *)all.data, all.len, hash, &length))
        r = -ENOMEM;
    if (r == 0)
        memcpy(ret, hash, SEAL_SIZE);
    buf_fini(&all);
    return r;
}

/* Base64 for paths (RFC 4648 5), padding as '.'. */
static void to_url(char *text, size_t length, bool back)
{
    static const char plain[] = "+/=", path[] = "-~.";
    const char *from = back ? path : plain, *to = back ? plain : path;

    for (size_t i = strlen(PREFIX); i < length; i++) {
        const char *at = memchr(from, text[i], 3);

        if (at)
            text[i] = to[at - from];
    }
}
