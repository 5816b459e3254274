/* SPDX-License-Identifier: Apache-2.0 */
/* What the next copy is told, what the caller is told of its answer, and what it all came to. */
#include <errno.h>

#include "dialect/prefill.h"
#include "gateway/relay.h"
#include "gateway/resume_inside.h"
#include "gateway/turns.h"
#include "gateway/worker.h"

enum { HELD_ROOM = 64 }; /* what a seam holds back at most */

static int replay(struct exchange *x);
static size_t given_length(struct exchange *x);
static int add_beginning(struct exchange *x, struct chat *chat, struct str said);
static int filter(struct exchange *x, struct seam *seam, const struct buf *had,
                  const struct delta *delta);
static int deliver_held(struct exchange *x);
static int deliver(struct exchange *x, enum delta_kind kind, struct str text);

int resume_writer(struct exchange *x, const struct reply_shape *shape)
{
    struct reply_shape same = *shape;
    int r;

    if (x->writer)
        return 0;
    same.model = x->resume->going->cuts[0].copy->tag; /* so the engine called it until now */
    r = x->dialect->writer_new(&x->writer, &same, &x->out);
    return r < 0 ? r : replay(x);
}

/* What was passed on as it came, as if this writer had written it. */
static int replay(struct exchange *x)
{
    const struct resume *resume = x->resume;
    const struct delta deltas[] = {
        {.kind = DELTA_thinking, .text = buf_str(&resume->thought)},
        {.kind = DELTA_text, .text = buf_str(&resume->said)},
    };
    int r = 0;

    for (size_t i = 0; i < COUNT_OF(deltas); i++)
        if (r == 0 && deltas[i].text.len)
            r = x->dialect->writer_put(x->writer, &deltas[i]);
    buf_reset(&x->out);
    return r;
}

struct chat *resume_chat(struct exchange *x)
{
    struct resume *r = x->resume;
    struct going *g = r->going;
    struct chat *chat = arena_alloc(&x->arena, sizeof *chat);
    size_t given = given_length(x);

    if (!chat)
        return NULL;
    *chat = *x->chat;
    g->goes_on = given > 0;
    g->given = g->goes_on ? r->said_tokens : 0;
    x->ask.max_tokens = g->goes_on && g->max_tokens ? g->max_tokens - g->before : g->max_tokens;
    seam_begin(&g->seam, buf_str(&r->said), given);
    seam_begin(&g->thought_seam, buf_str(&r->thought), 0);
    if (g->goes_on && add_beginning(x, chat, str_slice(r->said.data, given)) < 0)
        return NULL;
    return chat;
}

static size_t given_length(struct exchange *x)
{
    struct str said = buf_str(&x->resume->said);

    if (x->chat->task != TASK_chat)
        return said.len;
    return prefill_length(turns_find(&x->worker->gateway->turns, x->attempt.copy), said);
}

static int add_beginning(struct exchange *x, struct chat *chat, struct str said)
{
    size_t count = chat->message_count;
    struct message *messages, *last;
    struct part *part = arena_alloc(&x->arena, sizeof *part);

    if (chat->task != TASK_chat) {
        chat->prompt =
            str_from(arena_printf(&x->arena, "%.*s%.*s", STR_ARG(chat->prompt), STR_ARG(said)));
        return chat->prompt.data ? 0 : -ENOMEM;
    }
    messages = arena_alloc(&x->arena, (count + 1) * sizeof *messages);
    if (!messages || !part)
        return -ENOMEM;
    if (count)
        memcpy(messages, chat->messages, count * sizeof *messages);
    last = &messages[count];
    *last = (struct message){.role = ROLE_assistant, .parts = part, .part_count = 1};
    last->thinking = buf_str(&x->resume->thought);
    part->text = said;
    chat->messages = messages;
    chat->message_count = count + 1;
    chat->goes_on = true;
    return 0;
}

int resume_put(struct exchange *x, const struct delta *delta)
{
    struct resume *r = x->resume;
    int result;

    switch (delta->kind) {
    case DELTA_thinking:
        return r->going->goes_on ? 0 : filter(x, &r->going->thought_seam, &r->thought, delta);
    case DELTA_text:
        return filter(x, &r->going->seam, &r->said, delta);
    case DELTA_finish:
        result = deliver_held(x);
        return result < 0 ? result : relay_deliver(x, delta);
    default:
        return relay_deliver(x, delta);
    }
}

/* had: where seam->said stands now; it moves when it grows. */
static int filter(struct exchange *x, struct seam *seam, const struct buf *had,
                  const struct delta *delta)
{
    struct seam_new new;
    int r;

    seam->said.data = had->data;
    if (seam_take(seam, delta->text, &new) < 0) {
        turns_note(&x->worker->gateway->turns, x->attempt.copy, TURN_closed);
        exchange_fail(x, FAILURE_upstream_garbage, STR("it began its answer anew"));
        return -ECANCELED;
    }
    r = deliver(x, delta->kind, new.held);
    return r < 0 ? r : deliver(x, delta->kind, new.text);
}

static int deliver_held(struct exchange *x)
{
    struct seam *seam = &x->resume->going->seam;

    seam->said.data = x->resume->said.data;
    return deliver(x, DELTA_text, seam_end(seam));
}

/* The text may be a part of what was said, which moves when this is noted, too. */
static int deliver(struct exchange *x, enum delta_kind kind, struct str text)
{
    char held[HELD_ROOM];
    const char *begin = x->resume->said.data;

    if (!text.len)
        return 0;
    if (begin && text.data == begin) {
        memcpy(held, text.data, text.len);
        text.data = held;
    }
    return relay_deliver(x, &(struct delta){.kind = kind, .text = text});
}

bool resume_takes_trailers(const struct exchange *x)
{
    return x->resume && x->resume->takes_trailers;
}

int resume_put_machines(const struct exchange *x, struct buf *out)
{
    const struct going *g = x->resume->going;
    int r = 0;

    for (unsigned i = 1; i < g->count && r == 0; i++)
        r = buf_printf(out, "%.*s, ", STR_ARG(g->cuts[i].copy->machine_name));
    return r < 0 ? r : buf_put(out, x->attempt.copy->machine_name);
}

struct usage resume_told(const struct exchange *x)
{
    struct usage usage = x->usage;
    const struct going *g = resume_is_on(x) ? x->resume->going : NULL;

    if (!g || !usage.known)
        return usage;
    usage.prompt_tokens -= g->given < usage.prompt_tokens ? g->given : usage.prompt_tokens;
    if (usage.cached_tokens > usage.prompt_tokens)
        usage.cached_tokens = usage.prompt_tokens;
    usage.completion_tokens += g->goes_on ? g->before : 0;
    return usage;
}

bool resume_cut(const struct exchange *x, unsigned index, const struct copy **copy,
                struct usage *usage)
{
    const struct going *g = resume_is_on(x) ? x->resume->going : NULL;

    if (!g || index >= g->count)
        return false;
    *copy = g->cuts[index].copy;
    *usage = (struct usage){.known = x->usage.known, .completion_tokens = g->cuts[index].added};
    if (usage->known)
        usage->prompt_tokens = resume_told(x).prompt_tokens + g->cuts[index].given;
    return true;
}
