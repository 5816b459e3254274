/* SPDX-License-Identifier: Apache-2.0 */
/* tampu key: keys of callers and operators, made, shown, rotated and revoked in the store itself.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "cmd/command.h"
#include "cmd/key_text.h"
#include "cmd/option.h"
#include "cmd/state.h"
#include "cmd/table.h"
#include "cmd/terminal.h"
#include "cmd/usage.h"
#include "net/clock.h"
#include "store/keyring.h"
#include "wire/json_out.h"

enum { NAME_LENGTH_MAX = 64, LIST_MAX = 64 << 20, RULES_MAX = 64 << 10 };

struct showing {
    struct str which;
    int64_t now_us;
    bool json, found;
};

typedef int action_fn(struct store *s, const struct options *o, struct err *err);

struct listing {
    struct json_out json;
    struct table table;
    int64_t now_us;
};

static action_fn create, list, show, rotate, revoke;
static int put_new(struct store *s, struct key_row *row, char text[KEY_TEXT_MAX],
                   const struct options *o, struct err *err);
static int read_rules(struct buf *out, const struct options *o, struct err *err);
static int read_new_key(struct key_row *row, const struct options *o, struct err *err);
static int print_new_key(const char *text, const struct key_row *row, bool as_json);
static key_fn add_to_json, add_to_table;
static int print_listing(struct store *s, struct listing *l, bool as_json, struct err *err);

static key_fn show_one;
static int write_json(struct buf *out, const struct key_row *row, int64_t now_us);
static int write_page(struct buf *out, const struct key_row *row, int64_t now_us);
static void add_pair(struct table *t, const char *name, struct str value);
static void add_rules(struct table *t, struct str text);
static int no_keys(struct err *err);

static const struct {
    const char *name;
    action_fn *run;
    bool wants_key, makes_store;
} actions[] = {
    {"create", create, false, true}, {"list", list, false, false},    {"show", show, true, false},
    {"rotate", rotate, true, false}, {"revoke", revoke, true, false},
};

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
        return usage_error("key", "expected create, list, show, rotate or revoke, found '%s'",
                           o.operands[0]);
    if (actions[i].wants_key != (o.operand_count == 2))
        return actions[i].wants_key
                   ? usage_error("key", "%s needs the id, prefix or name of a key", o.operands[0])
                   : usage_error("key", "one word too many");
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
    char text[KEY_TEXT_MAX];
    struct key_row row = {0};
    struct buf rules;
    int r;

    buf_init(&rules, RULES_MAX);
    r = read_rules(&rules, o, err);
    row.rules = buf_str(&rules);
    if (r == 0)
        r = put_new(s, &row, text, o, err);
    if (r == 0)
        r = print_new_key(text, &row, option_given(o, "json"));
    buf_fini(&rules);
    return r;
}

static int put_new(struct store *s, struct key_row *row, char text[KEY_TEXT_MAX],
                   const struct options *o, struct err *err)
{
    unsigned char pepper[32];
    int r;

    if ((r = read_new_key(row, o, err)) < 0 || (r = store_pepper(s, pepper, err)) < 0 ||
        (r = key_make(text, row, pepper, err)) < 0)
        return r;
    return store_key_put(s, row, err);
}

/* As JSON; what is not said is not limited. */
static int read_rules(struct buf *out, const struct options *o, struct err *err)
{
    static const struct {
        const char *option;
        bool is_flag;
    } rows[] = {
#define KEY_RULE(field, kind, option, argument, words) {option, (argument) == NULL},
#include "tables/key_rules.def"
    };
    struct rules rules = rules_none;
    int r = 0;

    for (size_t i = 0; i < COUNT_OF(rows) && r == 0; i++) {
        const char *value = rows[i].is_flag ? "" : option_value(o, rows[i].option);

        if (value && option_given(o, rows[i].option))
            r = rules_set(&rules, str_from(rows[i].option), str_from(value), err);
    }
    if (r == 0 && rules_write(out, &rules) < 0)
        r = err_set(err, -EINVAL, "the rules are longer than %d bytes", RULES_MAX);
    return r;
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
    char line[2048], until[KEY_TIME_ROOM];
    struct buf out;
    struct json_out json = {.out = &out};
    int status;

    if (!as_json) {
        key_time(until, row->expires_us);
        fprintf(stderr, "key %s for '%.*s' (%s), good %s%s; it is shown only now:\n", row->id,
                STR_ARG(row->name), key_role_name(row->role),
                row->expires_us ? "until " : "for ever", row->expires_us ? until : "");
        snprintf(line, sizeof line, "%s\n", text);
        return terminal_print(str_from(line));
    }
    buf_init(&out, sizeof line);
    json_open(&json, '{');
    json_text(json_key(&json, "key"), str_from(text));
    key_write(&json, row, row->created_us);
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
    key_write(&l->json, row, l->now_us);
    json_close(&l->json, '}');
    return l->json.error;
}

static int add_to_table(void *ctx, const struct key_row *row)
{
    struct listing *l = ctx;
    const char *state = key_state(row, l->now_us);
    char created[KEY_TIME_ROOM], expires[KEY_TIME_ROOM];

    key_time(created, row->created_us);
    key_time(expires, row->expires_us);
    table_add(&l->table, PAINT_none, str_from(row->id));
    table_addf(&l->table, PAINT_none, "%.*s…%.*s", STR_ARG(row->prefix), STR_ARG(row->last4));
    table_add(&l->table, PAINT_none, row->name);
    table_add(&l->table, PAINT_none, row->owner);
    table_add(&l->table, PAINT_none, str_from(key_role_name(row->role)));
    table_add(&l->table, strcmp(state, "good") == 0 ? PAINT_good : PAINT_bad, str_from(state));
    table_add(&l->table, PAINT_none, str_from(created));
    table_add(&l->table, PAINT_none, str_from(expires));
    return l->table.error;
}

static int show(struct store *s, const struct options *o, struct err *err)
{
    struct showing showing = {.which = str_from(o->operands[1]),
                              .now_us = clock_wall_us(),
                              .json = option_given(o, "json")};
    int r = s ? store_key_each(s, show_one, &showing, err) : no_keys(err);

    if (r < 0)
        return r;
    return showing.found
               ? EXIT_done
               : err_set(err, -ENOENT, "no key has the id, prefix or name '%s'", o->operands[1]);
}

/* Every one that fits: a list of one or more. */
static int show_one(void *ctx, const struct key_row *row)
{
    struct showing *s = ctx;
    struct buf out;
    int r;

    if (!str_is(s->which, row->id) && !str_equal(s->which, row->name) &&
        !str_equal(s->which, row->prefix))
        return 0;
    s->found = true;
    buf_init(&out, LIST_MAX);
    r = s->json ? write_json(&out, row, s->now_us) : write_page(&out, row, s->now_us);
    if (r == 0)
        terminal_print(buf_str(&out));
    buf_fini(&out);
    return r;
}

static int write_json(struct buf *out, const struct key_row *row, int64_t now_us)
{
    struct json_out json = {.out = out};

    json_open(&json, '{');
    key_write(&json, row, now_us);
    json_close(&json, '}');
    return json.error ? json.error : buf_put_char(out, '\n');
}

static int write_page(struct buf *out, const struct key_row *row, int64_t now_us)
{
    char created[KEY_TIME_ROOM], expires[KEY_TIME_ROOM];
    struct table t;
    int r;

    key_time(created, row->created_us);
    key_time(expires, row->expires_us);
    table_init(&t, 2);
    add_pair(&t, "id", str_from(row->id));
    add_pair(&t, "name", row->name);
    add_pair(&t, "owner", row->owner);
    add_pair(&t, "role", str_from(key_role_name(row->role)));
    add_pair(&t, "state", str_from(key_state(row, now_us)));
    table_add(&t, PAINT_faint, STR("key"));
    table_addf(&t, PAINT_none, "%.*s…%.*s", STR_ARG(row->prefix), STR_ARG(row->last4));
    add_pair(&t, "created", str_from(created));
    add_pair(&t, "expires", str_from(expires));
    add_rules(&t, row->rules);
    r = table_write(&t, out, 0, terminal_takes_colors());
    table_fini(&t);
    return r;
}

static void add_pair(struct table *t, const char *name, struct str value)
{
    table_add(t, PAINT_faint, str_from(name));
    table_add(t, PAINT_none, value.len ? value : STR("-"));
}

static void add_rules(struct table *t, struct str text)
{
    struct rules rules = rules_none;
    const char *option;
    struct arena arena;
    struct err err = {0};
    struct buf value;

    arena_init(&arena, RULES_MAX);
    buf_init(&value, RULES_MAX);
    if (rules_read(&rules, text, &arena, &err) < 0)
        add_pair(t, "rules", str_from(err.text));
    for (size_t i = 0; rules_show(&rules, i, &option, &value); i++) {
        if (value.len)
            add_pair(t, option, buf_str(&value));
        buf_reset(&value);
    }
    buf_fini(&value);
    arena_fini(&arena);
}

/* Its id, rules and use stay; whoever has the text of before needs the new one. */
static int rotate(struct store *s, const struct options *o, struct err *err)
{
    const char *grace = option_value(o, "grace");
    struct key_row fresh = {.name = str_from(o->operands[1]), .created_us = clock_wall_us()};
    unsigned char pepper[32];
    char text[KEY_TEXT_MAX], line[KEY_TEXT_MAX + 32];
    uint64_t grace_ms = 0;
    int r;

    if (grace &&
        (units_read_duration(&grace_ms, str_from(grace)) < 0 || grace_ms > INT64_MAX / 4000))
        return err_set(err, -EINVAL, "--grace %s: expected a time like 1h", grace);
    if (!s)
        return no_keys(err);
    if ((r = store_pepper(s, pepper, err)) < 0 || (r = key_make(text, &fresh, pepper, err)) < 0 ||
        (r = store_key_rotate(s, str_from(o->operands[1]), &fresh,
                              grace_ms ? fresh.created_us + (int64_t)grace_ms * 1000 : 0, err)) < 0)
        return r;
    if (option_given(o, "json"))
        snprintf(line, sizeof line, "{\"key\":\"%s\"}\n", text);
    else
        snprintf(line, sizeof line, "%s\n", text);
    return terminal_print(str_from(line));
}

static int no_keys(struct err *err)
{
    return err_set(err, -ENOENT,
                   "no keys have been made here: 'tampu key create' makes one, "
                   "--state DIR names another folder");
}

static int revoke(struct store *s, const struct options *o, struct err *err)
{
    int r = s ? store_key_revoke(s, str_from(o->operands[1]), clock_wall_us(), err) : no_keys(err);

    if (r < 0)
        return r;
    if (option_given(o, "json"))
        return terminal_print(STR("{\"revoked\":true}\n"));
    fprintf(stderr, "revoked: a running gateway refuses it from now on\n");
    return EXIT_done;
}
