/* SPDX-License-Identifier: Apache-2.0 */
/* A machine that has a model pushes it to the LAN registry: it need not cross the WAN again. */
#include <errno.h>
#include <stdio.h>

#include "apply/apply_inside.h"
#include "wire/json.h"

enum { LENDERS_MAX = 4 }; /* at once: more are no faster than the gateway's own cable */

struct lender {
    struct hand hand;
    const struct apply_step *step;
    const struct seen *holder;
    pthread_t thread;
    bool has_thread;
};

static bool is_missing(const struct apply *a, const struct manifest *m);
static const struct seen *find_holder(const struct apply *a, uint32_t from,
                                      const struct fleet_engine *wants, struct str name);
static uint32_t begin(struct apply *a, const struct apply_step *s,
                      struct lender lenders[LENDERS_MAX], struct lending **ret);
static uint32_t choose(struct apply *a, const struct apply_step *s, struct lending *l,
                       struct lender lenders[LENDERS_MAX]);
static void *run_lender(void *lender);
static struct lending *find_lending(struct apply *a, struct str name);
static void end(struct apply *a, struct lending *l);
static int ask_for_it(struct hand *h, const struct seen *holder, const struct apply_step *s,
                      struct err *err);
static int push(struct hand *h, const struct apply_step *lent, struct err *err);
static int on_push_line(void *ctx, struct str line);

/* One that is gone in the middle is no loss: what it brought stays, and the next goes on there.
 * What a liar brought the shelf drops, and the next try of the pull asks somebody else. */
void hand_lend(struct hand *h, struct apply_step *s)
{
    struct lender lenders[LENDERS_MAX];
    struct lending *l;
    uint32_t count;

    if (!h->apply->depot || !s->manifest)
        return;
    while ((count = begin(h->apply, s, lenders, &l))) {
        for (uint32_t i = 1; i < count; i++)
            lenders[i].has_thread =
                pthread_create(&lenders[i].thread, NULL, run_lender, &lenders[i]) == 0;
        run_lender(&lenders[0]);
        for (uint32_t i = 1; i < count; i++)
            if (lenders[i].has_thread)
                pthread_join(lenders[i].thread, NULL);
        end(h->apply, l);
    }
}

/* With connections of its own: others are asked at the same time. */
static void *run_lender(void *ctx)
{
    struct lender *l = ctx;
    struct err err = {0};

    if (asker_open(&l->hand.asker, &err) < 0)
        return NULL;
    (void)!ask_for_it(&l->hand, l->holder, l->step, &err);
    asker_close(&l->hand.asker);
    return NULL;
}

const struct seen *apply_holder(const struct apply *a, const struct fleet_engine *wants,
                                struct str name)
{
    return find_holder(a, 0, wants, name);
}

static const struct seen *find_holder(const struct apply *a, uint32_t from,
                                      const struct fleet_engine *wants, struct str name)
{
    for (uint32_t i = from; i < a->seen_count; i++)
        if (a->seen[i].engine != wants && a->seen[i].engine->kind == ENGINE_ollama &&
            a->seen[i].is_up && apply_has(a, a->seen[i].engine, name))
            return &a->seen[i];
    return NULL;
}

static bool is_missing(const struct apply *a, const struct manifest *m)
{
    for (uint32_t i = 0; i < m->count; i++)
        if (shelf_has(depot_shelf(a->depot), str_from(m->blobs[i].digest)) < m->blobs[i].size)
            return true;
    return false;
}

/* Who is to be asked now; 0: nothing is missing, or everybody was asked. */
static uint32_t begin(struct apply *a, const struct apply_step *s,
                      struct lender lenders[LENDERS_MAX], struct lending **ret)
{
    uint32_t count = 0;
    struct lending *l;

    pthread_mutex_lock(&a->mutex);
    l = find_lending(a, s->name);
    while (l && l->is_busy)
        pthread_cond_wait(&a->changed, &a->mutex);
    if (l && is_missing(a, s->manifest))
        count = choose(a, s, l, lenders);
    if (count) {
        l->is_busy = true;
        *ret = l;
    }
    pthread_mutex_unlock(&a->mutex);
    return count;
}

/* All that have it; once they were asked, one after the other. A single one is asked once. */
static uint32_t choose(struct apply *a, const struct apply_step *s, struct lending *l,
                       struct lender lenders[LENDERS_MAX])
{
    uint32_t most = l->was_asked ? 1 : LENDERS_MAX, count = 0, next = l->next;
    const struct seen *holder;

    while (count < most && (holder = find_holder(a, next, s->engine, s->name))) {
        next = (uint32_t)(holder - a->seen) + 1;
        lenders[count++] = (struct lender){
            .hand = {.apply = a, .machine = holder->machine}, .step = s, .holder = holder};
    }
    if (l->was_asked || count == 1)
        l->next = next;
    l->was_asked = true;
    return count;
}

/* Made where there was none; NULL: no memory. */
static struct lending *find_lending(struct apply *a, struct str name)
{
    struct lending *l;

    LINK_EACH(&a->lendings, at)
    {
        l = CONTAINER(at, struct lending, link);
        if (str_equal(l->name, name))
            return l;
    }
    l = arena_alloc(&a->arena, sizeof *l);
    if (!l)
        return NULL;
    *l = (struct lending){.name = name};
    link_append(&a->lendings, &l->link);
    return l;
}

static void end(struct apply *a, struct lending *l)
{
    pthread_mutex_lock(&a->mutex);
    l->is_busy = false;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->mutex);
}

/* Under a long name of its own, which the journal knows before it is made. */
static int ask_for_it(struct hand *h, const struct seen *holder, const struct apply_step *s,
                      struct err *err)
{
    struct apply_step lent = {.machine = holder->machine, .engine = holder->engine};
    struct registry_gate *gate;
    char name[NAME_MAX_BYTES];
    struct installed_name installed = {holder->machine->name, holder->engine->name, {0}};
    int r = registry_gate_open(&gate, depot_registry(h->apply->depot), s->manifest);

    if (r < 0)
        return r;
    r = hand_long_name(h, holder->engine, registry_gate_token(gate), s->name, name, err);
    installed.name = lent.name = str_from(name);
    if (r == 0)
        r = installed_note(h->apply->installed, INSTALLED_begun, &installed, err);
    if (r == 0)
        r = ask_model(h, &lent, METHOD_POST, "/api/copy",
                      MEMBERS({"source", .text = s->name}, {"destination", .text = lent.name}),
                      NULL, err);
    if (r == 0)
        r = push(h, &lent, err);
    if (ask_model(h, &lent, METHOD_DELETE, "/api/delete", MEMBERS({"model", .text = lent.name}),
                  NULL, err) == 0)
        r = installed_note(h->apply->installed, INSTALLED_gone, &installed, err);
    registry_gate_close(gate);
    return r;
}

static int push(struct hand *h, const struct apply_step *lent, struct err *err)
{
    return ask_model(h, lent, METHOD_POST, "/api/push",
                     MEMBERS({"model", .text = lent->name}, {"insecure", .raw = "true"},
                             {"stream", .raw = "true"}),
                     &(struct reading){.on_line = on_push_line, .ctx = err}, err);
}

static int on_push_line(void *ctx, struct str line)
{
    struct json json = {0};
    struct str words;
    int r = 0;

    if (json_read(&json, line, JSON_MEMORY(line.len), NULL) < 0)
        return err_set(ctx, -EPIPE, "the push says something that is no JSON");
    words = json_find_str(json.root, "error");
    if (words.len)
        r = err_set(ctx, -EIO, "%.*s", STR_ARG(words));
    json_fini(&json);
    return r;
}
