/* SPDX-License-Identifier: Apache-2.0 */
/* What gateways say to each other of machines: told by own eyes only, heard as hints. */
#include "route/traffic_hints.h"

#include "route/traffic_inside.h"

static bool is_benched(const struct breaker *b, uint64_t now_ms);
static int write_engines(const struct board *b, struct buf *out, uint32_t *left, uint64_t now_ms);
static int write_copies(const struct board *b, struct buf *out, uint32_t *left, uint64_t now_ms);
static struct board_copy *find_copy(struct board *b, struct str name);
static struct board_engine *find_engine(struct board *b, struct str name);

int traffic_write_hints(struct traffic *t, struct buf *out, uint64_t now_ms)
{
    uint32_t left = HINTS_MAX;
    int r = 0;

    now_ms = traffic_enter(t, now_ms);
    if (t->board)
        r = write_engines(t->board, out, &left, now_ms);
    if (t->board && r == 0)
        r = write_copies(t->board, out, &left, now_ms);
    pthread_mutex_unlock(&t->lock);
    return r;
}

bool traffic_hear_hint(struct traffic *t, enum hint_kind kind, struct str name, uint64_t now_ms)
{
    struct board_engine *engine = NULL;
    struct board_copy *copy = NULL;
    struct hint *hint = NULL;
    bool is_new = false;

    now_ms = traffic_enter(t, now_ms);
    if (t->board && kind == HINT_copy && (copy = find_copy(t->board, name))) {
        engine = &t->board->engines[copy->engine];
        hint = &copy->bench_hint;
    } else if (t->board && kind != HINT_copy && (engine = find_engine(t->board, name))) {
        hint = kind == HINT_down ? &engine->down_hint : &engine->bench_hint;
    }
    if (hint && (is_new = hint_hear(hint, now_ms)))
        engine->is_doubted = true;
    pthread_mutex_unlock(&t->lock);
    return is_new;
}

bool traffic_take_doubt(struct traffic *t, const struct engine_place *engine)
{
    bool was = false;

    pthread_mutex_lock(&t->lock);
    if (engine->index != BOARD_NONE) {
        was = t->board->engines[engine->index].is_doubted;
        t->board->engines[engine->index].is_doubted = false;
    }
    pthread_mutex_unlock(&t->lock);
    return was;
}

static bool is_benched(const struct breaker *b, uint64_t now_ms)
{
    return !breaker_allows(b, now_ms);
}

static int write_engines(const struct board *b, struct buf *out, uint32_t *left, uint64_t now_ms)
{
    int r = 0;

    for (uint32_t i = 0; i < b->engines_count && *left && r == 0; i++) {
        const struct board_engine *e = &b->engines[i];
        bool benched = is_benched(&e->breaker, now_ms);

        if (!e->is_down && !benched)
            continue;
        r = hint_write(out, e->is_down || e->is_unreachable ? HINT_down : HINT_engine,
                       e->facts->name);
        (*left)--;
    }
    return r;
}

static int write_copies(const struct board *b, struct buf *out, uint32_t *left, uint64_t now_ms)
{
    int r = 0;

    for (uint32_t i = 0; i < b->copies_count && *left && r == 0; i++) {
        if (b->copies[i].is_twin || !is_benched(&b->copies[i].breaker, now_ms))
            continue;
        r = hint_write(out, HINT_copy, b->copies[i].facts->place);
        (*left)--;
    }
    return r;
}

static struct board_copy *find_copy(struct board *b, struct str name)
{
    for (uint32_t i = 0; i < b->copies_count; i++)
        if (str_equal(b->copies[i].facts->place, name))
            return &b->copies[i];
    return NULL;
}

static struct board_engine *find_engine(struct board *b, struct str name)
{
    for (uint32_t i = 0; i < b->engines_count; i++)
        if (str_equal(b->engines[i].facts->name, name))
            return &b->engines[i];
    return NULL;
}
