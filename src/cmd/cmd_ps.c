/* SPDX-License-Identifier: Apache-2.0 */
/* tampu ps: what is loaded, where. */
#include <ctype.h>

#include "base/units.h"
#include "cmd/ask.h"
#include "cmd/command.h"
#include "cmd/table.h"

static void add_copy(struct table *t, yyjson_val *copy);
static void add_size(struct table *t, uint64_t bytes);
static void add_processor(struct table *t, uint64_t gpu, uint64_t all);
static void add_context(struct table *t, uint64_t tokens);
static void add_until(struct table *t, yyjson_val *copy);
static void add_busy(struct table *t, yyjson_val *copy);

int cmd_ps(int argc, char **argv)
{
    return ask_and_show(argc, argv, "/admin/v1/ps", ps_write);
}

/* Copies that are only planned or on disk are left to --json. */
int ps_write(struct buf *out, yyjson_val *root, bool colors)
{
    static const char *const titles[] = {"NAME",    "MACHINE", "SIZE", "PROCESSOR",
                                         "CONTEXT", "UNTIL",   "BUSY", "WAITING"};
    struct table t;
    yyjson_val *copy;
    size_t i, count;
    int r;

    table_init(&t, COUNT_OF(titles));
    for (i = 0; i < COUNT_OF(titles); i++)
        table_add(&t, PAINT_faint, str_from(titles[i]));
    yyjson_arr_foreach(json_find(root, "copies"), i, count, copy)
    {
        struct str state = json_find_str(copy, "state");

        if (str_is(state, "loaded") || str_is(state, "loading"))
            add_copy(&t, copy);
    }
    r = table_write(&t, out, 0, colors);
    table_fini(&t);
    return r;
}

static void add_copy(struct table *t, yyjson_val *copy)
{
    struct str name = json_find_str(copy, "name");

    table_add(t, PAINT_none, name.len ? name : json_find_str(copy, "artifact"));
    table_add(t, PAINT_none, json_find_str(copy, "machine"));
    add_size(t, json_find_u64(copy, "memory_bytes"));
    add_processor(t, json_find_u64(copy, "gpu_bytes"), json_find_u64(copy, "memory_bytes"));
    add_context(t, json_find_u64(copy, "context"));
    add_until(t, copy);
    add_busy(t, copy);
    table_addf(t, PAINT_none, "%llu", (unsigned long long)json_find_u64(copy, "waiting"));
}

static void add_size(struct table *t, uint64_t bytes)
{
    struct buf text;

    buf_init(&text, 64);
    if (bytes && units_write_bytes(&text, bytes) == 0)
        table_add(t, PAINT_none, buf_str(&text));
    else
        table_add(t, PAINT_none, STR("-"));
    buf_fini(&text);
}

/* As people know it from Ollama: "100% GPU", "52%/48% CPU/GPU". */
static void add_processor(struct table *t, uint64_t gpu, uint64_t all)
{
    unsigned percent = all ? (unsigned)((double)gpu * 100 / (double)all + 0.5) : 0;

    if (!all)
        table_add(t, PAINT_none, STR("-"));
    else if (gpu >= all)
        table_add(t, PAINT_none, STR("100% GPU"));
    else if (!gpu)
        table_add(t, PAINT_none, STR("100% CPU"));
    else
        table_addf(t, PAINT_none, "%u%%/%u%% CPU/GPU", 100 - percent, percent);
}

static void add_context(struct table *t, uint64_t tokens)
{
    if (tokens)
        table_addf(t, PAINT_none, "%llu", (unsigned long long)tokens);
    else
        table_add(t, PAINT_none, STR("-"));
}

/* RFC 3339 without the fraction of the second. Ollama says "for ever" as a time centuries away. */
static void add_until(struct table *t, yyjson_val *copy)
{
    struct str until = json_find_str(copy, "until"), zone, whole = str_cut(until, '.', &zone);

    while (zone.len && isdigit((unsigned char)zone.data[0]))
        zone = str_slice(zone.data + 1, zone.len - 1);
    if (str_is(json_find_str(copy, "state"), "loading"))
        table_add(t, PAINT_faint, STR("loading"));
    else if (until.len == 0)
        table_add(t, PAINT_none, STR("-"));
    else if (until.data[0] > '2' || (until.len > 1 && until.data[1] > '1'))
        table_add(t, PAINT_none, STR("for ever"));
    else
        table_addf(t, PAINT_none, "%.*s%.*s", STR_ARG(whole), STR_ARG(zone));
}

/* Requests running, of as many as it takes at once. */
static void add_busy(struct table *t, yyjson_val *copy)
{
    unsigned long long busy = json_find_u64(copy, "busy"), slots = json_find_u64(copy, "slots");

    if (slots)
        table_addf(t, PAINT_none, "%llu of %llu", busy, slots);
    else
        table_addf(t, PAINT_none, "%llu", busy);
}
