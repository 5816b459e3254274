/* SPDX-License-Identifier: Apache-2.0 */
/* A plan written into the text of its fleet file. */
#include "plan/write.h"

#include <errno.h>
#include <string.h>

#include "base/text_out.h"
#include "wire/yaml_edit.h"

enum { WRITE_BYTES_MAX = 64 << 20, BACKUPS_LEAST = 3, ITEM_MAX = 4096, NAMES_MAX = 1024 };

struct writer {
    const struct plan *plan;
    const char *name; /* of the file */
    struct yaml_edit edit;
    struct arena arena;
};

static void write_all(struct writer *w, const struct yaml *root);
static bool is_here(const struct writer *w, struct place at);
static void write_machine(struct writer *w, const struct yaml *y, const struct machine *m);
static void write_lines(struct writer *w, const struct yaml *models, const struct machine *m);
static const struct plan_copy *copy_of(const struct writer *w, const struct fleet_model *line);
static bool stays(const struct writer *w, const struct fleet_model *line);
static void write_line(struct writer *w, const struct yaml *item, const struct plan_copy *copy);
static bool has_new(const struct writer *w, const struct machine *m);
static void add_lines(struct writer *w, const struct yaml *y, const struct yaml *models,
                      const struct machine *m);
static void put_item(struct text_out *t, struct writer *w, const struct plan_copy *copy);
static void put_tokens(struct text_out *t, uint64_t tokens);
static uint32_t slots_said(const struct plan_copy *copy);
static void write_kept(struct writer *w, const struct yaml *y, const struct machine *m);
static struct str kept_name(const struct plan_copy *copy);
static bool keeps_the_same(const struct machine *m, const struct str *names, size_t count);
static void write_category(struct writer *w, const struct yaml *y, uint32_t index);

int write_plan(struct buf *out, const struct plan *plan, struct str text, const char *name,
               struct err *err)
{
    struct writer w = {.plan = plan, .name = name};
    struct yaml *root = NULL, *again = NULL;
    size_t before = out->len;
    int r;

    arena_init(&w.arena, WRITE_BYTES_MAX);
    r = yaml_read(&root, &w.arena, text, name, err);
    if (r == 0) {
        yaml_edit_init(&w.edit, text, &w.arena);
        write_all(&w, root);
        r = yaml_edit_finish(&w.edit, out);
        if (r < 0)
            err_set(err, r, "%s: the plan cannot be written into it", name);
    }
    if (r == 0 && (r = yaml_read(&again, &w.arena, str_slice(out->data + before, out->len - before),
                                 name, err)) < 0)
        err_wrap(err, r, "%s would not read back", name);
    arena_fini(&w.arena);
    return r;
}

static void write_all(struct writer *w, const struct yaml *root)
{
    const struct fleet *f = w->plan->fleet;
    const struct yaml *machines = yaml_find(root, "machines");
    const struct yaml *categories = yaml_find(root, "categories");

    for (uint32_t i = 0; i < f->machines_count && machines; i++) {
        const struct yaml *y = yaml_find(machines, f->machines[i].name.data);

        if (y && y->kind == YAML_map && is_here(w, f->machines[i].at) &&
            machine_serves(&f->machines[i]))
            write_machine(w, y, &f->machines[i]);
    }
    for (uint32_t i = 0; i < f->categories_count && categories; i++) {
        const struct yaml *y = yaml_find(categories, f->categories[i].name.data);

        if (y && y->kind == YAML_map && is_here(w, f->categories[i].at))
            write_category(w, y, i);
    }
}

static bool is_here(const struct writer *w, struct place at)
{
    return at.file && strcmp(at.file, w->name) == 0;
}

static void write_machine(struct writer *w, const struct yaml *y, const struct machine *m)
{
    const struct yaml *models = yaml_find(y, "models");
    bool all_go = true;

    if (models && models->kind != YAML_list)
        models = NULL;
    for (uint32_t i = 0; i < m->models_count; i++)
        all_go &= !stays(w, &m->models[i]);
    if (models && models->first && all_go && !has_new(w, m))
        yaml_edit_set(&w->edit, y, "models", STR("[]"));
    else {
        if (models)
            write_lines(w, models, m);
        add_lines(w, y, models, m);
    }
    write_kept(w, y, m);
}

/* The file's lines are the fleet's, in the same order. */
static void write_lines(struct writer *w, const struct yaml *models, const struct machine *m)
{
    uint32_t i = 0;

    for (const struct yaml *item = models->first; item && i < m->models_count; item = item->next) {
        const struct fleet_model *line = &m->models[i++];
        const struct plan_copy *copy = copy_of(w, line);

        if (copy)
            write_line(w, item, copy);
        else if (!stays(w, line))
            yaml_edit_remove(&w->edit, models, item);
    }
}

static const struct plan_copy *copy_of(const struct writer *w, const struct fleet_model *line)
{
    for (uint32_t i = 0; i < w->plan->copies_count; i++)
        if (w->plan->copies[i].line == line)
            return &w->plan->copies[i];
    return NULL;
}

/* In the plan, only wished for, or not known to anybody: neither a tag nor a mistake for one. */
static bool stays(const struct writer *w, const struct fleet_model *line)
{
    const struct catalog *c = w->plan->catalog;

    return copy_of(w, line) || line->is_optional ||
           (!catalog_artifact(c, line->pull) && !catalog_mistaken(c, line->pull));
}

static void write_line(struct writer *w, const struct yaml *item, const struct plan_copy *copy)
{
    bool new_context = copy->context && copy->context != copy->line->context;
    bool new_slots = copy->slots && copy->slots != slots_said(copy);
    struct text_out t;
    struct buf text;

    if (!new_context && !new_slots)
        return;
    buf_init(&text, ITEM_MAX);
    t = (struct text_out){.out = &text};
    if (item->kind == YAML_text) { /* a bare tag: becomes a map */
        put_item(&t, w, copy);
        yaml_edit_replace(&w->edit, item, buf_str(&text));
    } else {
        if (new_context) {
            put_tokens(&t, copy->context);
            yaml_edit_set(&w->edit, item, "context", buf_str(&text));
        }
        buf_reset(&text);
        text_printf(&t, "%u", copy->slots);
        if (new_slots)
            yaml_edit_set(&w->edit, item, "slots", buf_str(&text));
    }
    if (t.error < 0 && w->edit.error == 0)
        w->edit.error = t.error;
    buf_fini(&text);
}

static bool has_new(const struct writer *w, const struct machine *m)
{
    for (uint32_t i = 0; i < w->plan->copies_count; i++)
        if (w->plan->copies[i].machine == m && !w->plan->copies[i].line)
            return true;
    return false;
}

/* Behind the others; or a list of their own where there was none. */
static void add_lines(struct writer *w, const struct yaml *y, const struct yaml *models,
                      const struct machine *m)
{
    bool is_empty = !models || !models->first;
    struct text_out t;
    struct buf text;
    size_t added = 0;

    buf_init(&text, WRITE_BYTES_MAX);
    t = (struct text_out){.out = &text};
    for (uint32_t i = 0; i < w->plan->copies_count; i++) {
        const struct plan_copy *copy = &w->plan->copies[i];

        if (copy->machine != m || copy->line)
            continue;
        if (is_empty)
            text_put(&t, added++ ? STR(", ") : STR("["));
        else
            buf_reset(&text);
        put_item(&t, w, copy);
        if (!is_empty)
            yaml_edit_append(&w->edit, models, buf_str(&text));
    }
    text_put(&t, STR("]"));
    if (t.error < 0 && w->edit.error == 0)
        w->edit.error = t.error;
    if (is_empty && added)
        yaml_edit_set(&w->edit, y, "models", buf_str(&text));
    buf_fini(&text);
}

/* {pull: "gpt-oss:120b", name: XL-LOC-FRE-gpt-oss-120b, context: 32K} */
static void put_item(struct text_out *t, struct writer *w, const struct plan_copy *copy)
{
    text_put(t, STR("{pull: "));
    text_put(t, yaml_quote(&w->arena, copy->line ? copy->line->pull : copy->artifact->tag));
    if (copy->name.len && !str_equal(copy->name, copy->artifact->tag)) {
        text_put(t, STR(", name: "));
        text_put(t, yaml_quote(&w->arena, copy->name));
    }
    if (copy->engine != copy->machine->engines) {
        text_put(t, STR(", engine: "));
        text_put(t, yaml_quote(&w->arena, copy->engine->name));
    }
    if (copy->context) {
        text_put(t, STR(", context: "));
        put_tokens(t, copy->context);
    }
    if (copy->slots && copy->slots != slots_said(copy))
        text_printf(t, ", slots: %u", copy->slots);
    text_put(t, STR("}"));
}

static void put_tokens(struct text_out *t, uint64_t tokens)
{
    if (tokens % 1024 == 0 && tokens > 2048)
        text_printf(t, "%lluK", (unsigned long long)tokens / 1024);
    else
        text_printf(t, "%llu", (unsigned long long)tokens);
}

/* What the copy has without a line saying so. */
static uint32_t slots_said(const struct plan_copy *copy)
{
    const struct model *m = copy->artifact->model;

    if (copy->line && copy->line->slots)
        return copy->line->slots;
    if (m->one_slot || m->dimensions || !copy->context)
        return copy->slots;
    return copy->engine->slots ? copy->engine->slots
                               : engine_kind_row((enum engine_kind)copy->engine->kind)->slots;
}

/* Engines of the other kinds serve what they were started with: nothing needs to be said. */
static void write_kept(struct writer *w, const struct yaml *y, const struct machine *m)
{
    struct str names[NAMES_MAX];
    size_t count = 0;

    for (uint32_t i = 0; i < w->plan->copies_count && count < NAMES_MAX; i++) {
        const struct plan_copy *copy = &w->plan->copies[i];

        if (copy->machine == m && copy->keep_loaded && copy->engine->kind == ENGINE_ollama)
            names[count++] = kept_name(copy);
    }
    if (!keeps_the_same(m, names, count))
        yaml_edit_set_texts(&w->edit, y, "keep_loaded", names, count);
}

static struct str kept_name(const struct plan_copy *copy)
{
    return copy->line ? copy->line->pull : copy->artifact->tag;
}

/* As a set: the order means nothing. A count gives way to names, which say more. */
static bool keeps_the_same(const struct machine *m, const struct str *names, size_t count)
{
    const struct keep_loaded *k = &m->keep_loaded;

    if (!k->names_count)
        return count == 0 && k->count == 0;
    for (size_t i = 0; i < count; i++) {
        bool found = false;

        for (uint32_t n = 0; n < k->names_count; n++)
            found |= str_equal(k->names[n], names[i]);
        if (!found)
            return false;
    }
    return count == k->names_count;
}

/* The row's machines, first choice first, each once. */
static void write_category(struct writer *w, const struct yaml *y, uint32_t index)
{
    const struct category *category = &w->plan->fleet->categories[index];
    const struct plan_row *row = &w->plan->rows[index];
    struct str names[NAMES_MAX];
    size_t count = 0, most = 1 + (category->backups_count > BACKUPS_LEAST ? category->backups_count
                                                                          : BACKUPS_LEAST);

    if (category->machines != MACHINES_listed)
        return;
    for (uint32_t i = 0; i < row->copies_count && count < most && count < NAMES_MAX; i++) {
        struct str name = w->plan->copies[row->copies[i]].machine->name;
        bool seen = false;

        for (size_t k = 0; k < count; k++)
            seen |= str_equal(names[k], name);
        if (!seen)
            names[count++] = name;
    }
    if (!count)
        return;
    if (!str_equal(names[0], category->primary))
        yaml_edit_set(&w->edit, y, "primary", yaml_quote(&w->arena, names[0]));
    if (count > 1 || category->backups_count)
        yaml_edit_set_texts(&w->edit, y, "backups", names + 1, count - 1);
}
