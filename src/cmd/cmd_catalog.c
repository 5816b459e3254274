/* SPDX-License-Identifier: Apache-2.0 */
/* tampu catalog: what is known of models, hardware and cloud models, and new rows for it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "cmd/catalog_add.h"
#include "cmd/command.h"
#include "cmd/option.h"
#include "cmd/table.h"
#include "cmd/terminal.h"
#include "cmd/usage.h"
#include "model/catalog.h"
#include "model/catalog_keys.h"
#include "wire/json_out.h"
#include "wire/schema_write.h"

enum { OUTPUT_MAX = 16 << 20 };

static const char engine_default[] = "http://127.0.0.1:11434";

/* Actions write to out and return 0, or a negative errno with words. */
typedef int action_fn(struct buf *out, const struct options *o, const struct catalog *c,
                      struct err *err);

static action_fn list, show, add;
static int run(action_fn *action, const struct options *o);
static int list_table(struct buf *out, const struct catalog *c);
static void list_model(struct table *t, const struct model *m);
static void add_amount(struct table *t, int (*write)(struct buf *, uint64_t), uint64_t amount);
static void add_words(struct table *t, uint32_t bits, const char *const *words, size_t count);
static int list_json(struct buf *out, const struct catalog *c);
static void write_model(struct json_out *o, const struct model *m);
static void write_words(struct json_out *o, const char *key, uint32_t bits,
                        const char *const *words, size_t count);
static const struct model *find_model(const struct catalog *c, struct str name);
static int show_row(struct buf *out, const struct schema_section *file, struct place at,
                    struct str name, const void *row);

static const struct {
    const char *name;
    action_fn *run;
    size_t operands; /* itself among them */
    const char *wants;
} actions[] = {{"list", list, 1, "list wants no more than that"},
               {"show", show, 2, "show needs the name of a row, or a tag"},
               {"add", add, 2, "add needs ollama:TAG or a FILE.gguf"}};

int cmd_catalog(int argc, char **argv)
{
    struct options o = {0};
    size_t i = 0;
    int status;

    if (!options_read(&o, argc, argv, &status))
        return status;
    while (i < COUNT_OF(actions) && strcmp(actions[i].name, o.operands[0]) != 0)
        i++;
    if (i == COUNT_OF(actions))
        return usage_error("catalog", "expected list, show or add, found '%s'", o.operands[0]);
    if (o.operand_count != actions[i].operands)
        return usage_error("catalog", "%s", actions[i].wants);
    return run(actions[i].run, &o);
}

static int run(action_fn *action, const struct options *o)
{
    AUTO(catalog) c = NULL;
    struct err err = {0};
    struct buf out;
    int r, status;

    if (catalog_load(&c, option_value(o, "catalog"), &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return EXIT_usage;
    }
    buf_init(&out, OUTPUT_MAX);
    r = action(&out, o, c, &err);
    status = r == 0         ? terminal_print(buf_str(&out))
             : r == -EINVAL ? usage_error("catalog", "%s", err.text)
                            : command_no("catalog", "%s", err.text);
    buf_fini(&out);
    return status;
}

static int list(struct buf *out, const struct options *o, const struct catalog *c, struct err *err)
{
    int r = option_given(o, "json") ? list_json(out, c) : list_table(out, c);

    return r < 0 ? err_set(err, r, "the list is too long") : 0;
}

static int list_table(struct buf *out, const struct catalog *c)
{
    static const char *const heads[] = {"NAME",    "PARAMS",  "QUANT", "SIZE",
                                        "CONTEXT", "ENGINES", "TASKS"};
    struct table t;
    int r;

    table_init(&t, COUNT_OF(heads));
    for (size_t i = 0; i < COUNT_OF(heads); i++)
        table_add(&t, PAINT_faint, str_from(heads[i]));
    for (uint32_t i = 0; i < c->models_count; i++)
        list_model(&t, &c->models[i]);
    r = table_write(&t, out, terminal_width(), terminal_takes_colors());
    table_fini(&t);
    return r;
}

static void list_model(struct table *t, const struct model *m)
{
    const struct artifact *a = m->artifacts;

    table_add(t, PAINT_none, m->name);
    add_amount(t, units_write_count, m->params);
    table_add(t, PAINT_none, m->artifacts_count ? a->quant : STR(""));
    add_amount(t, units_write_bytes, m->artifacts_count ? a->bytes : 0);
    table_addf(t, PAINT_none, "%llu", (unsigned long long)m->context);
    add_words(t, m->engines, engine_words, ENGINE_COUNT);
    add_words(t, m->purposes, purpose_words, PURPOSE_COUNT);
}

static void add_amount(struct table *t, int (*write)(struct buf *, uint64_t), uint64_t amount)
{
    struct buf text;

    buf_init(&text, 64);
    table_add(t, PAINT_none, write(&text, amount) == 0 ? buf_str(&text) : STR("?"));
    buf_fini(&text);
}

/* The first spelling of each, with spaces between. */
static void add_words(struct table *t, uint32_t bits, const char *const *words, size_t count)
{
    struct buf text;
    int r = 0;

    buf_init(&text, 256);
    for (size_t i = 0; i < count && r == 0; i++)
        if (bits & 1u << i)
            r = buf_printf(&text, "%s%.*s", text.len ? " " : "", (int)strcspn(words[i], "|"),
                           words[i]);
    table_add(t, PAINT_none, buf_str(&text));
    buf_fini(&text);
}

static int list_json(struct buf *out, const struct catalog *c)
{
    struct json_out o = {.out = out};

    json_open(&o, '{');
    json_open(json_key(&o, "models"), '[');
    for (uint32_t i = 0; i < c->models_count; i++)
        write_model(&o, &c->models[i]);
    json_close(&o, ']');
    json_open(json_key(&o, "hardware"), '[');
    for (uint32_t i = 0; i < c->hardware_count; i++)
        json_text(&o, c->hardware[i].name);
    json_close(&o, ']');
    json_open(json_key(&o, "cloud"), '[');
    for (uint32_t i = 0; i < c->cloud_count; i++)
        json_text(&o, c->cloud[i].id);
    json_close(&o, ']');
    json_close(&o, '}');
    return o.error ? o.error : buf_put_char(out, '\n');
}

static void write_model(struct json_out *o, const struct model *m)
{
    json_open(o, '{');
    json_text(json_key(o, "name"), m->name);
    json_text(json_key(o, "family"), m->family);
    json_number(json_key(o, "params"), m->params);
    json_number(json_key(o, "active_params"), m->active_params);
    json_number(json_key(o, "context"), m->context);
    write_words(o, "engines", m->engines, engine_words, ENGINE_COUNT);
    write_words(o, "capabilities", m->capabilities, capability_words, CAPABILITY_COUNT);
    write_words(o, "tasks", m->purposes, purpose_words, PURPOSE_COUNT);
    json_open(json_key(o, "artifacts"), '[');
    for (uint32_t i = 0; i < m->artifacts_count; i++) {
        json_open(o, '{');
        json_text(json_key(o, "tag"), m->artifacts[i].tag);
        json_text(json_key(o, "quant"), m->artifacts[i].quant);
        json_number(json_key(o, "bytes"), m->artifacts[i].bytes);
        json_close(o, '}');
    }
    json_close(o, ']');
    json_close(o, '}');
}

static void write_words(struct json_out *o, const char *key, uint32_t bits,
                        const char *const *words, size_t count)
{
    json_open(json_key(o, key), '[');
    for (size_t i = 0; i < count; i++)
        if (bits & 1u << i)
            json_text(o, str_slice(words[i], strcspn(words[i], "|")));
    json_close(o, ']');
}

static int show(struct buf *out, const struct options *o, const struct catalog *c, struct err *err)
{
    struct str name = str_from(o->operands[1]);
    const struct model *m = find_model(c, name);
    const struct cloud_facts *cloud = catalog_cloud(c, name);
    const struct hardware_facts *hardware = catalog_hardware(c, name);
    const struct artifact *near;
    int r;

    for (uint32_t i = 0; i < c->hardware_count; i++)
        if (str_equal(c->hardware[i].name, name))
            hardware = &c->hardware[i];
    if (m)
        r = show_row(out, &catalog_models_section, m->at, m->name, m);
    else if (cloud)
        r = show_row(out, &catalog_cloud_section, cloud->at, cloud->id, cloud);
    else if (hardware)
        r = show_row(out, &catalog_hardware_section, hardware->at, hardware->name, hardware);
    else if ((near = catalog_nearest(c, name)))
        return err_set(err, -ENOENT, "the catalog has no '%s'; did you mean '%s'?", o->operands[1],
                       near->tag.data);
    else
        return err_set(err, -ENOENT, "the catalog has no '%s': 'tampu catalog list' has all rows",
                       o->operands[1]);
    return r < 0 ? err_set(err, r, "the row is too long") : 0;
}

static const struct model *find_model(const struct catalog *c, struct str name)
{
    const struct artifact *a = catalog_artifact(c, name);
    const struct model *m = catalog_model(c, name);

    if (!m && !a)
        a = catalog_mistaken(c, name);
    return m ? m : a ? a->model : NULL;
}

static int show_row(struct buf *out, const struct schema_section *file, struct place at,
                    struct str name, const void *row)
{
    int r = buf_printf(out, "# %s:%u\n%s:\n  %.*s:\n", at.file, at.line, file->rows[0].key,
                       STR_ARG(name));

    return r < 0 ? r : schema_write(out, file->rows[0].section, row, 4);
}

static int add(struct buf *out, const struct options *o, const struct catalog *c, struct err *err)
{
    const char *engine = option_value(o, "engine"), *to = option_value(o, "to");
    int r = catalog_row(out, o->operands[1], engine ? engine : engine_default, err);

    (void)c;
    if (r < 0 || !to)
        return r;
    r = catalog_append(to, buf_str(out), err);
    /* What is wrong with the file is no wrong usage. */
    return r == -EINVAL ? -EBADMSG : r;
}
