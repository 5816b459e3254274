/* SPDX-License-Identifier: Apache-2.0 */
/* tampu key: keys of callers and operators, made, listed and revoked in the store itself. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/units.h"
#include "cmd/command.h"
#include "cmd/option.h"
#include "cmd/state.h"
#include "cmd/table.h"
#include "cmd/terminal.h"
#include "cmd/usage.h"
#include "net/clock.h"
#include "store/keyring.h"
#include "wire/json_out.h"

enum { NAME_LENGTH_MAX = 64, LIST_MAX = 64 << 20, TIME_ROOM = 32 };

typedef int action_fn(struct store *s, const struct options *o, struct err *err);

struct listing {
    struct json_out json;
    struct table table;
    int64_t now_us;
};

static action_fn create, list, revoke;
static int read_new_key(struct key_row *row, const struct options *o, struct err *err);
static int print_new_key(const char *text, const struct key_row *row, bool as_json);
static key_fn add_to_json, add_to_table;
static int print_listing(struct store *s, struct listing *l, bool as_json, struct err *err);
static void write_row(struct json_out *o, const struct key_row *row);
static void write_time(struct json_out *o, const char *name, int64_t us);
static const char *state_of(const struct key_row *row, int64_t now_us);
static const char *role_name(enum key_role role);
static void format_time(char out[TIME_ROOM], int64_t us);

static const struct {
    const char *name;
    action_fn *run;
    bool wants_key, makes_store;
} actions[] = {
    {"create", create, false, true}, {"list", list, false, false}, {"revoke", revoke, true, false}};

int cmd_key(int argc, char **argv)
{
    struct options o = {0};
    struct err err = {0};
    AUTO(store) s = NULL;
    size_t i = 0;
    int status, r;

    if (!options_read(&o, argc, argv, &status))
        return status;
    while (i < COUNT_OF(actions) && strcmp(actions[i].name, o.operands[0]) != 0)
        i++;
    if (i == COUNT_OF(actions))
        return usage_error("key", "expected create, list or revoke, found '%s'", o.operands[0]);
    if (actions[i].wants_key != (o.operand_count == 2))
        return usage_error("key", actions[i].wants_key
                                      ? "revoke needs the id, prefix or name of a key"
                                      : "one word too many");
    r = actions[i].makes_store ? state_open(&s, option_value(&o, "state"), &err)
                               : state_find(&s, option_value(&o, "state"), &err);
    if (r < 0)
        return command_no("key", "%s", err.text);
    r = actions[i].run(s, &o, &err);
    if (r >= 0)
        return r;
    return r == -EINVAL ? usage_error("key", "%s", err.text) : command_no("key", "%s", err.text);
}

/* s is NULL where no store has been made yet. Actions return an exit status, or a negative errno
 * with words. */
static int create(struct store *s, const struct options *o, struct err *err)
{
    unsigned char pepper[32];
    char text[KEY_TEXT_MAX];
    struct key_row row = {0};
    int r;

    if ((r = read_new_key(&row, o, err)) < 0 || (r = store_pepper(s, pepper, err)) < 0 ||
        (r = key_make(text, &row, pepper, err)) < 0 || (r = store_key_put(s, &row, err)) < 0)
        return r;
    return print_new_key(text, &row, option_given(o, "json"));
}

static int read_new_key(struct key_row *row, const struct options *o, struct err *err)
{
    const char *name = option_value(o, "name"), *owner = option_value(o, "owner"),
               *expires = option_value(o, "expires");
    uint64_t good_ms = 0;

    if (!name || !name[0])
        return err_set(err, -EINVAL, "a key needs a name that says what it is for: --name laptop");
    if (strlen(name) > NAME_LENGTH_MAX || (owner && strlen(owner) > NAME_LENGTH_MAX))
        return err_set(err, -EINVAL, "names of keys and owners have at most %d bytes",
                       NAME_LENGTH_MAX);
    if (expires && (units_read_duration(&good_ms, str_from(expires)) < 0 || good_ms == 0 ||
                    good_ms > INT64_MAX / 4000))
        return err_set(err, -EINVAL, "--expires %s: expected a time like 30d or 12h", expires);
    row->name = str_from(name);
    row->owner = str_from(owner);
    row->role = option_given(o, "operator") ? KEY_operator : KEY_caller;
    row->created_us = clock_wall_us();
    if (good_ms)
        row->expires_us = row->created_us + (int64_t)good_ms * 1000;
    return 0;
}

/* The key alone on standard output, so that a script can take it; the rest is for the reader. */
static int print_new_key(const char *text, const struct key_row *row, bool as_json)
{
    char line[2048], until[TIME_ROOM];
    struct buf out;
    struct json_out json = {.out = &out};
    int status;

    if (!as_json) {
        format_time(until, row->expires_us);
        fprintf(stderr, "key %s for '%.*s' (%s), good %s%s; it is shown only now:\n", row->id,
                STR_ARG(row->name), role_name(row->role), row->expires_us ? "until " : "for ever",
                row->expires_us ? until : "");
        snprintf(line, sizeof line, "%s\n", text);
        return terminal_print(str_from(line));
    }
    buf_init(&out, sizeof line);
    json_open(&json, '{');
    json_text(json_key(&json, "key"), str_from(text));
    write_row(&json, row);
    json_close(&json, '}');
    if (!json.error)
        json.error = buf_put_char(&out, '\n');
    status = json.error ? command_no("key", "out of memory") : terminal_print(buf_str(&out));
    buf_fini(&out);
    return status;
}

static int list(struct store *s, const struct options *o, struct err *err)
{
    struct listing l = {.now_us = clock_wall_us()};
    struct buf out;
    int r;

    buf_init(&out, LIST_MAX);
    l.json.out = &out;
    table_init(&l.table, 8);
    r = print_listing(s, &l, option_given(o, "json"), err);
    table_fini(&l.table);
    buf_fini(&out);
    return r;
}

static int print_listing(struct store *s, struct listing *l, bool as_json, struct err *err)
{
    static const char *const titles[] = {"ID",   "KEY",   "NAME",    "OWNER",
                                         "ROLE", "STATE", "CREATED", "EXPIRES"};
    int r = 0;

    if (as_json) {
        json_open(&l->json, '{');
        json_open(json_key(&l->json, "keys"), '[');
    }
    for (size_t i = 0; i < COUNT_OF(titles); i++)
        table_add(&l->table, PAINT_faint, str_from(titles[i]));
    if (s && (r = store_key_each(s, as_json ? add_to_json : add_to_table, l, err)) < 0)
        return r;
    if (as_json) {
        json_close(&l->json, ']');
        json_close(&l->json, '}');
        r = l->json.error ? l->json.error : buf_put_char(l->json.out, '\n');
    } else if (l->table.count == COUNT_OF(titles)) {
        r = buf_put(l->json.out, STR("no keys: only callers on this machine are served\n"));
    } else {
        r = table_write(&l->table, l->json.out, 0, terminal_takes_colors());
    }
    return r < 0 ? err_set(err, r, "out of memory") : terminal_print(buf_str(l->json.out));
}

static int add_to_json(void *ctx, const struct key_row *row)
{
    struct listing *l = ctx;

    json_open(&l->json, '{');
    write_row(&l->json, row);
    json_text(json_key(&l->json, "state"), str_from(state_of(row, l->now_us)));
    json_close(&l->json, '}');
    return l->json.error;
}

static int add_to_table(void *ctx, const struct key_row *row)
{
    struct listing *l = ctx;
    const char *state = state_of(row, l->now_us);
    char created[TIME_ROOM], expires[TIME_ROOM];

    format_time(created, row->created_us);
    format_time(expires, row->expires_us);
    table_add(&l->table, PAINT_none, str_from(row->id));
    table_addf(&l->table, PAINT_none, "%.*s…%.*s", STR_ARG(row->prefix), STR_ARG(row->last4));
    table_add(&l->table, PAINT_none, row->name);
    table_add(&l->table, PAINT_none, row->owner);
    table_add(&l->table, PAINT_none, str_from(role_name(row->role)));
    table_add(&l->table, strcmp(state, "good") == 0 ? PAINT_good : PAINT_bad, str_from(state));
    table_add(&l->table, PAINT_none, str_from(created));
    table_add(&l->table, PAINT_none, str_from(row->expires_us ? expires : "never"));
    return l->table.error;
}

static int revoke(struct store *s, const struct options *o, struct err *err)
{
    int r = s ? store_key_revoke(s, str_from(o->operands[1]), clock_wall_us(), err)
              : err_set(err, -ENOENT,
                        "no keys have been made here: 'tampu key create' makes "
                        "one, --state DIR names another folder");

    if (r < 0)
        return r;
    if (option_given(o, "json"))
        return terminal_print(STR("{\"revoked\":true}\n"));
    fprintf(stderr, "revoked: a running gateway refuses it from now on\n");
    return EXIT_done;
}

static void write_row(struct json_out *o, const struct key_row *row)
{
    json_text(json_key(o, "id"), str_from(row->id));
    json_text(json_key(o, "name"), row->name);
    json_text(json_key(o, "owner"), row->owner);
    json_text(json_key(o, "role"), str_from(role_name(row->role)));
    json_text(json_key(o, "prefix"), row->prefix);
    json_text(json_key(o, "last4"), row->last4);
    write_time(o, "created", row->created_us);
    write_time(o, "expires", row->expires_us);
    write_time(o, "revoked", row->revoked_us);
}

/* null: never. */
static void write_time(struct json_out *o, const char *name, int64_t us)
{
    char text[TIME_ROOM];

    format_time(text, us);
    if (us)
        json_text(json_key(o, name), str_from(text));
    else
        json_raw(json_key(o, name), STR("null"));
}

static const char *state_of(const struct key_row *row, int64_t now_us)
{
    if (row->revoked_us)
        return "revoked";
    return row->expires_us && now_us >= row->expires_us ? "expired" : "good";
}

static const char *role_name(enum key_role role)
{
    return role == KEY_operator ? "operator" : "caller";
}

/* UTC, to the second: "2026-11-23T10:21:07Z". */
static void format_time(char out[TIME_ROOM], int64_t us)
{
    time_t seconds = (time_t)(us / 1000000);
    struct tm utc = {0};

    gmtime_r(&seconds, &utc);
    strftime(out, TIME_ROOM, "%Y-%m-%dT%H:%M:%SZ", &utc);
}
