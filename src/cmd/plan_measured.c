/* SPDX-License-Identifier: Apache-2.0 */
/* What was measured, as the plan takes it: machines that are slower than expected. */
#include <errno.h>
#include <stdio.h>

#include "cmd/plan_input.h"
#include "cmd/state.h"

/* A plan that takes what the store holds. */
struct taking {
    struct plan_input *in;
    struct fleet *fleet;
};

static int read_file(struct plan_input *in, struct fleet *f, const char *path, struct err *err);
static int read_store(struct plan_input *in, struct fleet *f, struct err *err);
static measurement_fn take;
static bool is_declared(const struct machine *m, const struct measurement_row *row);
static int slow_down(struct plan_input *in, struct fleet *f, yyjson_val *copy);
static struct machine *find_machine(struct fleet *f, struct str name);

int plan_measured_read(struct plan_input *in, struct fleet *f, struct err *err)
{
    const char *path = option_value(&in->options, "measured");

    if (path && strcmp(path, "none") == 0)
        return 0;
    return path ? read_file(in, f, path, err) : read_store(in, f, err);
}

static int read_file(struct plan_input *in, struct fleet *f, const char *path, struct err *err)
{
    struct json json = {0};
    yyjson_val *copies, *copy;
    size_t i, count;
    int r;

    if ((r = plan_input_json(&json, path, err)) < 0)
        return r;
    copies = json_find(json.root, "copies");
    if (!yyjson_is_arr(copies))
        r = err_set(err, -EINVAL, "%s: found no \"copies\", expected what `tampu ps --json` prints",
                    path);
    yyjson_arr_foreach(copies, i, count, copy)
    {
        if (r == 0 && slow_down(in, f, copy) < 0)
            r = err_set(err, -E2BIG, "%s: it is too long", path);
    }
    json_fini(&json);
    return r;
}

/* A plan opens no socket: what lies in a database is read where the user names it. A state that
 * nobody named and that cannot be read is no reason to plan nothing. */
static int read_store(struct plan_input *in, struct fleet *f, struct err *err)
{
    const char *state = option_value(&in->options, "state");
    struct taking taking = {in, f};
    struct err wrong = {0};
    AUTO(store) store = NULL;
    int r;

    if (!state && !state_is_file(f, NULL))
        return 0;
    r = state_fleet_find(&store, f, state, &wrong);
    if (r == 0 && store)
        r = store_measurement_last(store, 1, take, &taking, &wrong);
    if (r < 0 && state)
        return err_set(err, r, "%s", wrong.text);
    if (r < 0)
        fprintf(stderr, "what was measured is not known: %s\n", wrong.text);
    return 0;
}

/* What the file declares no more may have been what made its machine slow. */
static int take(void *ctx, const struct measurement_row *row)
{
    struct taking *taking = ctx;
    const struct machine *m = find_machine(taking->fleet, row->machine);
    struct json json = {0};
    int r = 0;

    if (m && is_declared(m, row) &&
        json_read(&json, row->found, JSON_MEMORY(row->found.len), NULL) == 0)
        r = slow_down(taking->in, taking->fleet, json.root);
    json_fini(&json);
    return r;
}

static bool is_declared(const struct machine *m, const struct measurement_row *row)
{
    for (uint32_t i = 0; i < m->models_count; i++)
        if (m->models[i].engine && str_equal(m->models[i].engine->name, row->engine) &&
            str_equal(m->models[i].pull, row->artifact))
            return true;
    return false;
}

/* The machine is as slow as the slowest of its copies. */
static int slow_down(struct plan_input *in, struct fleet *f, yyjson_val *copy)
{
    struct machine *m = find_machine(f, json_find_str(copy, "machine"));
    yyjson_val *slowness = json_find(copy, "slowness");
    double prefill = json_find_real(slowness, "prefill"),
           decode = json_find_real(slowness, "decode"), most = prefill > decode ? prefill : decode;
    struct str model = json_find_str(copy, "name"), why = json_find_str(copy, "why_slow");
    char *words;

    if (!m || !json_find_true(copy, "slow") || most <= 1 || most <= m->slowness)
        return 0;
    words = arena_printf(&in->arena, "%.*s: %.*s", STR_ARG(model), STR_ARG(why));
    if (!words)
        return -E2BIG;
    m->slowness = most;
    m->slow_words = str_from(words);
    return 0;
}

static struct machine *find_machine(struct fleet *f, struct str name)
{
    for (uint32_t i = 0; i < f->machines_count; i++)
        if (str_equal(f->machines[i].name, name))
            return &f->machines[i];
    return NULL;
}
