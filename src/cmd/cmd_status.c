/* SPDX-License-Identifier: Apache-2.0 */
/* tampu status: what is up. */
#include "base/units.h"
#include "cmd/ask.h"
#include "cmd/command.h"
#include "cmd/table.h"

static int write_head(struct buf *out, yyjson_val *root);
static int write_machines(struct buf *out, yyjson_val *machines, bool colors);
static void add_machine(struct table *t, yyjson_val *machine);
static void add_engine(struct table *t, yyjson_val *machine, yyjson_val *engine, bool is_first);
static int write_duties(struct buf *out, yyjson_val *machines);
static int write_categories(struct buf *out, yyjson_val *categories, bool colors);
static int write_drift(struct buf *out, yyjson_val *machines, bool colors);
static uint32_t add_drift(struct table *t, yyjson_val *machine, yyjson_val *engine);
static void add_titles(struct table *t, const char *const *titles);
static void add_up(struct table *t, bool up);
static void add_duration(struct table *t, uint64_t seconds);
static void add_or_dash(struct table *t, struct str text);

int cmd_status(int argc, char **argv)
{
    return ask_and_show(argc, argv, "/admin/v1/status", status_write);
}

int status_write(struct buf *out, yyjson_val *root, bool colors)
{
    int r = write_head(out, root);

    if (r == 0)
        r = write_machines(out, json_find(root, "machines"), colors);
    if (r == 0)
        r = write_duties(out, json_find(root, "machines"));
    if (r == 0)
        r = write_categories(out, json_find(root, "categories"), colors);
    if (r == 0)
        r = write_drift(out, json_find(root, "machines"), colors);
    return r;
}

static int write_head(struct buf *out, yyjson_val *root)
{
    yyjson_val *requests = json_find(root, "requests");
    uint64_t up_s = json_find_u64(root, "uptime_s");
    int r;

    if ((r = buf_printf(out, "tampu %.*s, fleet %.*s, up ", STR_ARG(json_find_str(root, "version")),
                        STR_ARG(json_find_str(root, "fleet")))) < 0 ||
        (r = units_write_duration(out, up_s * 1000)) < 0)
        return r;
    return buf_printf(out, "; %llu requests, %llu failed\n\n",
                      (unsigned long long)json_find_u64(requests, "total"),
                      (unsigned long long)json_find_u64(requests, "failed"));
}

static int write_machines(struct buf *out, yyjson_val *machines, bool colors)
{
    static const char *const titles[] = {"MACHINE", "TIER", "STATE",   "ENGINE",  "ADDRESS",
                                         "VERSION", "FOR",  "RUNNING", "WAITING", NULL};
    struct table t;
    yyjson_val *machine;
    size_t i, count;
    int r;

    table_init(&t, COUNT_OF(titles) - 1);
    add_titles(&t, titles);
    yyjson_arr_foreach(machines, i, count, machine)
    {
        add_machine(&t, machine);
    }
    r = table_write(&t, out, 0, colors);
    table_fini(&t);
    return r;
}

/* A line for each engine; what belongs to the machine stands in the first. */
static void add_machine(struct table *t, yyjson_val *machine)
{
    yyjson_val *engine, *engines = json_find(machine, "engines");
    size_t i, count;

    if (yyjson_arr_size(engines) == 0)
        add_engine(t, machine, NULL, true);
    yyjson_arr_foreach(engines, i, count, engine)
    {
        add_engine(t, machine, engine, i == 0);
    }
}

static void add_engine(struct table *t, yyjson_val *machine, yyjson_val *engine, bool is_first)
{
    uint64_t tier = json_find_u64(machine, "tier");

    table_add(t, PAINT_none, is_first ? json_find_str(machine, "machine") : STR(""));
    if (is_first && tier)
        table_addf(t, PAINT_none, "%llu", (unsigned long long)tier);
    else
        table_add(t, PAINT_none, is_first ? STR("-") : STR(""));
    add_up(t, json_find_true(engine ? engine : machine, "up"));
    add_or_dash(t, json_find_str(engine, "engine"));
    add_or_dash(t, json_find_str(engine, "address"));
    add_or_dash(t, json_find_str(engine, "version"));
    if (engine)
        add_duration(t, json_find_u64(engine, "since_s"));
    else
        table_add(t, PAINT_none, STR("-"));
    if (is_first) {
        table_addf(t, PAINT_none, "%llu", (unsigned long long)json_find_u64(machine, "running"));
        table_addf(t, PAINT_none, "%llu", (unsigned long long)json_find_u64(machine, "waiting"));
    } else {
        table_add(t, PAINT_none, STR(""));
        table_add(t, PAINT_none, STR(""));
    }
}

/* A line for each machine that was taken out of service. */
static int write_duties(struct buf *out, yyjson_val *machines)
{
    yyjson_val *machine;
    size_t i, count;
    int r = 0;

    yyjson_arr_foreach(machines, i, count, machine)
    {
        struct str by = json_find_str(machine, "duty_by");

        if (!by.len || r < 0)
            continue;
        r = buf_printf(out, "%.*s: %.*s by %.*s, since ",
                       STR_ARG(json_find_str(machine, "machine")),
                       STR_ARG(json_find_str(machine, "duty")), STR_ARG(by));
        if (r == 0)
            r = units_write_time(out, (int64_t)json_find_u64(machine, "duty_since") * 1000000);
        if (r == 0)
            r = buf_put_char(out, '\n');
    }
    return r;
}

static int write_categories(struct buf *out, yyjson_val *categories, bool colors)
{
    static const char *const titles[] = {"CATEGORY", "STATE", "PRIMARY", "SERVING", NULL};
    struct table t;
    yyjson_val *category;
    size_t i, count;
    int r;

    if (yyjson_arr_size(categories) == 0)
        return 0;
    table_init(&t, COUNT_OF(titles) - 1);
    add_titles(&t, titles);
    yyjson_arr_foreach(categories, i, count, category)
    {
        bool ready = json_find_true(category, "ready");

        add_or_dash(&t, json_find_str(category, "category"));
        table_add(&t, ready ? PAINT_good : PAINT_bad, ready ? STR("ready") : STR("not served"));
        add_or_dash(&t, json_find_str(category, "primary"));
        add_or_dash(&t, json_find_str(category, "serving"));
    }
    r = buf_put_char(out, '\n');
    if (r == 0)
        r = table_write(&t, out, 0, colors);
    table_fini(&t);
    return r;
}

/* Where engines have not what the file declares; nothing when all have it. */
static int write_drift(struct buf *out, yyjson_val *machines, bool colors)
{
    static const char *const titles[] = {"DRIFT", "ENGINE", "MODEL", "WHAT", NULL};
    yyjson_val *machine, *engine;
    size_t i, k, count, engines;
    uint32_t rows = 0;
    struct table t;
    int r = 0;

    table_init(&t, COUNT_OF(titles) - 1);
    add_titles(&t, titles);
    yyjson_arr_foreach(machines, i, count, machine)
    {
        yyjson_arr_foreach(json_find(machine, "engines"), k, engines, engine)
        {
            rows += add_drift(&t, machine, engine);
        }
    }
    if (rows && (r = buf_put_char(out, '\n')) == 0)
        r = table_write(&t, out, 0, colors);
    table_fini(&t);
    return r;
}

static uint32_t add_drift(struct table *t, yyjson_val *machine, yyjson_val *engine)
{
    uint32_t rows = 0;
    yyjson_val *drift;
    size_t i, count;

    yyjson_arr_foreach(json_find(engine, "drift"), i, count, drift)
    {
        add_or_dash(t, json_find_str(machine, "machine"));
        add_or_dash(t, json_find_str(engine, "engine"));
        add_or_dash(t, json_find_str(drift, "model"));
        add_or_dash(t, json_find_str(drift, "words"));
        rows++;
    }
    return rows;
}

static void add_titles(struct table *t, const char *const *titles)
{
    for (; *titles; titles++)
        table_add(t, PAINT_faint, str_from(*titles));
}

static void add_up(struct table *t, bool up)
{
    table_add(t, up ? PAINT_good : PAINT_bad, up ? STR("up") : STR("down"));
}

static void add_duration(struct table *t, uint64_t seconds)
{
    struct buf text;

    buf_init(&text, 64);
    if (units_write_duration(&text, seconds * 1000) == 0)
        table_add(t, PAINT_none, buf_str(&text));
    else
        table_add(t, PAINT_none, STR("-"));
    buf_fini(&text);
}

static void add_or_dash(struct table *t, struct str text)
{
    table_add(t, PAINT_none, text.len ? text : STR("-"));
}
