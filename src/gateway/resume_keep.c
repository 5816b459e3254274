/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of a request and its answer while it streams. */
#include <stdlib.h>

#include "config/settings.h"
#include "gateway/resume_inside.h"
#include "gateway/worker.h"

enum { SAID_FIRST = 55 }; /* bytes: the answers that slow streams have given so far are short */

static bool is_wanted(const struct exchange *x);
static bool takes_trailers(const struct exchange *x);
static bool charge(struct exchange *x);
static void settle_charge(struct exchange *x);

void resume_reset(struct exchange *x)
{
    struct resume *r = x->resume;

    if (!r && is_wanted(x)) {
        r = x->resume = calloc(1, sizeof *r);
        if (!r)
            return;
        r->takes_trailers = takes_trailers(x);
        buf_init(&r->said, x->worker->gateway->settings->continue_max);
        buf_init(&r->thought, x->worker->gateway->settings->continue_max);
    }
    if (!r)
        return;
    buf_reset(&r->said);
    buf_reset(&r->thought);
    r->said_tokens = r->thought_tokens = 0;
    r->is_fragile = false;
}

static bool is_wanted(const struct exchange *x)
{
    return x->live && !x->upload && task_has_stream(x->task) && x->request && !x->dead.data &&
           x->body.len < x->worker->gateway->settings->continue_max &&
           !str_equal_nocase(request_header(x->request, STR("x-tampu-continue")), STR("off"));
}

static bool takes_trailers(const struct exchange *x)
{
    struct str rest = request_header(x->request, STR("te"));

    while (rest.len) {
        struct str word = str_cut(rest, ',', &rest);

        if (str_equal_nocase(str_trim(word), STR("trailers")))
            return true;
    }
    return false;
}

void resume_note(struct exchange *x, const struct delta *delta)
{
    struct resume *r = x->resume;
    bool is_text = delta->kind == DELTA_text;
    struct buf *to;
    size_t room;

    if (!r || r->is_fragile)
        return;
    if (delta->index || delta->kind == DELTA_call)
        r->is_fragile = true;
    if (!is_text && delta->kind != DELTA_thinking)
        return;
    to = is_text ? &r->said : &r->thought;
    room = to->room;
    if ((!room && buf_begin(to, SAID_FIRST) < 0) || buf_put(to, delta->text) < 0 ||
        (to->room != room && !charge(x)))
        r->is_fragile = true; /* too long: it ends where it is cut */
    *(is_text ? &r->said_tokens : &r->thought_tokens) += 1;
}

/* False: all that is kept for such answers is too much. */
static bool charge(struct exchange *x)
{
    settle_charge(x);
    return __atomic_load_n(&x->worker->gateway->resume_bytes, __ATOMIC_RELAXED) <=
           x->worker->gateway->settings->continue_memory;
}

static void settle_charge(struct exchange *x)
{
    struct resume *r = x->resume;
    size_t now = sizeof *r + (r->keeps_body ? x->body.room : 0) + r->said.room + r->thought.room;

    __atomic_add_fetch(&x->worker->gateway->resume_bytes, now - r->charged, __ATOMIC_RELAXED);
    r->charged = now;
}

struct resume_mark resume_mark(const struct exchange *x)
{
    const struct resume *r = x->resume;

    if (!r)
        return (struct resume_mark){0};
    return (struct resume_mark){r->said.len, r->thought.len, r->said_tokens, r->thought_tokens,
                                x->finish};
}

void resume_go_back(struct exchange *x, struct resume_mark mark)
{
    struct resume *r = x->resume;

    if (!r)
        return;
    r->said.len = mark.said;
    r->thought.len = mark.thought;
    r->said_tokens = mark.said_tokens;
    r->thought_tokens = mark.thought_tokens;
    x->finish = mark.finish;
}

bool resume_keeps_body(struct exchange *x)
{
    struct resume *r = x->resume;

    if (!r || r->is_fragile)
        return false;
    r->keeps_body = true;
    buf_fit(&x->body);
    if (charge(x))
        return true;
    r->keeps_body = false;
    settle_charge(x);
    r->is_fragile = !r->going; /* its seam needs what was said */
    return false;
}

void resume_free(struct exchange *x)
{
    struct resume *r = x->resume;

    if (!r)
        return;
    __atomic_sub_fetch(&x->worker->gateway->resume_bytes, r->charged, __ATOMIC_RELAXED);
    buf_fini(&r->said);
    buf_fini(&r->thought);
    free(r->going);
    free(r);
    x->resume = NULL;
}
