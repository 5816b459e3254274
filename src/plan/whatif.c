/* SPDX-License-Identifier: Apache-2.0 */
/* What if: reading the questions, and turning them into a wish. */
#include "plan/whatif.h"

#include <errno.h>
#include <stdio.h>

#include "wire/json_out.h"

enum { GUESS_MAX = 8 }; /* edits between what was typed and what is suggested */

/* The parts of a machine that is added. */
struct parts {
    struct str gpu, cpu;
    uint64_t ram_bytes;
    uint32_t engines; /* bits of enum engine_kind */
};

static int read_lose(struct whatif *w, struct str value, const struct fleet *fleet,
                     struct err *err);
static int read_add(struct whatif *w, struct str value, const struct fleet *fleet,
                    const struct catalog *catalog, struct err *err);
static int read_context(struct whatif *w, struct str value, struct err *err);
static bool is_known(const struct fleet *fleet, struct str name);
static struct str nearest_machine(const struct fleet *fleet, struct str name);
static int read_parts(struct parts *ret, struct str text, const struct catalog *catalog,
                      struct err *err);
static int read_part(struct parts *parts, struct str part, const struct catalog *catalog,
                     struct err *err);
static struct str nearest_hardware(const struct catalog *catalog, struct str text);
static int put_machine(struct whatif *w, struct str name, const struct parts *parts,
                       const struct machine *like);
static void put_parts(struct json_out *o, const struct parts *parts);
static void put_like(struct json_out *o, const struct machine *m);
static void put_engine(struct json_out *o, const struct fleet_engine *e);
static void put_text(struct json_out *o, const char *key, struct str value);
static void put_amount(struct json_out *o, const char *key, uint64_t amount, const char *unit);

void whatif_init(struct whatif *w)
{
    *w = (struct whatif){0};
    buf_init(&w->machines, WHATIF_BYTES_MAX);
}

void whatif_fini(struct whatif *w)
{
    buf_fini(&w->machines);
}

int whatif_read(struct whatif *w, struct str word, const struct fleet *fleet,
                const struct catalog *catalog, struct err *err)
{
    struct str value, name = str_cut(word, '=', &value);

    if (str_is(word, "without-cloud")) {
        w->without_cloud = true;
        return 0;
    }
    if (str_is(name, "lose"))
        return read_lose(w, value, fleet, err);
    if (str_is(name, "add"))
        return read_add(w, value, fleet, catalog, err);
    if (str_is(name, "ctx"))
        return read_context(w, value, err);
    return err_set(err, -EINVAL,
                   "found '%.*s', expected lose=NAME, add=NAME:HARDWARE, ctx=TOKENS or "
                   "without-cloud",
                   STR_ARG(word));
}

int whatif_apply(struct whatif *w, struct plan_wish *wish, struct err *err)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < wish->fleet->machines_count; i++) {
        const struct machine *m = &wish->fleet->machines[i];
        bool lost = false;

        for (uint32_t k = 0; k < w->lost_count; k++)
            lost |= str_equal(m->name, w->lost[k]) || str_equal(m->domain, w->lost[k]);
        if (lost && count == PLAN_MACHINES_MAX)
            return err_set(err, -E2BIG, "found more than %d lost machines", PLAN_MACHINES_MAX);
        if (lost)
            w->machines_lost[count++] = m;
    }
    wish->lost = w->machines_lost;
    wish->lost_count = count;
    wish->context = w->context ? w->context : wish->context;
    wish->without_cloud |= w->without_cloud;
    return 0;
}

static int read_lose(struct whatif *w, struct str value, const struct fleet *fleet, struct err *err)
{
    struct str near;

    if (w->lost_count == WHATIF_LOST_MAX)
        return err_set(err, -E2BIG, "found more than %d times lose=", WHATIF_LOST_MAX);
    if (is_known(fleet, value)) {
        w->lost[w->lost_count++] = value;
        return 0;
    }
    near = nearest_machine(fleet, value);
    return err_set(err, -EINVAL, "lose=%.*s: there is no such machine or domain%s%.*s%s",
                   STR_ARG(value), near.len ? "; did you mean '" : "", STR_ARG(near),
                   near.len ? "'?" : "");
}

static bool is_known(const struct fleet *fleet, struct str name)
{
    for (uint32_t i = 0; i < fleet->machines_count; i++)
        if (str_equal(fleet->machines[i].name, name) || str_equal(fleet->machines[i].domain, name))
            return true;
    return false;
}

static struct str nearest_machine(const struct fleet *fleet, struct str name)
{
    struct str near = {0};
    size_t least = 4;

    for (uint32_t i = 0; i < fleet->machines_count; i++) {
        size_t distance = str_distance(name, fleet->machines[i].name);

        if (distance < least) {
            least = distance;
            near = fleet->machines[i].name;
        }
    }
    return near;
}

static int read_add(struct whatif *w, struct str value, const struct fleet *fleet,
                    const struct catalog *catalog, struct err *err)
{
    struct str text, name = str_cut(value, ':', &text);
    const struct machine *like;
    struct parts parts = {0};
    int r = 0;

    if (!name.len || !text.len)
        return err_set(err, -EINVAL,
                       "found 'add=%.*s', expected add=NAME:HARDWARE, such as "
                       "'add=spare:AI Max+ 395,128 GB' or the name of a machine it is like",
                       STR_ARG(value));
    if (fleet_machine(fleet, name))
        return err_set(err, -EINVAL, "add=%.*s: there is a machine of that name", STR_ARG(name));
    like = fleet_machine(fleet, str_trim(text));
    if (!like && (r = read_parts(&parts, text, catalog, err)) < 0)
        return err_wrap(err, r, "add=%.*s", STR_ARG(name));
    r = put_machine(w, name, &parts, like);
    return r < 0 ? err_set(err, r, "out of memory") : 0;
}

static int read_context(struct whatif *w, struct str value, struct err *err)
{
    if (units_read_tokens(&w->context, value) == 0 && w->context)
        return 0;
    return err_set(err, -EINVAL, "found 'ctx=%.*s', expected tokens, such as ctx=65536 or ctx=64K",
                   STR_ARG(value));
}

static int read_parts(struct parts *ret, struct str text, const struct catalog *catalog,
                      struct err *err)
{
    static const uint64_t ram_beside_gpu = 32ull << 30;
    struct parts parts = {0};
    int r = 0;

    while (text.len && r == 0)
        r = read_part(&parts, str_trim(str_cut(text, ',', &text)), catalog, err);
    if (r < 0)
        return r;
    if (!parts.gpu.len && !parts.cpu.len)
        return err_set(err, -EINVAL, "no hardware is named, such as RTX 5090 or AI Max+ 395");
    if (!parts.ram_bytes && !parts.gpu.len)
        return err_set(err, -EINVAL, "'%.*s' needs its RAM, such as '%.*s,64 GB'",
                       STR_ARG(parts.cpu), STR_ARG(parts.cpu));
    parts.ram_bytes = parts.ram_bytes ? parts.ram_bytes : ram_beside_gpu;
    parts.engines = parts.engines ? parts.engines : 1u << ENGINE_ollama;
    *ret = parts;
    return 0;
}

static int read_part(struct parts *parts, struct str part, const struct catalog *catalog,
                     struct err *err)
{
    const struct hardware_facts *facts = catalog_hardware(catalog, part);
    struct str near;
    int kind = schema_find_word(engine_words, ENGINE_COUNT, part);

    if (kind >= 0) {
        parts->engines |= 1u << kind;
        return 0;
    }
    if (facts) {
        *(facts->kind == HARDWARE_gpu ? &parts->gpu : &parts->cpu) = part;
        return 0;
    }
    if (units_read_memory(&parts->ram_bytes, part) == 0 && parts->ram_bytes)
        return 0;
    near = nearest_hardware(catalog, part);
    return err_set(err, -EINVAL,
                   "'%.*s' is not in the catalog%s%.*s%s; hardware that is not there needs three "
                   "numbers in a row of it: memory, bandwidth and effective TFLOP/s",
                   STR_ARG(part), near.len ? "; the nearest is '" : "", STR_ARG(near),
                   near.len ? "'" : "");
}

static struct str nearest_hardware(const struct catalog *catalog, struct str text)
{
    struct str near = {0};
    size_t least = GUESS_MAX + 1;

    for (uint32_t i = 0; i < catalog->hardware_count; i++)
        for (uint32_t k = 0; k < catalog->hardware[i].match_count; k++) {
            size_t distance = str_distance(text, catalog->hardware[i].match[k]);

            if (distance < least) {
                least = distance;
                near = catalog->hardware[i].match[k];
            }
        }
    return near;
}

/* JSON is YAML, and takes care of what stands in texts. */
static int put_machine(struct whatif *w, struct str name, const struct parts *parts,
                       const struct machine *like)
{
    struct json_out o = {.out = &w->machines};
    int r = w->machines.len ? 0 : buf_put(&w->machines, STR("machines:\n"));

    if (r == 0)
        r = buf_put(&w->machines, STR("  "));
    if (r == 0)
        r = json_put_string(&w->machines, name);
    if (r == 0)
        r = buf_put(&w->machines, STR(": "));
    if (r < 0)
        return r;
    json_open(&o, '{');
    if (like)
        put_like(&o, like);
    else
        put_parts(&o, parts);
    json_close(&o, '}');
    return o.error ? o.error : buf_put_char(&w->machines, '\n');
}

static void put_parts(struct json_out *o, const struct parts *parts)
{
    json_open(json_key(o, "hardware"), '{');
    put_text(o, "gpu", parts->gpu);
    put_text(o, "cpu", parts->cpu);
    put_amount(o, "ram", parts->ram_bytes, "B");
    json_close(o, '}');
    json_open(json_key(o, "engines"), '[');
    for (int kind = 0; kind < ENGINE_COUNT; kind++)
        if (parts->engines & 1u << kind)
            json_text(o, str_from(engine_kind_row((enum engine_kind)kind)->name));
    json_close(o, ']');
}

static void put_like(struct json_out *o, const struct machine *m)
{
    const struct hardware *h = &m->hardware;

    json_open(json_key(o, "hardware"), '{');
    put_text(o, "gpu", h->gpu);
    put_text(o, "cpu", h->cpu);
    put_text(o, "npu", h->npu);
    put_amount(o, "ram", machine_ram(m), "B");
    put_amount(o, "gpu_memory", h->gpu_memory_bytes, "B");
    put_amount(o, "disk", machine_disk(m), "B");
    put_amount(o, "disk_rate", h->disk_rate_bits, "bit/s");
    json_close(o, '}');
    json_open(json_key(o, "engines"), '[');
    for (uint32_t i = 0; i < m->engines_count; i++)
        put_engine(o, &m->engines[i]);
    json_close(o, ']');
}

static void put_engine(struct json_out *o, const struct fleet_engine *e)
{
    static const char *const computes[] = {"any", "gpu", "npu", "cpu"};

    json_open(o, '{');
    put_text(o, "kind", str_from(engine_kind_row((enum engine_kind)e->kind)->name));
    put_text(o, "name", e->name);
    put_text(o, "compute", str_from(computes[e->compute]));
    json_number(json_key(o, "port"), e->port);
    if (e->slots)
        json_number(json_key(o, "slots"), e->slots);
    json_open(json_key(o, "env"), '{');
    for (uint32_t i = 0; i < e->env_count; i++)
        json_text(json_key_str(o, e->env[i].key), e->env[i].value);
    json_close(o, '}');
    json_close(o, '}');
}

static void put_text(struct json_out *o, const char *key, struct str value)
{
    if (value.len)
        json_text(json_key(o, key), value);
}

static void put_amount(struct json_out *o, const char *key, uint64_t amount, const char *unit)
{
    char text[40];

    snprintf(text, sizeof text, "%llu %s", (unsigned long long)amount, unit);
    if (amount)
        json_text(json_key(o, key), str_from(text));
}
