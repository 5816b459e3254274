/* SPDX-License-Identifier: Apache-2.0 */
/* What a gateway has measured, as the plan takes it: machines that are slower than expected. */
#include <errno.h>

#include "cmd/plan_input.h"

static int slow_down(struct plan_input *in, struct fleet *f, yyjson_val *copy);
static struct machine *find_machine(struct fleet *f, struct str name);

int plan_measured_read(struct plan_input *in, struct fleet *f, struct err *err)
{
    const char *path = option_value(&in->options, "measured");
    struct json json = {0};
    yyjson_val *copies, *copy;
    size_t i, count;
    int r;

    if (!path)
        return 0;
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
