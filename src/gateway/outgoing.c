/* SPDX-License-Identifier: Apache-2.0 */
/* What an engine is sent. */
#include "gateway/outgoing.h"

#include <errno.h>

#include "config/settings.h"
#include "gateway/resume.h"
#include "gateway/video.h"
#include "gateway/worker.h"
#include "wire/json.h"

static enum failure translate(struct exchange *x, const struct copy_shape *shape);
static int splice(struct exchange *x, const struct copy_shape *shape, size_t *count);
static int note_dropped(struct exchange *x);
static uint64_t most_output(const struct copy *copy);

enum failure outgoing_write(struct exchange *x, size_t *count)
{
    struct attempt *a = &x->attempt;
    struct copy_shape shape = outgoing_shape(x);
    int r;

    if (video_has_body(x))
        return video_write_body(x, count);
    if (x->upload)
        return FAILURE_none; /* aimed when its path is known */
    if (!a->translated) {
        r = splice(x, &shape, count);
        return r < 0 ? outgoing_failure(r) : FAILURE_none;
    }
    *count = 1;
    return translate(x, &shape);
}

/* A translated answer is always asked for as a stream: silence then means that the engine hangs,
 * and not that the answer is long. */
bool outgoing_streams(const struct exchange *x)
{
    return task_has_stream(x->attempt.task) && (x->ask.stream || x->attempt.translated);
}

static enum failure translate(struct exchange *x, const struct copy_shape *shape)
{
    struct attempt *a = &x->attempt;
    struct err err = {0};
    int r = x->chat ? 0 : outgoing_read_chat(x, &err);
    struct chat *chat = r == 0 && resume_is_on(x) ? resume_chat(x) : x->chat;

    if (r == 0 && !chat)
        r = -ENOMEM;
    if (r == 0) {
        chat->dropped_count = x->drops; /* without what another engine could not be told */
        a->task = chat->task;
        r = a->dialect->write_request(&a->request, chat, shape, outgoing_streams(x), &x->arena,
                                      &err);
        a->dropped = chat->dropped;
        a->dropped_count = chat->dropped_count;
    }
    if (r == -ENOTSUP || r == -EINVAL) {
        exchange_fail(x, r == -EINVAL ? FAILURE_bad_request : FAILURE_unsupported,
                      str_from(err.text));
        return x->why;
    }
    a->pieces[0] = buf_str(&a->request);
    return r < 0 ? outgoing_failure(r) : FAILURE_none;
}

/* By the settings' policy: left out and listed, or not sent at all. */
enum failure outgoing_check_dropped(struct exchange *x)
{
    const struct attempt *a = &x->attempt;
    struct err err = {0};

    if (!x->worker->gateway->settings->refuse_dropped || !a->dropped_count)
        return FAILURE_none;
    err_set(&err, -ENOTSUP, "%.*s: this engine cannot be told, and nothing is to be left out",
            STR_ARG(a->dropped[0]));
    exchange_fail(x, FAILURE_unsupported, str_from(err.text));
    return x->why;
}

int outgoing_read_chat(struct exchange *x, struct err *err)
{
    struct chat *chat = arena_alloc(&x->arena, sizeof *chat);
    struct ask again = {.doc = x->ask.doc, .copy = x->ask.copy};
    int r = chat ? 0 : -ENOMEM;

    /* The tree is gone if another attempt passed the bytes on. */
    if (r == 0 && !again.doc)
        r = x->dialect->scan(&again, x->task, x->ask.body, err);
    if (r == 0) {
        x->ask.doc = again.doc;
        x->ask.copy = again.copy;
    }
    if (r == 0)
        r = x->dialect->read_request(chat, &x->ask, &x->arena, err);
    if (r == 0) {
        x->chat = chat;
        x->drops = chat->dropped_count;
    }
    return r;
}

/* The caller's bytes, but for the name of the model. */
static int splice(struct exchange *x, const struct copy_shape *shape, size_t *count)
{
    struct attempt *a = &x->attempt;
    const struct ask *ask = &x->ask;
    size_t after = ask->model_at + ask->model_len;
    int r = note_dropped(x);

    if (r < 0)
        return r;
    if (x->dialect->forward) {
        r = x->dialect->forward(&a->request, ask, shape);
        a->pieces[0] = buf_str(&a->request);
        *count = 1;
        if (r <= 0)
            return r;
    }
    if (!ask->model_len) { /* the path names it */
        a->pieces[0] = ask->body;
        *count = 1;
        return 0;
    }
    /* A tree is larger than its text, and thousands may wait for their first token. */
    if (!x->dialect->forward && !x->chat && x->task != TASK_film) /* whose answer repeats it */
        ask_fini(&x->ask);
    r = json_put_string(&a->request, shape->model);
    a->pieces[0] = str_slice(ask->body.data, ask->model_at);
    a->pieces[1] = buf_str(&a->request);
    a->pieces[2] = str_slice(ask->body.data + after, ask->body.len - after);
    *count = 3;
    return r;
}

static int note_dropped(struct exchange *x)
{
    struct chat chat = {.ask = &x->ask};
    int r = x->dialect->note_dropped ? x->dialect->note_dropped(&chat, &x->arena) : 0;

    x->attempt.dropped = chat.dropped;
    x->attempt.dropped_count = chat.dropped_count;
    return r;
}

/* Fixed per copy: no caller can make an engine reload. */
struct copy_shape outgoing_shape(struct exchange *x)
{
    const struct copy *copy = x->attempt.copy;
    const struct provider_kind_row *provider =
        copy->cloud ? provider_kind_row(copy->cloud->provider) : NULL;
    const struct engine_kind_row *engine =
        copy->engine ? engine_kind_row(copy->engine->kind) : NULL;
    bool thinks = copy->is_known && copy->capabilities & 1u << CAPABILITY_thinking;
    struct str family = copy->artifact ? copy->artifact->model->family : (struct str){0};
    struct str keep_alive = str_from_u64(x->attempt.keep_alive, (uint64_t)x->attempt.keep_alive_s);

    return (struct copy_shape){
        .model = copy->tag,
        .num_ctx = (uint32_t)(copy->machine ? copy->context : 0),
        /* In the order of their worth, should the engine have to choose whom it evicts. */
        .keep_alive = copy->is_pinned ? STR("-1") : keep_alive,
        .can_think = thinks,
        .can_grade = thinks && str_starts(family, STR("gpt-oss")),
        .can_fetch = provider ? provider->fetches : engine->fetches,
        .reads_files = provider && provider->reads_files,
        .is_strict = provider && provider->is_strict,
        .max_output = (uint32_t)most_output(copy),
    };
}

static uint64_t most_output(const struct copy *copy)
{
    uint64_t most = copy->cloud ? copy->cloud->output_max : 0;

    return !most && copy->cloud_facts ? copy->cloud_facts->output_max : most;
}

enum failure outgoing_failure(int r)
{
    return r == -ENOMEM || r == -EMSGSIZE ? FAILURE_out_of_room : FAILURE_upstream_garbage;
}
