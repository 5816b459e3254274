/* SPDX-License-Identifier: Apache-2.0 */
/* What was read, as a fleet file. */
#include <errno.h>
#include <stdarg.h>

#include "litellm/import_inside.h"
#include "wire/yaml_edit.h"

/* Where text goes; the first error sticks. */
struct writer {
    struct import *in;
    struct buf *out;
    int error;
};

static void put(struct writer *w, const char *format, ...) PRINTF(2, 3);
static const char *quoted(struct writer *w, struct str text);
static void put_settings(struct writer *w);
static void put_machines(struct writer *w);
static void put_machine(struct writer *w, const struct import_machine *m);
static void put_engine(struct writer *w, const struct import_engine *e);
static void put_model(struct writer *w, const struct import_machine *m,
                      const struct import_model *model);
static void put_categories(struct writer *w);
static void put_category(struct writer *w, const struct import_group *g);
static size_t gather(const struct import_group *g, const struct import_member **out, size_t room);
static void put_places(struct writer *w, const struct import_member *const *members, size_t count);
static bool is_everywhere(const struct import *in, const struct import_member *const *members,
                          size_t count);
static bool holds(const struct import_member *const *members, size_t count,
                  const struct import_model *m);
static void put_list(struct writer *w, const char *key, const struct str *items, size_t count);
static size_t add_once(struct str *items, size_t count, struct str item);
static void put_aliases(struct writer *w);
static void put_clouds(struct writer *w);
static void put_capabilities(struct writer *w, uint32_t bits);

enum { MEMBERS_MAX = 256 };

int import_write(struct import *in, struct buf *out)
{
    struct writer w = {.in = in, .out = out};

    put(&w, "# From a configuration of LiteLLM's; `tampu import litellm` says what became of each "
            "line.\n\nfleet: imported\n");
    put_settings(&w);
    put_machines(&w);
    put_categories(&w);
    put_aliases(&w);
    put_clouds(&w);
    return w.error ? w.error : in->error;
}

static void put(struct writer *w, const char *format, ...)
{
    va_list args;

    if (w->error)
        return;
    va_start(args, format);
    w->error = buf_vprintf(w->out, format, args);
    va_end(args);
}

/* NUL-terminated, as all memory of an arena is zero at first. */
static const char *quoted(struct writer *w, struct str text)
{
    struct str q = yaml_quote(w->in->arena, text);

    if (!q.data)
        w->error = -ENOMEM;
    return q.data ? q.data : "";
}

static void put_settings(struct writer *w)
{
    if (w->in->settings)
        put(w, "\ngateway:\n");
    for (const struct import_setting *s = w->in->settings; s; s = s->next)
        put(w, "  %s: %s\n", s->key, quoted(w, s->value));
}

static void put_machines(struct writer *w)
{
    put(w, "\nmachines:%s\n", w->in->machines ? "" : " {}");
    for (const struct import_machine *m = w->in->machines; m; m = m->next)
        put_machine(w, m);
}

static void put_machine(struct writer *w, const struct import_machine *m)
{
    const char *key = litellm_host_is_tailnet(m->host)  ? "tailscale"
                      : litellm_host_is_number(m->host) ? "lan"
                                                        : "hostname";

    put(w, "  %s:\n    addresses: {%s: %s}\n    engines:\n", quoted(w, m->name), key,
        quoted(w, m->host));
    for (const struct import_engine *e = m->engines; e; e = e->next)
        put_engine(w, e);
    put(w, "    models:\n");
    for (const struct import_model *at = m->models; at; at = at->next)
        put_model(w, m, at);
}

static void put_engine(struct writer *w, const struct import_engine *e)
{
    put(w, "      - {kind: %s", engine_kind_row(e->kind)->name);
    if (e->name.len)
        put(w, ", name: %s", quoted(w, e->name));
    if (e->port != engine_kind_row(e->kind)->port)
        put(w, ", port: %u", e->port);
    if (e->tls)
        put(w, ", tls: true");
    if (e->base_path.len)
        put(w, ", base_path: %s", quoted(w, e->base_path));
    if (e->key.len)
        put(w, ", key: \"%.*s\"", STR_ARG(e->key));
    put(w, "}\n");
}

static void put_model(struct writer *w, const struct import_machine *m,
                      const struct import_model *model)
{
    const struct import_engine *e = model->engine;

    put(w, "      - {pull: %s", quoted(w, model->pull));
    if (model->name.len)
        put(w, ", name: %s", quoted(w, model->name));
    if (e != m->engines)
        put(w, ", engine: %s", e->name.len ? quoted(w, e->name) : engine_kind_row(e->kind)->name);
    if (model->context)
        put(w, ", context: %llu", (unsigned long long)model->context);
    if (model->slots)
        put(w, ", slots: %llu", (unsigned long long)model->slots);
    put(w, "}\n");
}

static void put_categories(struct writer *w)
{
    bool any = false;

    for (const struct import_group *g = w->in->groups; g; g = g->next) {
        if (!g->category.len)
            continue;
        if (!any)
            put(w, "\ncategories:\n");
        any = true;
        put_category(w, g);
    }
}

/* The group's own members, then those of who stands in. */
static void put_category(struct writer *w, const struct import_group *g)
{
    const struct import_member *members[MEMBERS_MAX];
    struct str models[MEMBERS_MAX], clouds[MEMBERS_MAX];
    size_t count = gather(g, members, MEMBERS_MAX), models_count = 0, clouds_count = 0;

    for (size_t i = 0; i < count; i++) {
        const struct import_model *m = members[i]->model;

        if (m)
            models_count = add_once(models, models_count, m->name.len ? m->name : m->pull);
        else
            clouds_count = add_once(clouds, clouds_count, members[i]->cloud->name);
    }
    put(w, "  %s:\n    needs: {task: %s}\n", quoted(w, g->category), purpose_name(g->purpose));
    if (models_count)
        put_places(w, members, count);
    put_list(w, "models", models, models_count);
    put_list(w, "cloud", clouds, clouds_count);
}

static size_t gather(const struct import_group *g, const struct import_member **out, size_t room)
{
    size_t count = 0;

    for (const struct import_member *m = g->members; m && count < room; m = m->next)
        out[count++] = m;
    for (const struct import_stand_in *s = g->stand_ins; s; s = s->next)
        for (const struct import_member *m = s->group->members; m && count < room; m = m->next)
            out[count++] = m;
    return count;
}

/* "any" where every copy belongs; else machine by machine. */
static void put_places(struct writer *w, const struct import_member *const *members, size_t count)
{
    struct str machines[MEMBERS_MAX];
    size_t machines_count = 0;

    if (is_everywhere(w->in, members, count)) {
        put(w, "    machines: any\n");
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (members[i]->model)
            machines_count = add_once(machines, machines_count, members[i]->model->machine->name);
    put(w, "    primary: %s\n", quoted(w, machines[0]));
    put_list(w, "backups", machines + 1, machines_count - 1);
}

static bool is_everywhere(const struct import *in, const struct import_member *const *members,
                          size_t count)
{
    for (const struct import_machine *at = in->machines; at; at = at->next)
        for (const struct import_model *m = at->models; m; m = m->next)
            if (holds(members, count, m))
                return false;
    return true;
}

/* Is it a copy of a model of theirs that is not among them? */
static bool holds(const struct import_member *const *members, size_t count,
                  const struct import_model *m)
{
    bool is_alike = false;

    for (size_t i = 0; i < count; i++) {
        if (members[i]->model == m)
            return false;
        is_alike |= members[i]->model && str_equal(members[i]->model->pull, m->pull);
    }
    return is_alike;
}

static void put_list(struct writer *w, const char *key, const struct str *items, size_t count)
{
    if (!count)
        return;
    put(w, "    %s: [", key);
    for (size_t i = 0; i < count; i++)
        put(w, "%s%s", i ? ", " : "", quoted(w, items[i]));
    put(w, "]\n");
}

static size_t add_once(struct str *items, size_t count, struct str item)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(items[i], item))
            return count;
    items[count] = item;
    return count + 1;
}

static void put_aliases(struct writer *w)
{
    if (w->in->aliases)
        put(w, "\naliases:\n");
    for (const struct import_alias *a = w->in->aliases; a; a = a->next)
        put(w, "  %s: %s\n", quoted(w, a->name), quoted(w, a->target));
}

static void put_clouds(struct writer *w)
{
    if (w->in->clouds)
        put(w, "\ncloud:\n");
    for (const struct import_cloud *c = w->in->clouds; c; c = c->next) {
        put(w, "  - {name: %s, provider: %.*s, model: %s", quoted(w, c->name),
            STR_ARG(provider_name(c->provider)), quoted(w, c->model));
        if (c->url.len)
            put(w, ", url: %s", quoted(w, c->url));
        if (c->key.len)
            put(w, ", key: \"%.*s\"", STR_ARG(c->key));
        if (c->price_in.len)
            put(w, ", price_in: %.*s", STR_ARG(c->price_in));
        if (c->price_out.len)
            put(w, ", price_out: %.*s", STR_ARG(c->price_out));
        if (c->price_cached.len)
            put(w, ", price_cached: %.*s", STR_ARG(c->price_cached));
        if (c->context)
            put(w, ", context: %llu", (unsigned long long)c->context);
        if (c->output_max)
            put(w, ", output_max: %llu", (unsigned long long)c->output_max);
        put_capabilities(w, c->capabilities);
        put(w, "}\n");
    }
}

static void put_capabilities(struct writer *w, uint32_t bits)
{
    const char *comma = "";

    if (!bits)
        return;
    put(w, ", capabilities: [");
    for (int i = 0; i < CAPABILITY_COUNT; i++) {
        if (!(bits & 1u << i))
            continue;
        put(w, "%s%s", comma, capability_name((enum capability)i));
        comma = ", ";
    }
    put(w, "]");
}
