/* SPDX-License-Identifier: Apache-2.0 */
/* An apply, as people and programs read it. */
#include "cmd/apply_show.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/units.h"
#include "net/clock.h"
#include "wire/json_out.h"

enum { LOOK_EVERY_MS = 100, BAR_WIDTH = 24, LIVE_LINES_MAX = 64 };

/* What was told of each step, and what is drawn now. */
struct following {
    bool is_live;
    enum step_state *told; /* by step */
    uint32_t told_count;
    unsigned drawn; /* live lines on the screen */
    struct buf lines;
    uint64_t began_us, done, total; /* bytes of all pulls */
};

/* Where a step is written, and whether what is written is the bill or its steps. */
struct writing {
    struct buf *out;
    struct json_out *json;
    const struct machine *machine; /* the last one named */
    int error;
};

static struct str engine_name(const struct apply_step *s);
static void write_step(void *ctx, uint32_t number, const struct apply_step *step);
static int write_cost(struct buf *out, const char *what, const struct apply_cost *cost);
static void count_step(void *ctx, uint32_t number, const struct apply_step *step);
static void follow_step(void *ctx, uint32_t number, const struct apply_step *step);
static void draw_step(void *ctx, uint32_t number, const struct apply_step *step);
static void tell(struct following *f, const struct apply_step *step);
static void draw(struct following *f, const struct apply_step *step);
static void erase(struct following *f);
static void draw_totals(struct following *f);
static void write_trouble(void *ctx, uint32_t number, const struct apply_step *step);
static void write_json_step(void *ctx, uint32_t number, const struct apply_step *step);
static void write_json_cost(struct json_out *o, const char *key, const struct apply_cost *cost);

int apply_write_plan(struct buf *out, struct apply *a)
{
    const struct apply_sum sum = apply_sum(a);
    struct writing w = {.out = out};
    int r;

    apply_look(a, write_step, &w);
    r = w.error;
    if (r == 0)
        r = buf_put(out, apply_kept(a));
    if (r == 0 && !sum.changes)
        return buf_put(out, STR("nothing to change\n"));
    if (r == 0)
        r = buf_printf(out, "\n%u steps that change something\n", sum.changes);
    return r < 0 ? r : write_cost(out, "bill", &sum.bill);
}

/* Of the machine itself it is none. */
static struct str engine_name(const struct apply_step *s)
{
    return s->engine ? s->engine->name : STR("-");
}

static void write_step(void *ctx, uint32_t number, const struct apply_step *s)
{
    struct writing *w = ctx;

    (void)number;
    if (w->error == 0 && w->machine != s->machine)
        w->error = buf_printf(w->out, "%.*s\n", STR_ARG(s->machine->name));
    w->machine = s->machine;
    if (w->error == 0)
        w->error = buf_printf(w->out, "  %-8s %-14.*s %.*s", step_name(s->kind),
                              STR_ARG(engine_name(s)), STR_ARG(s->name));
    if (w->error == 0 && s->bytes && (w->error = buf_put(w->out, STR("  "))) == 0)
        w->error = units_write_bytes(w->out, s->bytes);
    if (w->error == 0)
        w->error = buf_printf(w->out, "%s%s\n", s->words[0] ? "  ! " : "", s->words);
}

static int write_cost(struct buf *out, const char *what, const struct apply_cost *cost)
{
    int r = buf_printf(out, "%s: ", what);

    if (r == 0)
        r = units_write_bytes(out, cost->wan_bytes);
    if (r == 0)
        r = buf_put(out, STR(" over the WAN, "));
    if (r == 0)
        r = units_write_bytes(out, cost->lan_bytes);
    if (r == 0)
        r = buf_put(out, STR(" over the LAN, "));
    if (r == 0)
        r = units_write_duration(out, (uint64_t)(cost->seconds * 1000));
    if (r == 0 && cost->measure_s > 0)
        r = buf_put(out, STR(", measuring "));
    if (r == 0 && cost->measure_s > 0)
        r = units_write_duration(out, (uint64_t)(cost->measure_s * 1000));
    return r < 0 ? r : buf_put_char(out, '\n');
}

void apply_follow(struct apply *a, bool is_live)
{
    struct following f = {.is_live = is_live, .began_us = clock_monotonic_us()};
    bool is_over = false;

    apply_look(a, count_step, &f);
    f.told = calloc(f.told_count + 1, sizeof *f.told);
    buf_init(&f.lines, 1 << 20);
    while (f.told && !is_over) {
        f.done = f.total = 0;
        erase(&f);
        is_over = apply_look(a, follow_step, &f);
        if (is_live && !is_over) {
            apply_look(a, draw_step, &f);
            draw_totals(&f);
        }
        if (f.lines.len)
            fwrite(f.lines.data, 1, f.lines.len, stderr);
        buf_reset(&f.lines);
        if (!is_over)
            poll(NULL, 0, LOOK_EVERY_MS);
    }
    buf_fini(&f.lines);
    free(f.told);
}

static void count_step(void *ctx, uint32_t number, const struct apply_step *step)
{
    (void)step;
    ((struct following *)ctx)->told_count = number + 1;
}

static void follow_step(void *ctx, uint32_t number, const struct apply_step *s)
{
    struct following *f = ctx;

    f->total += step_brings(s->kind) ? s->bytes : 0;
    f->done += !step_brings(s->kind) ? 0 : s->state == STEP_IS_done ? s->bytes : s->bytes_done;
    if (s->state > STEP_IS_running && f->told[number] != s->state)
        tell(f, s);
    f->told[number] = s->state;
}

/* After the lines that stay. */
static void draw_step(void *ctx, uint32_t number, const struct apply_step *s)
{
    (void)number;
    if (s->state == STEP_IS_running)
        draw(ctx, s);
}

static void tell(struct following *f, const struct apply_step *s)
{
    if (s->state == STEP_IS_skipped && !s->words[0])
        return;
    if (buf_printf(&f->lines, "%.*s: %s %.*s %.*s: %s%s%s\n", STR_ARG(s->machine->name),
                   step_name(s->kind), STR_ARG(engine_name(s)), STR_ARG(s->name),
                   step_state_name(s->state), s->words[0] ? ": " : "", s->words) < 0)
        buf_reset(&f->lines);
}

static void erase(struct following *f)
{
    for (; f->drawn; f->drawn--)
        if (buf_put(&f->lines, STR("\033[A\033[2K")) < 0)
            return;
}

static void draw(struct following *f, const struct apply_step *s)
{
    unsigned full = s->bytes ? (unsigned)(BAR_WIDTH * s->bytes_done / s->bytes) : 0;

    if (f->drawn == LIVE_LINES_MAX)
        return;
    full = full > BAR_WIDTH ? BAR_WIDTH : full;
    if (buf_printf(&f->lines, "%-16.*s %-8s %-28.*s ", STR_ARG(s->machine->name),
                   step_name(s->kind), STR_ARG(s->name)) < 0)
        return;
    for (unsigned i = 0; s->bytes && i < BAR_WIDTH; i++)
        if (buf_put_char(&f->lines, i < full ? '#' : '.') < 0)
            return;
    if (buf_put_char(&f->lines, '\n') == 0)
        f->drawn++;
}

static void draw_totals(struct following *f)
{
    double seconds = (double)(clock_monotonic_us() - f->began_us) / 1e6;
    double rate = seconds > 0 ? (double)f->done / seconds : 0;

    if (buf_put(&f->lines, STR("total ")) < 0 || units_write_bytes(&f->lines, f->done) < 0 ||
        buf_put(&f->lines, STR(" of ")) < 0 || units_write_bytes(&f->lines, f->total) < 0 ||
        buf_put(&f->lines, STR(", ")) < 0 || units_write_bytes(&f->lines, (uint64_t)rate) < 0 ||
        buf_put(&f->lines, STR("/s, still ")) < 0 ||
        units_write_duration(
            &f->lines, rate > 0 ? (uint64_t)((double)(f->total - f->done) / rate) * 1000 : 0) < 0 ||
        buf_put_char(&f->lines, '\n') < 0)
        return;
    f->drawn++;
}

int apply_write_sum(struct buf *out, struct apply *a)
{
    const struct apply_sum sum = apply_sum(a);
    struct writing w = {.out = out};
    int r;

    apply_look(a, write_trouble, &w);
    r = w.error;
    if (r == 0)
        r = buf_printf(out, "%u done, %u failed, %u skipped, %u left to you\n",
                       sum.states[STEP_IS_done], sum.states[STEP_IS_failed],
                       sum.states[STEP_IS_skipped], sum.states[STEP_IS_left]);
    if (r == 0)
        r = write_cost(out, "bill", &sum.bill);
    return r < 0 ? r : write_cost(out, "sum ", &sum.spent);
}

static void write_trouble(void *ctx, uint32_t number, const struct apply_step *s)
{
    struct writing *w = ctx;

    (void)number;
    if (w->error == 0 && s->state > STEP_IS_done && s->words[0])
        w->error =
            buf_printf(w->out, "%.*s: %s %.*s: %s: %s\n", STR_ARG(s->machine->name),
                       step_name(s->kind), STR_ARG(s->name), step_state_name(s->state), s->words);
}

int apply_write_json(struct buf *out, struct apply *a)
{
    const struct apply_sum sum = apply_sum(a);
    struct json_out o = {.out = out};
    struct writing w = {.json = &o};

    json_open(&o, '{');
    json_open(json_key(&o, "steps"), '[');
    apply_look(a, write_json_step, &w);
    json_close(&o, ']');
    json_number(json_key(&o, "changes"), sum.changes);
    write_json_cost(&o, "bill", &sum.bill);
    write_json_cost(&o, "sum", &sum.spent);
    json_text(json_key(&o, "kept"), apply_kept(a));
    json_close(&o, '}');
    return o.error < 0 ? o.error : buf_put_char(out, '\n');
}

static void write_json_step(void *ctx, uint32_t number, const struct apply_step *s)
{
    struct json_out *o = ((struct writing *)ctx)->json;

    (void)number;
    json_open(o, '{');
    json_text(json_key(o, "do"), str_from(step_name(s->kind)));
    json_text(json_key(o, "machine"), s->machine->name);
    json_text(json_key(o, "engine"), s->engine ? s->engine->name : STR(""));
    json_text(json_key(o, "artifact"), s->name);
    json_text(json_key(o, "state"), str_from(step_state_name(s->state)));
    json_number(json_key(o, "bytes"), s->bytes);
    json_number(json_key(o, "tries"), s->tries);
    json_text(json_key(o, "words"), str_from(s->words));
    json_close(o, '}');
}

static void write_json_cost(struct json_out *o, const char *key, const struct apply_cost *cost)
{
    json_open(json_key(o, key), '{');
    json_number(json_key(o, "wan_bytes"), cost->wan_bytes);
    json_number(json_key(o, "lan_bytes"), cost->lan_bytes);
    json_double(json_key(o, "seconds"), cost->seconds);
    json_double(json_key(o, "measure_s"), cost->measure_s);
    json_close(o, '}');
}
