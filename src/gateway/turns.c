/* SPDX-License-Identifier: Apache-2.0 */
/* Whose template leaves a turn open. */
#include "gateway/turns.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/settings.h"
#include "gateway/attempt.h"
#include "gateway/outgoing.h"
#include "gateway/worker.h"

enum { KEY_ROOM = 256 };

struct known_turn {
    enum turn turn;
    char key[KEY_ROOM];
};

static void write_key(char key[static KEY_ROOM], const struct copy *copy);
static void on_head(void *ctx, const struct reply *r);
static void on_body(void *ctx, struct str chunk);
static void on_end(void *ctx);
static void on_fail(void *ctx, enum failure why, const char *words);

static const struct call_events events = {on_head, on_body, on_end, on_fail};

void turns_init(struct turns *t)
{
    *t = (struct turns){0};
    pthread_mutex_init(&t->lock, NULL);
}

void turns_fini(struct turns *t)
{
    map_each(&t->known, free);
    map_fini(&t->known);
    pthread_mutex_destroy(&t->lock);
}

enum turn turns_find(struct turns *t, const struct copy *copy)
{
    char key[KEY_ROOM];
    const struct known_turn *row;
    enum turn turn;

    write_key(key, copy);
    pthread_mutex_lock(&t->lock);
    row = map_find(&t->known, str_from(key));
    turn = row ? row->turn : TURN_unknown;
    pthread_mutex_unlock(&t->lock);
    return turn;
}

/* Without memory it is asked again. As many rows as the fleet has artifacts. */
void turns_note(struct turns *t, const struct copy *copy, enum turn turn)
{
    struct known_turn *row, *made = calloc(1, sizeof *made);

    if (!made)
        return;
    write_key(made->key, copy);
    pthread_mutex_lock(&t->lock);
    row = map_find(&t->known, str_from(made->key));
    if (!row && map_put(&t->known, str_from(made->key), made) == 0) {
        row = made;
        made = NULL;
    }
    if (row)
        row->turn = turn;
    pthread_mutex_unlock(&t->lock);
    free(made);
}

/* Engines put the same artifact through templates in ways of their own. */
static void write_key(char key[static KEY_ROOM], const struct copy *copy)
{
    snprintf(key, KEY_ROOM, "%s/%.*s", engine_kind_row(copy->engine->kind)->name,
             STR_ARG(copy->tag));
}

enum failure turns_ask(struct exchange *x)
{
    const struct settings *settings = x->worker->gateway->settings;
    struct attempt *a = &x->attempt;
    const struct scene_engine *e = x->scene->copies[a->copy->index].engine;
    const struct copy_shape shape = outgoing_shape(x);
    const struct header headers[] = {{STR("content-type"), STR("application/json")}, e->credential};
    struct call_request request = {
        .endpoint = &e->endpoint,
        .method = METHOD_POST,
        .target = scene_target(e, str_from(engine_kind_row(a->copy->engine->kind)->shows)),
        .headers = headers,
        .header_count = e->credential.value.len ? 2 : 1,
        .body = a->pieces,
        .body_count = 1,
        .connect_timeout_ms = (uint32_t)settings->connect_timeout_ms,
        .first_byte_timeout_ms = attempt_patience_ms(x),
        .idle_timeout_ms = (uint32_t)settings->idle_timeout_ms,
    };
    int r = prefill_write(&a->request, a->dialect, &shape, &x->arena);

    if (r < 0)
        return outgoing_failure(r);
    a->pieces[0] = buf_str(&a->request);
    r = call_start(&a->call, x->worker->client, &request, &events, x);
    return r == 0 ? FAILURE_none : FAILURE_out_of_room;
}

static void on_head(void *ctx, const struct reply *r)
{
    struct exchange *x = ctx;

    x->attempt.shown_status = r->status;
}

static void on_body(void *ctx, struct str chunk)
{
    struct exchange *x = ctx;

    if (buf_put(&x->attempt.refusal, chunk) < 0) {
        call_cancel(x->attempt.call);
        on_end(x);
    }
}

/* Who has no such endpoint cannot be told what is a beginning. */
static void on_end(void *ctx)
{
    struct exchange *x = ctx;
    struct attempt *a = &x->attempt;
    bool is_shown = a->shown_status < 300;
    enum turn turn = is_shown ? prefill_read(buf_str(&a->refusal)) : TURN_closed;
    enum failure why = FAILURE_none;

    a->call = NULL;
    buf_reset(&a->refusal);
    buf_reset(&a->request);
    if (a->shown_status == 429 || a->shown_status >= 500)
        why = FAILURE_upstream_busy;
    else
        turns_note(&x->worker->gateway->turns, a->copy, turn);
    if (!why && turn == TURN_closed)
        why = FAILURE_unsupported;
    if (!why)
        why = attempt_send(x);
    if (why == FAILURE_unsupported)
        exchange_fail(x, why, STR("it goes on with no answer that another began"));
    else if (why)
        exchange_fail(x, why, (struct str){0});
    exchange_run(x);
}

static void on_fail(void *ctx, enum failure why, const char *words)
{
    struct exchange *x = ctx;

    x->attempt.call = NULL;
    exchange_fail(x, why, str_from(words));
    exchange_run(x);
}
