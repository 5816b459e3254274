/* SPDX-License-Identifier: Apache-2.0 */
/* What `tampu plan` is told. */
#include "cmd/plan_input.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "cmd/command.h"
#include "cmd/today.h"
#include "cmd/usage.h"
#include "net/clock.h"
#include "plan/demand.h"
#include "wire/json.h"

enum {
    THREADS_MAX = 64,
    FILE_MAX = 16 << 20,
    SURVIVE_MAX = 2,
    TIME_LIMIT_MS = 60000,
    TICK_MS = 200
};

static const double gap_usual = 0.005;

static int load(struct plan_input *in, struct err *err);
static int read_numbers(struct plan_input *in, struct err *err);
static int read_number(const struct plan_input *in, const char *option, uint64_t max, uint64_t *ret,
                       struct err *err);
static int read_gap(const struct plan_input *in, double *ret, struct err *err);
static int read_time_limit(const struct plan_input *in, uint64_t *ret_ms, struct err *err);
static int read_whats(struct plan_input *in, struct err *err);
static int read_holdings(struct plan_input *in, struct err *err);
static int add_holdings(struct plan_input *in, struct plan_wish *wish, yyjson_val *copies,
                        struct err *err);
static bool read_holding(const struct plan_wish *wish, yyjson_val *copy, struct holding *holding,
                         bool *loaded);
static int read_demand(struct plan_input *in, struct err *err);
static int read_category_demand(const struct plan_input *in, const char *path, yyjson_val *key,
                                yyjson_val *value, struct demand *all, struct err *err);

static _Atomic uint64_t began_ms, told_ms; /* threads of the search ask, too */

bool plan_input_read(struct plan_input *in, int argc, char **argv, int *status)
{
    struct err err = {0};

    *in = (struct plan_input){0};
    whatif_init(&in->what);
    arena_init(&in->arena, FILE_MAX);
    if (!options_read(&in->options, argc, argv, status))
        return false;
    if (load(in, &err) == 0)
        return true;
    fprintf(stderr, "%s\n", err.text);
    *status = EXIT_usage;
    return false;
}

void plan_input_fini(struct plan_input *in)
{
    whatif_fini(&in->what);
    fleet_free(in->other);
    fleet_free(in->base);
    catalog_free(in->catalog);
    arena_fini(&in->arena);
}

uint64_t plan_clock_ms(void)
{
    uint64_t now_ms = clock_monotonic_us() / 1000;

    if (!began_ms)
        began_ms = now_ms;
    if (now_ms - began_ms > 5 * TICK_MS && now_ms - told_ms > TICK_MS && isatty(STDERR_FILENO)) {
        fprintf(stderr, "\rplanning: %llu s", (unsigned long long)(now_ms - began_ms) / 1000);
        told_ms = now_ms;
    }
    return now_ms;
}

void plan_clock_done(void)
{
    if (told_ms)
        fprintf(stderr, "\r\033[K");
    began_ms = told_ms = 0;
}

static int load(struct plan_input *in, struct err *err)
{
    const char *path = in->options.operands[0];
    int r;

    write_today(in->day);
    if ((r = catalog_load(&in->catalog, option_value(&in->options, "catalog"), err)) < 0 ||
        (r = fleet_load(&in->base, path, err)) < 0)
        return r;
    in->base_wish = (struct plan_wish){.fleet = in->base,
                                       .catalog = in->catalog,
                                       .day = str_from(in->day),
                                       .survive = 1,
                                       .now_ms = plan_clock_ms};
    if ((r = plan_measured_read(in, in->base, err)) < 0)
        return r;
    if ((r = read_numbers(in, err)) < 0 || (r = read_whats(in, err)) < 0 ||
        (r = read_holdings(in, err)) < 0)
        return r;
    return read_demand(in, err);
}

static int read_numbers(struct plan_input *in, struct err *err)
{
    struct plan_wish *wish = &in->base_wish;
    uint64_t survive = 1, threads = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);
    int r = read_number(in, "survive", SURVIVE_MAX, &survive, err);

    if (r == 0)
        r = read_number(in, "seed", UINT64_MAX, &wish->seed, err);
    if (r == 0)
        r = read_number(in, "threads", THREADS_MAX, &threads, err);
    if (r == 0)
        r = read_gap(in, &wish->gap, err);
    if (r == 0)
        r = read_time_limit(in, &wish->time_limit_ms, err);
    wish->survive = (uint32_t)survive;
    wish->threads = threads > THREADS_MAX ? THREADS_MAX : (uint32_t)threads;
    return r;
}

static int read_number(const struct plan_input *in, const char *option, uint64_t max, uint64_t *ret,
                       struct err *err)
{
    const char *text = option_value(&in->options, option);

    if (!text || (str_to_u64(ret, str_from(text)) == 0 && *ret <= max))
        return 0;
    if (max == UINT64_MAX)
        return err_set(err, -EINVAL, "tampu plan: found --%s %s, expected a whole number", option,
                       text);
    return err_set(err, -EINVAL, "tampu plan: found --%s %s, expected a number from 0 to %llu",
                   option, text, (unsigned long long)max);
}

/* "0.5%" or "0.005". */
static int read_gap(const struct plan_input *in, double *ret, struct err *err)
{
    const char *text = option_value(&in->options, "gap");
    struct str number = str_trim(str_from(text));
    bool is_percent = text && str_ends(number, STR("%"));

    *ret = gap_usual;
    if (!text)
        return 0;
    number.len -= is_percent;
    if (units_read_real(ret, number) < 0 || *ret > (is_percent ? 100 : 1))
        return err_set(err, -EINVAL, "tampu plan: found --gap %s, expected a share such as 0.5%%",
                       text);
    *ret /= is_percent ? 100 : 1;
    return 0;
}

static int read_time_limit(const struct plan_input *in, uint64_t *ret_ms, struct err *err)
{
    const char *text = option_value(&in->options, "time-limit");

    *ret_ms = option_given(&in->options, "no-proof") ? 0 : TIME_LIMIT_MS;
    if (!text || units_read_duration(ret_ms, str_from(text)) == 0)
        return 0;
    return err_set(err, -EINVAL,
                   "tampu plan: found --time-limit %s, expected a time such as 60s or 2m", text);
}

/* The questions change the wish; the file's own stays for comparison. */
static int read_whats(struct plan_input *in, struct err *err)
{
    const char *word;
    int r = 0;

    for (size_t i = 0; r == 0 && (word = option_value_at(&in->options, "what-if", i)); i++) {
        r = whatif_read(&in->what, str_from(word), in->base, in->catalog, err);
        in->has_what = true;
    }
    if (r < 0)
        return err_wrap(err, r, "tampu plan: --what-if");
    if (in->what.machines.len)
        r = fleet_load_with(&in->other, in->options.operands[0], buf_str(&in->what.machines),
                            "--what-if", err);
    if (r == 0 && in->other)
        r = plan_measured_read(in, in->other, err);
    if (r < 0)
        return r;
    in->wish = in->base_wish;
    in->wish.fleet = in->other ? in->other : in->base;
    return whatif_apply(&in->what, &in->wish, err);
}

int plan_input_json(struct json *ret, const char *path, struct err *err)
{
    struct buf text;
    int r;

    buf_init(&text, FILE_MAX);
    r = file_read(&text, path, err);
    if (r == 0 && (r = json_read(ret, buf_str(&text), JSON_MEMORY(text.len), err)) < 0)
        err_wrap(err, r, "%s", path);
    buf_fini(&text);
    return r;
}

/* As `tampu ps --json` shows it. */
static int read_holdings(struct plan_input *in, struct err *err)
{
    const char *path = option_value(&in->options, "holdings");
    struct json json = {0};
    yyjson_val *copies;
    int r;

    if (!path)
        return 0;
    if ((r = plan_input_json(&json, path, err)) < 0)
        return r;
    copies = json_find(json.root, "copies");
    if (!yyjson_is_arr(copies))
        r = err_set(err, -EINVAL, "%s: found no \"copies\", expected what `tampu ps --json` prints",
                    path);
    if (r == 0)
        r = add_holdings(in, &in->wish, copies, err);
    if (r == 0)
        r = add_holdings(in, &in->base_wish, copies, err);
    json_fini(&json);
    return r;
}

/* Each wish has machines of its own fleet.  */
static int add_holdings(struct plan_input *in, struct plan_wish *wish, yyjson_val *copies,
                        struct err *err)
{
    size_t i, count = yyjson_arr_size(copies);
    struct holding *holdings = arena_alloc(&in->arena, (count + 1) * sizeof *holdings);
    bool *loaded = arena_alloc(&in->arena, (count + 1) * sizeof *loaded);
    struct presence *presence = wish == &in->wish ? &in->presence : &in->base_presence;
    yyjson_val *copy;

    if (!holdings || !loaded)
        return err_set(err, -E2BIG, "found too many copies in --holdings");
    *presence = (struct presence){.holdings = holdings, .loaded = loaded};
    yyjson_arr_foreach(copies, i, count, copy)
    {
        presence->count +=
            read_holding(wish, copy, &holdings[presence->count], &loaded[presence->count]);
    }
    wish->holdings = holdings;
    wish->holdings_count = presence->count;
    wish->has_holdings = true;
    return 0;
}

/* False for what is only planned, and for what neither fleet nor catalog knows: that stays. */
static bool read_holding(const struct plan_wish *wish, yyjson_val *copy, struct holding *holding,
                         bool *loaded)
{
    const struct machine *m = fleet_machine(wish->fleet, json_find_str(copy, "machine"));
    struct str state = json_find_str(copy, "state"), engine = json_find_str(copy, "engine");

    if (!m || str_is(state, "planned"))
        return false;
    *holding = (struct holding){
        .machine = m,
        .engine = engine.len ? machine_engine(m, engine) : m->engines,
        .artifact = catalog_artifact(wish->catalog, json_find_str(copy, "artifact")),
    };
    *loaded = str_is(state, "loaded") || str_is(state, "loading");
    return holding->engine && holding->artifact;
}

/* {"xl-code": {"per_hour": 4, "prompt_tokens": 2000, "answer_tokens": 500}}; what is missing is as
 * the file or the table says. */
static int read_demand(struct plan_input *in, struct err *err)
{
    const char *path = option_value(&in->options, "demand");
    const struct fleet *f = in->base;
    struct json json = {0};
    struct demand *all;
    yyjson_val *key, *value;
    size_t i, count;
    int r;

    if (!path)
        return 0;
    if ((r = plan_input_json(&json, path, err)) < 0)
        return r;
    all = arena_alloc(&in->arena, (f->categories_count + 1) * sizeof *all);
    if (!all || !yyjson_is_obj(json.root))
        r = err_set(err, -EINVAL,
                    "%s: expected an object of categories, such as {\"xl-code\": {\"per_hour\": "
                    "4, \"prompt_tokens\": 2000, \"answer_tokens\": 500}}",
                    path);
    for (i = 0; i < f->categories_count && r == 0; i++)
        all[i] = demand_of(&f->categories[i], NULL);
    if (r == 0)
        yyjson_obj_foreach(json.root, i, count, key, value)
        {
            r = r < 0 ? r : read_category_demand(in, path, key, value, all, err);
        }
    json_fini(&json);
    in->wish.demand = in->base_wish.demand = all;
    return r;
}

static int read_category_demand(const struct plan_input *in, const char *path, yyjson_val *key,
                                yyjson_val *value, struct demand *all, struct err *err)
{
    struct str name = json_str(key);
    const struct category *category = fleet_category(in->base, name);
    struct demand *d = category ? &all[category - in->base->categories] : NULL;
    yyjson_val *per_hour = json_find(value, "per_hour");

    if (!d)
        return err_set(err, -EINVAL, "%s: there is no category '%.*s'", path, STR_ARG(name));
    if (!yyjson_is_num(per_hour) || yyjson_get_num(per_hour) < 0)
        return err_set(err, -EINVAL, "%s: '%.*s' needs \"per_hour\": requests an hour", path,
                       STR_ARG(name));
    d->per_hour = yyjson_get_num(per_hour);
    if (json_find_u64(value, "prompt_tokens"))
        d->prompt_tokens = (uint32_t)json_find_u64(value, "prompt_tokens");
    if (json_find_u64(value, "answer_tokens"))
        d->answer_tokens = (uint32_t)json_find_u64(value, "answer_tokens");
    return 0;
}
