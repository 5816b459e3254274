/* SPDX-License-Identifier: Apache-2.0 */
/* What is done to imagined machines, and what they look like: POST and GET /imagine. */
#include <errno.h>
#include <math.h>

#include "sim/guest.h"
#include "wire/schema.h"

static struct imagined_machine *find_machine(struct imagined *im, struct str name, struct err *err);
static int find_verb(struct str word, enum machine_state *ret, struct err *err);
static void apply_state(struct imagined_machine *m);
static void write_engine(const struct imagined_engine *e, struct json_out *o);
static void write_runner(const struct imagined_engine *e, const struct runner_view *r,
                         struct json_out *o);
static void write_disk(const struct imagined_engine *e, struct json_out *o);
static int write_refusal(struct buf *reply, const struct err *err);

enum { MACHINES_MAX = 1024 };

static const struct {
    const char *name; /* of the state */
    enum world_fault fault;
    bool restarts; /* who comes back from it has forgotten everything */
} states[MACHINE_STATE_COUNT] = {
    [MACHINE_well] = {"well", WORLD_well, false},
    [MACHINE_dead] = {"dead", WORLD_dead, true},
    [MACHINE_hung] = {"hung", WORLD_frozen, true},
    [MACHINE_slow] = {"slow", WORLD_slow, false},
    [MACHINE_wedged] = {"wedged", WORLD_frozen, true},
    [MACHINE_garbage] = {"garbage", WORLD_well, false},
    [MACHINE_error] = {"error", WORLD_well, false},
    [MACHINE_cut] = {"cut", WORLD_cuts, false},
};

static const char *const verbs[MACHINE_STATE_COUNT] = {
    [MACHINE_well] = "revive", [MACHINE_dead] = "die",     [MACHINE_hung] = "hang",
    [MACHINE_slow] = "slow",   [MACHINE_wedged] = "wedge", [MACHINE_garbage] = "garbage",
    [MACHINE_error] = "error", [MACHINE_cut] = "cut",
};

int imagine_run(struct imagined *im, struct str json, struct buf *reply)
{
    struct json body = {0};
    struct err err = {0};
    struct imagined_machine *m = NULL;
    enum machine_state to = MACHINE_well;
    yyjson_val *factor;
    struct json_out o = {.out = reply};
    int r = json_read(&body, json, JSON_MEMORY(json.len), &err);

    if (r == 0 && !(m = find_machine(im, json_find_str(body.root, "machine"), &err)))
        r = -EINVAL;
    if (r == 0)
        r = find_verb(json_find_str(body.root, "do"), &to, &err);
    factor = json_find(body.root, "factor");
    if (r == 0)
        r = imagined_do(m, to, yyjson_is_num(factor) ? yyjson_get_num(factor) : 3,
                        json_find(body.root, "after_tokens")
                            ? (uint32_t)json_find_u64(body.root, "after_tokens")
                            : 5,
                        &err);
    json_fini(&body);
    if (r < 0)
        return write_refusal(reply, &err);
    imagined_write(m, &o);
    return o.error ? 500 : 200;
}

int imagine_list(struct imagined *im, struct buf *reply)
{
    struct json_out o = {.out = reply};

    json_open(&o, '{');
    json_double(json_key(&o, "speed"), im->options.speed);
    json_open(json_key(&o, "machines"), '[');
    for (size_t i = 0; i < im->fleet->machines_count; i++)
        if (im->machines[i].world)
            imagined_write(&im->machines[i], &o);
    json_close(&o, ']');
    json_close(&o, '}');
    return o.error ? 500 : 200;
}

int imagined_do(struct imagined_machine *m, enum machine_state to, double factor,
                uint32_t after_tokens, struct err *err)
{
    bool restarts = states[m->state].restarts && to != m->state;
    bool listens = m->state != MACHINE_dead;

    if (to == MACHINE_slow && !(factor > 0 && factor <= 1e6))
        return err_set(err, -EINVAL, "'factor' is to be above 0 and at most 1000000");
    m->state = to;
    m->factor = to == MACHINE_slow ? factor : 1;
    m->after_tokens = after_tokens;
    apply_state(m);
    if (to == MACHINE_dead || restarts)
        guest_cut_all(m);
    for (size_t i = 0; i < m->facts->engines_count; i++) {
        int r = 0;

        if (to == MACHINE_dead)
            imagined_refuse(&m->engines[i]);
        else if (!listens)
            r = imagined_listen(&m->engines[i], err);
        if (r < 0)
            return r;
    }
    return 0;
}

void imagined_write(const struct imagined_machine *m, struct json_out *o)
{
    json_open(o, '{');
    json_text(json_key(o, "machine"), m->facts->name);
    json_text(json_key(o, "state"), str_from(states[m->state].name));
    if (m->state == MACHINE_slow)
        json_double(json_key(o, "factor"), m->factor);
    if (m->state == MACHINE_cut)
        json_number(json_key(o, "after_tokens"), m->after_tokens);
    json_open(json_key(o, "engines"), '[');
    for (size_t i = 0; i < m->facts->engines_count; i++)
        write_engine(&m->engines[i], o);
    json_close(o, ']');
    json_close(o, '}');
}

static struct imagined_machine *find_machine(struct imagined *im, struct str name, struct err *err)
{
    const char *names[MACHINES_MAX];
    size_t count = 0;
    char suggestion[96];

    for (size_t i = 0; i < im->fleet->machines_count; i++) {
        if (!im->machines[i].world)
            continue;
        if (name.data && str_equal(im->machines[i].facts->name, name))
            return &im->machines[i];
        if (count < MACHINES_MAX)
            names[count++] = im->machines[i].facts->name.data;
    }
    if (name.data)
        err_set(err, -EINVAL, "no machine '%.*s' serves models here%s", STR_ARG(name),
                schema_suggest(suggestion, name, names, count));
    else
        err_set(err, -EINVAL, "'machine' is missing: the name of a machine of the fleet");
    return NULL;
}

static int find_verb(struct str word, enum machine_state *ret, struct err *err)
{
    int found = word.data ? schema_find_word(verbs, COUNT_OF(verbs), word) : -1;
    char suggestion[96];

    if (found >= 0) {
        *ret = (enum machine_state)found;
        return 0;
    }
    if (!word.data)
        return err_set(err, -EINVAL,
                       "'do' is missing: die, hang, slow, wedge, garbage, error, "
                       "cut or revive");
    return err_set(err, -EINVAL,
                   "nothing is done by '%.*s'%s (die, hang, slow, wedge, garbage, "
                   "error, cut, revive)",
                   STR_ARG(word), schema_suggest(suggestion, word, verbs, COUNT_OF(verbs)));
}

static void apply_state(struct imagined_machine *m)
{
    world_set_fault(m->world, states[m->state].fault, m->factor, m->after_tokens,
                    imagined_now_ms(m->im));
}

static void write_engine(const struct imagined_engine *e, struct json_out *o)
{
    const struct world *w = e->machine->world;
    struct runner_view r;

    json_open(o, '{');
    json_text(json_key(o, "engine"), e->facts->name);
    json_text(json_key(o, "kind"), str_from(engine_kind_row(e->facts->kind)->name));
    json_text(json_key(o, "address"), str_from(e->address));
    json_number(json_key(o, "requests"), e->requests);
    json_number(json_key(o, "answers"), e->answers);
    json_number(json_key(o, "changes"), e->changes);
    json_number(json_key(o, "pending"), world_pending(w, e->number));
    json_open(json_key(o, "loaded"), '[');
    for (unsigned i = 0; world_runner(w, e->number, i, &r); i++)
        write_runner(e, &r, o);
    json_close(o, ']');
    write_disk(e, o);
    json_close(o, '}');
}

static void write_runner(const struct imagined_engine *e, const struct runner_view *r,
                         struct json_out *o)
{
    double left_ms = r->expires_ms - imagined_now_ms(e->machine->im);

    json_open(o, '{');
    json_text(json_key(o, "artifact"), r->artifact->name);
    json_text(json_key(o, "state"), r->loading     ? STR("loading")
                                    : r->unloading ? STR("unloading")
                                                   : STR("loaded"));
    json_number(json_key(o, "memory_bytes"), r->gpu_bytes + r->ram_bytes);
    json_number(json_key(o, "gpu_bytes"), r->gpu_bytes);
    json_number(json_key(o, "context"), r->context);
    json_number(json_key(o, "slots"), r->slots);
    json_number(json_key(o, "busy"), r->busy);
    json_number(json_key(o, "waiting"), r->waiting);
    if (left_ms < INFINITY)
        json_double(json_key(o, "until_s"), left_ms > 0 ? left_ms / 1e3 : 0);
    json_close(o, '}');
}

static void write_disk(const struct imagined_engine *e, struct json_out *o)
{
    json_open(json_key(o, "disk"), '[');
    for (unsigned i = 0; i < e->disk_count; i++)
        json_text(o, str_from(e->disk[i].name));
    json_close(o, ']');
}

static int write_refusal(struct buf *reply, const struct err *err)
{
    struct json_out o = {.out = reply};

    json_open(&o, '{');
    json_text(json_key(&o, "error"), str_from(err->text));
    json_close(&o, '}');
    return 400;
}
