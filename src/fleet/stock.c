/* SPDX-License-Identifier: Apache-2.0 */
/* What an engine has, held against what the fleet file declares for it. */
#include "fleet/stock.h"

#include "base/attr.h"

struct comparing {
    struct stock_drift *rows;
    uint32_t max, count;
};

static void compare_copy(struct comparing *c, const struct copy *copy, const struct stock *stock);
static const struct stock_model *find(const struct stock *stock, struct str tag);
static bool is_declared(const struct view *view, uint32_t engine, struct str listed);
static void add(struct comparing *c, enum drift_kind kind, struct str name);

static const struct {
    const char *name, *words;
} kinds[] = {
#define DRIFT(kind, words) [DRIFT_##kind] = {#kind, words},
#include "tables/drifts.def"
};

uint32_t stock_compare(struct stock_drift *ret, uint32_t max, const struct view *view,
                       uint32_t engine, const struct stock *stock)
{
    struct comparing c = {ret, max, 0};
    struct str wanted = view->engines[engine].engine->version;

    for (uint32_t i = 0; i < view->copies_count; i++)
        if (view->copies[i].machine && view->copies[i].engine_index == engine)
            compare_copy(&c, &view->copies[i], stock);
    for (uint32_t i = 0; i < stock->count; i++)
        if (!is_declared(view, engine, stock->models[i].name))
            add(&c, DRIFT_undeclared, stock->models[i].name);
    if (wanted.len && stock->version.len && !str_equal(wanted, stock->version))
        add(&c, DRIFT_version, stock->version);
    return c.count;
}

static void compare_copy(struct comparing *c, const struct copy *copy, const struct stock *stock)
{
    const struct stock_model *model = find(stock, copy->tag);

    if (!model)
        add(c, DRIFT_missing, copy->tag);
    else if (model->is_loaded && model->context && model->context < copy->context)
        add(c, DRIFT_context, copy->tag);
}

static const struct stock_model *find(const struct stock *stock, struct str tag)
{
    for (uint32_t i = 0; i < stock->count; i++)
        if (stock_is_same(stock->models[i].name, tag))
            return &stock->models[i];
    return NULL;
}

/* Optional lines are allowed to be there. */
static bool is_declared(const struct view *view, uint32_t engine, struct str listed)
{
    const struct view_engine *e = &view->engines[engine];

    for (uint32_t i = 0; i < e->machine->models_count; i++)
        if (e->machine->models[i].engine == e->engine &&
            stock_is_same(listed, e->machine->models[i].pull))
            return true;
    return false;
}

static void add(struct comparing *c, enum drift_kind kind, struct str name)
{
    if (c->count < c->max)
        c->rows[c->count++] = (struct stock_drift){kind, name};
}

bool stock_is_same(struct str listed, struct str tag)
{
    const struct str latest = STR(":latest");

    if (str_ends(listed, latest) && !str_ends(tag, latest))
        listed.len -= latest.len;
    return str_equal_nocase(listed, tag);
}

const char *drift_name(enum drift_kind kind)
{
    return kinds[kind].name;
}

const char *drift_words(enum drift_kind kind)
{
    return kinds[kind].words;
}
