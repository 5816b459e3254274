/* SPDX-License-Identifier: Apache-2.0 */
/* tampu bench: how fast every copy is, beside what was expected. */
#include <errno.h>
#include <stdio.h>

#include "apply/observe.h"
#include "base/file.h"
#include "cmd/bench_keep.h"
#include "cmd/bench_show.h"
#include "cmd/command.h"
#include "cmd/option.h"
#include "cmd/state.h"
#include "cmd/terminal.h"
#include "cmd/today.h"
#include "cmd/usage.h"
#include "plan/declared.h"

enum { OUTPUT_MAX = 16 << 20, FOLDER_ROOM = 4100 };

/* A bench until it is over; machines one after the other, so that none disturbs another. */
struct bench {
    struct options options;
    struct fleet *fleet;
    struct catalog *catalog;
    struct declared *declared;
    struct asker asker;
    char day[DAY_ROOM], folder[FOLDER_ROOM]; /* folder: of the state */
    struct buf found;                        /* as JSON */
    struct json_out json;
    struct table table;
    unsigned failed;
};

static int load(struct bench *b, struct err *err);
static int find_folder(struct bench *b, struct err *err);
static int run(struct bench *b, struct err *err);
static int measure_copies(struct bench *b);
static bool is_wanted(const struct bench *b, const struct plan_copy *copy);
static void measure_copy(struct bench *b, const struct plan_copy *copy);
static int show(struct bench *b);

int cmd_bench(int argc, char **argv)
{
    struct bench b = {0};
    struct err err = {0};
    int status;

    if (!options_read(&b.options, argc, argv, &status))
        return status;
    buf_init(&b.found, OUTPUT_MAX);
    bench_show_titles(&b.table);
    if (load(&b, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        status = EXIT_usage;
    } else if (run(&b, &err) < 0) {
        status = command_no("bench", "%s", err.text);
    } else {
        status = show(&b);
    }
    asker_close(&b.asker);
    table_fini(&b.table);
    buf_fini(&b.found);
    declared_free(b.declared);
    fleet_free(b.fleet);
    catalog_free(b.catalog);
    return status;
}

static int load(struct bench *b, struct err *err)
{
    struct plan_wish wish;
    int r = fleet_load(&b->fleet, b->options.operands[0], err);

    write_today(b->day);
    if (r == 0)
        r = catalog_load(&b->catalog, option_value(&b->options, "catalog"), err);
    wish = (struct plan_wish){.fleet = b->fleet, .catalog = b->catalog, .day = str_from(b->day)};
    if (r == 0)
        r = declared_make(&b->declared, &wish, err);
    if (r == 0)
        r = find_folder(b, err);
    return r < 0 ? r : asker_open(&b->asker, err);
}

static int find_folder(struct bench *b, struct err *err)
{
    char url[FOLDER_ROOM];
    int r = state_url(url, sizeof url, option_value(&b->options, "state"), err);

    if (r < 0)
        return r;
    store_folder(b->folder, sizeof b->folder, str_from(url));
    return 0;
}

static int run(struct bench *b, struct err *err)
{
    char inside[FOLDER_ROOM + 2];
    int r;

    b->json.out = &b->found;
    json_open(&b->json, '{');
    json_open(json_key(&b->json, "copies"), '[');
    r = measure_copies(b);
    json_close(&b->json, ']');
    json_close(&b->json, '}');
    r = b->json.error < 0 ? b->json.error : buf_put_char(&b->found, '\n');
    if (r < 0)
        return err_set(err, r, "out of memory");
    snprintf(inside, sizeof inside, "%s/.", b->folder);
    r = file_make_folders(inside, err);
    return r < 0 ? r : bench_keep(b->folder, buf_str(&b->found), err);
}

static int measure_copies(struct bench *b)
{
    for (uint32_t i = 0; i < b->declared->plan.copies_count; i++)
        if (is_wanted(b, &b->declared->plan.copies[i]))
            measure_copy(b, &b->declared->plan.copies[i]);
    return b->json.error;
}

static bool is_wanted(const struct bench *b, const struct plan_copy *copy)
{
    const char *machine = option_value(&b->options, "machine");

    return measure_knows(copy) && (!machine || str_is(copy->machine->name, machine));
}

static void measure_copy(struct bench *b, const struct plan_copy *copy)
{
    struct bench_result result = {.copy = copy};
    struct endpoint endpoint;
    struct err err = {0};
    int r = observe_endpoint(&endpoint, copy->machine, copy->engine, &err);

    if (r == 0)
        r = measure(&result.m, &b->asker, &endpoint, copy, &err);
    if (r < 0) {
        b->failed++;
        result.wrong = str_from(err.text);
        fprintf(stderr, "%.*s, %.*s: %s\n", STR_ARG(copy->machine->name), STR_ARG(copy->line->pull),
                err.text);
    }
    bench_show_json(&b->json, &result);
    bench_show_rows(&b->table, &result);
}

static int show(struct bench *b)
{
    struct buf text;
    int status = EXIT_done, r = 0;

    buf_init(&text, OUTPUT_MAX);
    if (!option_given(&b->options, "json"))
        r = table_write(&b->table, &text, terminal_width(), terminal_takes_colors());
    if (r < 0)
        status = command_no("bench", "out of memory");
    else
        status =
            terminal_print(option_given(&b->options, "json") ? buf_str(&b->found) : buf_str(&text));
    buf_fini(&text);
    return status == EXIT_done && b->failed ? EXIT_no : status;
}
