/* SPDX-License-Identifier: Apache-2.0 */
/* tampu bench: how fast every copy is, beside what was expected. */
#include <stdio.h>

#include "apply/observe.h"
#include "cmd/bench_history.h"
#include "cmd/bench_show.h"
#include "cmd/command.h"
#include "cmd/option.h"
#include "cmd/state.h"
#include "cmd/terminal.h"
#include "cmd/today.h"
#include "cmd/usage.h"
#include "net/clock.h"
#include "plan/declared.h"

enum { OUTPUT_MAX = 16 << 20 };

/* A bench until it is over; machines one after the other, so that none disturbs another. */
struct bench {
    struct options options;
    struct fleet *fleet;
    struct catalog *catalog;
    struct declared *declared;
    struct asker asker;
    struct store *store; /* NULL: there is none to look into */
    char day[DAY_ROOM];
    struct buf found; /* as JSON */
    struct json_out json;
    struct table table;
    unsigned failed;
};

static int load(struct bench *b, struct err *err);
static int open_store(struct bench *b, struct err *err);
static int run(struct bench *b, struct err *err);
static int measure_copies(struct bench *b, struct err *err);
static bool is_wanted(const struct bench *b, const struct plan_copy *copy);
static int measure_copy(struct bench *b, const struct plan_copy *copy, struct err *err);
static int show_history(const struct bench *b);
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
    } else if (option_given(&b.options, "history")) {
        status = show_history(&b);
    } else if (run(&b, &err) < 0) {
        status = command_no("bench", "%s", err.text);
    } else {
        status = show(&b);
    }
    asker_close(&b.asker);
    store_close(b.store);
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
        r = open_store(b, err);
    return r < 0 ? r : asker_open(&b->asker, err);
}

/* Before anything is measured for nothing. Looking at the history makes no store. */
static int open_store(struct bench *b, struct err *err)
{
    const char *state = option_value(&b->options, "state");

    return option_given(&b->options, "history") ? state_fleet_find(&b->store, b->fleet, state, err)
                                                : state_fleet_open(&b->store, b->fleet, state, err);
}

static int run(struct bench *b, struct err *err)
{
    int r;

    b->json.out = &b->found;
    json_open(&b->json, '{');
    json_open(json_key(&b->json, "copies"), '[');
    r = measure_copies(b, err);
    json_close(&b->json, ']');
    json_close(&b->json, '}');
    if (r < 0)
        return r;
    r = b->json.error < 0 ? b->json.error : buf_put_char(&b->found, '\n');
    return r < 0 ? err_set(err, r, "out of memory") : 0;
}

static int measure_copies(struct bench *b, struct err *err)
{
    int r = 0;

    for (uint32_t i = 0; i < b->declared->plan.copies_count && r == 0; i++)
        if (is_wanted(b, &b->declared->plan.copies[i]))
            r = measure_copy(b, &b->declared->plan.copies[i], err);
    return r;
}

static bool is_wanted(const struct bench *b, const struct plan_copy *copy)
{
    const char *machine = option_value(&b->options, "machine");

    return measure_knows(copy) && (!machine || str_is(copy->machine->name, machine));
}

/* Kept at once: what a bench found before it was stopped counts. */
static int measure_copy(struct bench *b, const struct plan_copy *copy, struct err *err)
{
    struct measure_result result = {.copy = copy};
    struct endpoint endpoint;
    struct err wrong = {0};
    int r = observe_endpoint(&endpoint, copy->machine, copy->engine, &wrong);

    if (r == 0)
        r = measure(&result.m, &b->asker, &endpoint, copy, &wrong);
    result.at_us = clock_wall_us();
    if (r < 0) {
        b->failed++;
        result.wrong = str_from(wrong.text);
        fprintf(stderr, "%.*s, %.*s: %s\n", STR_ARG(copy->machine->name), STR_ARG(copy->line->pull),
                wrong.text);
    }
    measure_write(&b->json, &result);
    bench_show_rows(&b->table, &result);
    return r < 0 ? 0 : measure_keep(b->store, &result, err);
}

/* Nothing is measured. */
static int show_history(const struct bench *b)
{
    const char *machine = option_value(&b->options, "machine");
    struct err err = {0};
    struct buf text;
    int status;

    buf_init(&text, OUTPUT_MAX);
    if (bench_history(&text, b->store, machine, option_given(&b->options, "json"), &err) < 0)
        status = command_no("bench", "%s", err.text[0] ? err.text : "out of memory");
    else
        status = terminal_print(buf_str(&text));
    buf_fini(&text);
    return status;
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
