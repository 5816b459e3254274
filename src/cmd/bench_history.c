/* SPDX-License-Identifier: Apache-2.0 */
/* What was measured before. */
#include "cmd/bench_history.h"

#include "cmd/key_text.h"
#include "cmd/table.h"
#include "cmd/terminal.h"
#include "wire/json.h"

static const char *const titles[] = {"MEASURED", "MACHINE",  "ENGINE", "ARTIFACT", "LOAD",
                                     "PREFILL",  "EXPECTED", "DECODE", "EXPECTED"};

struct history {
    const char *machine;
    struct table table;
    struct json_out json;
};

static measurement_fn add;
static void add_row(struct table *t, const struct measurement_row *row, yyjson_val *found);
static void add_speed(struct table *t, double per_s);

int bench_history(struct buf *out, struct store *s, const char *machine, bool as_json,
                  struct err *err)
{
    struct history h = {.machine = machine, .json = {.out = out}};
    int r;

    table_init(&h.table, COUNT_OF(titles));
    for (size_t i = 0; i < COUNT_OF(titles); i++)
        table_add(&h.table, PAINT_faint, str_from(titles[i]));
    if (as_json) {
        json_open(&h.json, '{');
        json_open(json_key(&h.json, "copies"), '[');
    } else {
        h.json.out = NULL;
    }
    r = s ? store_measurement_last(s, MEASUREMENTS_KEPT, add, &h, err) : 0;
    if (r == 0 && as_json) {
        json_close(&h.json, ']');
        json_close(&h.json, '}');
        r = h.json.error < 0 ? h.json.error : buf_put_char(out, '\n');
    } else if (r == 0) {
        r = table_write(&h.table, out, terminal_width(), terminal_takes_colors());
    }
    table_fini(&h.table);
    return r;
}

static int add(void *ctx, const struct measurement_row *row)
{
    struct history *h = ctx;
    struct json json = {0};

    if (h->machine && !str_is(row->machine, h->machine))
        return 0;
    if (h->json.out)
        json_raw(&h->json, row->found);
    else if (json_read(&json, row->found, JSON_MEMORY(row->found.len), NULL) == 0)
        add_row(&h->table, row, json.root);
    json_fini(&json);
    return 0;
}

/* Of the prefill the longest prompt tells most. */
static void add_row(struct table *t, const struct measurement_row *row, yyjson_val *found)
{
    yyjson_val *expected = json_find(found, "expected");
    char at[KEY_TIME_ROOM];

    key_time(at, row->at_us);
    table_add(t, PAINT_none, str_from(at));
    table_add(t, PAINT_none, row->machine);
    table_add(t, PAINT_none, row->engine);
    table_add(t, PAINT_none, row->artifact);
    table_addf(t, PAINT_none, "%.1f s", json_find_real(found, "load_s"));
    add_speed(t, json_find_real(yyjson_arr_get_last(json_find(found, "prompts")), "prefill_tps"));
    add_speed(t, json_find_real(expected, "prefill_tps"));
    add_speed(t, json_find_real(found, "decode_tps"));
    add_speed(t, json_find_real(expected, "decode_tps"));
}

static void add_speed(struct table *t, double per_s)
{
    per_s > 0 ? table_addf(t, PAINT_none, "%.1f/s", per_s) : table_add(t, PAINT_faint, STR("-"));
}
