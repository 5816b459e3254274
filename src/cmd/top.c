/* SPDX-License-Identifier: Apache-2.0 */
/* The sheets of `tampu top`. */
#include "cmd/top.h"

#include <stdio.h>

#include "base/units.h"

enum { NAMES_ROOM = 256 };

static void add_machines(struct grid *g, yyjson_val *status, yyjson_val *ps);
static void add_copies(struct grid *g, yyjson_val *ps);
static void add_categories(struct grid *g, yyjson_val *status);
static void add_duty(struct grid *g, yyjson_val *machine);
static void add_engines(struct grid *g, yyjson_val *machine);
static const char *loaded_on(struct grid *g, yyjson_val *ps, struct str machine,
                             uint64_t *ret_bytes);
static const char *bytes_text(struct grid *g, uint64_t bytes);
static const char *warmth(struct grid *g, yyjson_val *machine);
static const char *text(struct grid *g, struct str s);
static const char *number(struct grid *g, yyjson_val *object, const char *name);

static const char *const machine_titles[] = {"MACHINE", "TIER",   "STATE", "RUNNING",
                                             "WAITING", "MEMORY", "TEMP",  "LOADED"};
static const char *const copy_titles[] = {"NAME",    "MACHINE", "STATE",   "MEMORY",
                                          "CONTEXT", "BUSY",    "WAITING", "ARTIFACT"};
static const char *const category_titles[] = {"CATEGORY", "STATE", "PRIMARY", "SERVING"};
static const char *const detail_titles[] = {"WHAT", "STATE", "BUSY", "MEMORY", "WHERE"};

const char *sheet_name(enum sheet s)
{
    static const char *const names[SHEET_COUNT] = {[SHEET_machines] = "machines",
                                                   [SHEET_copies] = "copies",
                                                   [SHEET_categories] = "categories"};

    return names[s];
}

void top_sheet(struct grid *g, enum sheet sheet, yyjson_val *status, yyjson_val *ps)
{
    switch (sheet) {
    case SHEET_copies:
        grid_init(g, copy_titles, COUNT_OF(copy_titles));
        add_copies(g, ps);
        return;
    case SHEET_categories:
        grid_init(g, category_titles, COUNT_OF(category_titles));
        add_categories(g, status);
        return;
    default:
        grid_init(g, machine_titles, COUNT_OF(machine_titles));
        add_machines(g, status, ps);
    }
}

void top_details(struct grid *g, const char *machine, yyjson_val *status, yyjson_val *ps)
{
    yyjson_val *one, *copy;
    size_t i, count;

    grid_init(g, detail_titles, COUNT_OF(detail_titles));
    yyjson_arr_foreach(json_find(status, "machines"), i, count, one)
    {
        if (!str_is(json_find_str(one, "machine"), machine))
            continue;
        add_duty(g, one);
        add_engines(g, one);
    }
    yyjson_arr_foreach(json_find(ps, "copies"), i, count, copy)
    {
        struct grid_row *row;

        if (!str_is(json_find_str(copy, "machine"), machine))
            continue;
        row = grid_add(g);
        row->cells[0] = text(g, json_find_str(copy, "artifact"));
        row->cells[1] = text(g, json_find_str(copy, "state"));
        row->cells[2] = number(g, copy, "busy");
        row->cells[3] = bytes_text(g, json_find_u64(copy, "memory_bytes"));
        row->cells[4] = text(g, json_find_str(copy, "engine"));
        row->mood = str_is(json_find_str(copy, "state"), "loaded") ? MOOD_good : MOOD_faint;
    }
}

void top_head(char *out, size_t room, yyjson_val *status, struct top_rate *rate, uint64_t now_us)
{
    yyjson_val *requests = json_find(status, "requests");
    uint64_t total = json_find_u64(requests, "total");
    char per_s[32] = "";
    struct buf up;

    if (rate->at_us && now_us > rate->at_us && total >= rate->total)
        rate->per_s = (double)(total - rate->total) * 1e6 / (double)(now_us - rate->at_us);
    else
        rate->per_s = -1;
    *rate = (struct top_rate){total, now_us, rate->per_s};
    if (rate->per_s >= 0)
        snprintf(per_s, sizeof per_s, ", %.1f/s", rate->per_s);
    buf_init(&up, 64);
    if (units_write_duration(&up, json_find_u64(status, "uptime_s") * 1000) < 0)
        buf_reset(&up);
    snprintf(out, room, "tampu %.*s, fleet %.*s, up %.*s; %llu requests, %llu failed%s",
             STR_ARG(json_find_str(status, "version")), STR_ARG(json_find_str(status, "fleet")),
             STR_ARG(buf_str(&up)), (unsigned long long)total,
             (unsigned long long)json_find_u64(requests, "failed"), per_s);
    buf_fini(&up);
}

static void add_machines(struct grid *g, yyjson_val *status, yyjson_val *ps)
{
    yyjson_val *machine;
    size_t i, count;

    yyjson_arr_foreach(json_find(status, "machines"), i, count, machine)
    {
        struct grid_row *row = grid_add(g);
        bool is_up = json_find_true(machine, "up");
        struct str duty = json_find_str(machine, "duty");
        bool is_away = duty.len && !str_is(duty, "serves"); /* cordoned or drained */
        uint64_t bytes = 0;

        row->cells[0] = text(g, json_find_str(machine, "machine"));
        row->cells[1] = number(g, machine, "tier");
        row->cells[2] = !is_up ? "down" : is_away ? text(g, duty) : "up";
        row->cells[3] = number(g, machine, "running");
        row->cells[4] = number(g, machine, "waiting");
        row->cells[6] = warmth(g, machine);
        row->cells[7] = loaded_on(g, ps, json_find_str(machine, "machine"), &bytes);
        row->cells[5] = bytes_text(g, bytes);
        row->mood = is_up ? MOOD_good : MOOD_bad;
    }
}

/* Nothing where nobody says. */
static const char *warmth(struct grid *g, yyjson_val *machine)
{
    if (!json_find(machine, "temperature_celsius"))
        return "-";
    return grid_text(g, "%.0f C", json_find_real(machine, "temperature_celsius"));
}

static void add_copies(struct grid *g, yyjson_val *ps)
{
    yyjson_val *copy;
    size_t i, count;

    yyjson_arr_foreach(json_find(ps, "copies"), i, count, copy)
    {
        struct grid_row *row = grid_add(g);
        struct str name = json_find_str(copy, "name");

        row->cells[0] = text(g, name.len ? name : json_find_str(copy, "artifact"));
        row->cells[1] = text(g, json_find_str(copy, "machine"));
        row->cells[2] = text(g, json_find_str(copy, "state"));
        row->cells[3] = bytes_text(g, json_find_u64(copy, "memory_bytes"));
        row->cells[4] = number(g, copy, "context");
        row->cells[5] =
            grid_text(g, "%llu of %llu", (unsigned long long)json_find_u64(copy, "busy"),
                      (unsigned long long)json_find_u64(copy, "slots"));
        row->cells[6] = number(g, copy, "waiting");
        row->cells[7] = text(g, json_find_str(copy, "artifact"));
        row->mood = str_is(json_find_str(copy, "state"), "loaded") ? MOOD_good : MOOD_faint;
    }
}

static void add_categories(struct grid *g, yyjson_val *status)
{
    yyjson_val *category;
    size_t i, count;

    yyjson_arr_foreach(json_find(status, "categories"), i, count, category)
    {
        struct grid_row *row = grid_add(g);
        struct str serving = json_find_str(category, "serving");
        bool is_ready = json_find_true(category, "ready");
        bool is_first = str_equal(serving, json_find_str(category, "primary"));

        row->cells[0] = text(g, json_find_str(category, "category"));
        row->cells[1] = !is_ready ? "not served" : is_first ? "ready" : "by a stand-in";
        row->cells[2] = text(g, json_find_str(category, "primary"));
        row->cells[3] = text(g, serving);
        row->mood = !is_ready ? MOOD_bad : is_first ? MOOD_good : MOOD_usual;
    }
}

/* Who took it out of service, and when. */
static void add_duty(struct grid *g, yyjson_val *machine)
{
    struct str by = json_find_str(machine, "duty_by");
    struct grid_row *row;
    struct buf since;

    if (!by.len)
        return;
    buf_init(&since, 64);
    if (units_write_time(&since, (int64_t)json_find_u64(machine, "duty_since") * 1000000) < 0)
        buf_reset(&since);
    row = grid_add(g);
    row->cells[0] = grid_text(g, "since %.*s", STR_ARG(buf_str(&since)));
    row->cells[1] = text(g, json_find_str(machine, "duty"));
    row->cells[4] = grid_text(g, "by %.*s", STR_ARG(by));
    row->mood = MOOD_usual;
    buf_fini(&since);
}

static void add_engines(struct grid *g, yyjson_val *machine)
{
    yyjson_val *engine;
    size_t i, count;

    yyjson_arr_foreach(json_find(machine, "engines"), i, count, engine)
    {
        struct grid_row *row = grid_add(g);
        bool is_up = json_find_true(engine, "up");

        row->cells[0] = text(g, json_find_str(engine, "engine"));
        row->cells[1] = is_up ? "up" : "down";
        row->cells[3] = text(g, json_find_str(engine, "version"));
        row->cells[4] = text(g, json_find_str(engine, "address"));
        row->mood = is_up ? MOOD_good : MOOD_bad;
    }
}

/* "qwen3-coder:30b nomic-embed-text" */
static const char *loaded_on(struct grid *g, yyjson_val *ps, struct str machine,
                             uint64_t *ret_bytes)
{
    char names[NAMES_ROOM] = "";
    size_t used = 0, i, count;
    yyjson_val *copy;

    yyjson_arr_foreach(json_find(ps, "copies"), i, count, copy)
    {
        if (!str_equal(json_find_str(copy, "machine"), machine) ||
            !str_is(json_find_str(copy, "state"), "loaded"))
            continue;
        *ret_bytes += json_find_u64(copy, "memory_bytes");
        if (used < sizeof names)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%.*s", used ? " " : "",
                                     STR_ARG(json_find_str(copy, "artifact")));
    }
    return grid_text(g, "%s", names);
}

static const char *bytes_text(struct grid *g, uint64_t bytes)
{
    return bytes ? grid_text(g, "%.1f GB", (double)bytes / 1e9) : "-";
}

static const char *text(struct grid *g, struct str s)
{
    return s.len ? grid_text(g, "%.*s", STR_ARG(s)) : "-";
}

static const char *number(struct grid *g, yyjson_val *object, const char *name)
{
    return grid_text(g, "%llu", (unsigned long long)json_find_u64(object, name));
}
