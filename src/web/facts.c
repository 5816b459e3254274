/* SPDX-License-Identifier: Apache-2.0 */
/* What the fleet file and the catalog say of machines, copies and categories. */
#include "fleet/box.h"
#include "web/standing.h"

static void write_machine(struct json_out *o, const struct standing *s, const struct machine *m);
static void write_copy(struct json_out *o, const struct standing *s, const struct copy *c);
static const struct plan_copy *planned(const struct standing *s, const struct copy *c);
static void write_expected(struct json_out *o, const struct plan_copy *p);
static void write_category(struct json_out *o, const struct category *c);
static void write_words(struct json_out *o, const char *key, uint32_t bits, uint32_t count,
                        const char *(*name)(uint32_t));
static const char *capability_word(uint32_t bit);
static const char *purpose_word(uint32_t bit);
static void write_tenths(struct json_out *o, const char *key, double value);

void facts_write(struct json_out *o, const struct standing *s)
{
    const struct fleet *f = s->scene->fleet;
    const struct view *v = s->scene->view;

    json_open(o, '{');
    json_text(json_key(o, "fleet"), f->name);
    json_open(json_key(o, "machines"), '[');
    for (uint32_t i = 0; i < f->machines_count; i++)
        write_machine(o, s, &f->machines[i]);
    json_close(o, ']');
    json_open(json_key(o, "copies"), '[');
    for (uint32_t i = 0; i < v->copies_count; i++)
        write_copy(o, s, &v->copies[i]);
    json_close(o, ']');
    json_open(json_key(o, "categories"), '[');
    for (uint32_t i = 0; i < f->categories_count; i++)
        write_category(o, &f->categories[i]);
    json_close(o, ']');
    json_close(o, '}');
}

static void write_machine(struct json_out *o, const struct standing *s, const struct machine *m)
{
    struct box box;
    bool is_known = machine_box(&box, s->scene->catalog, m, NULL);

    json_open(o, '{');
    json_text(json_key(o, "machine"), m->name);
    json_number(json_key(o, "tier"), m->tier);
    json_text(json_key(o, "role"), m->role);
    json_number(json_key(o, "count"), m->count);
    json_bool(json_key(o, "serves"), machine_serves(m));
    json_text(json_key(o, "cpu"), m->hardware.cpu);
    json_text(json_key(o, "gpu"), m->hardware.gpu);
    json_text(json_key(o, "npu"), m->hardware.npu);
    json_number(json_key(o, "ram_bytes"), machine_ram(m));
    json_number(json_key(o, "disk_bytes"), machine_disk(m));
    json_text(json_key(o, "domain"), m->domain);
    json_open(json_key(o, "memory"), '{');
    json_text(json_key(o, "kind"), box.gpu_bytes ? STR("GPU") : STR("RAM"));
    json_number(json_key(o, "bytes"), box.gpu_bytes ? box.gpu_bytes : box.ram_bytes);
    json_bool(json_key(o, "known"), is_known);
    json_close(o, '}');
    json_open(json_key(o, "services"), '[');
    for (uint32_t i = 0; i < m->services_count; i++)
        json_text(o, m->services[i]);
    json_close(o, ']');
    json_close(o, '}');
}

static void write_copy(struct json_out *o, const struct standing *s, const struct copy *c)
{
    const struct plan_copy *p = planned(s, c);

    json_open(o, '{');
    json_text(json_key(o, "machine"), c->machine_name);
    json_text(json_key(o, "engine"), c->engine_name);
    json_text(json_key(o, "artifact"), c->tag);
    json_text(json_key(o, "name"), c->name);
    json_number(json_key(o, "params"), c->params);
    json_number(json_key(o, "context"), c->context);
    json_number(json_key(o, "slots"), c->slots);
    json_bool(json_key(o, "kept"), c->is_pinned);
    write_words(o, "capabilities", c->is_known ? c->capabilities : 0, CAPABILITY_COUNT,
                capability_word);
    write_words(o, "purposes", c->is_known ? c->purposes : 0, PURPOSE_COUNT, purpose_word);
    if (c->artifact)
        json_number(json_key(o, "disk_bytes"), c->artifact->bytes);
    if (p)
        write_expected(o, p);
    json_close(o, '}');
}

/* What the file's own plan makes of that copy; NULL: nothing, as for a cloud model. */
static const struct plan_copy *planned(const struct standing *s, const struct copy *c)
{
    const struct plan *plan = &s->declared->plan;

    for (uint32_t i = 0; i < plan->copies_count; i++)
        if (plan->copies[i].engine == c->engine && plan->copies[i].artifact == c->artifact &&
            c->artifact)
            return &plan->copies[i];
    return NULL;
}

static void write_expected(struct json_out *o, const struct plan_copy *p)
{
    json_number(json_key(o, "memory_bytes"), p->memory_bytes);
    json_open(json_key(o, "expected"), '{');
    write_tenths(o, "load_s", p->load_s);
    write_tenths(o, "prefill_tps", p->prefill_tps);
    write_tenths(o, "decode_tps", p->decode_tps);
    json_close(o, '}');
}

static void write_category(struct json_out *o, const struct category *c)
{
    json_open(o, '{');
    json_text(json_key(o, "category"), c->name);
    json_text(json_key(o, "title"), c->title);
    json_text(json_key(o, "purpose"), str_from(purpose_name((enum purpose)c->needs.purpose)));
    write_words(o, "capabilities", c->needs.capabilities, CAPABILITY_COUNT, capability_word);
    json_text(json_key(o, "primary"), c->primary);
    json_open(json_key(o, "backups"), '[');
    for (uint32_t i = 0; i < c->backups_count; i++)
        json_text(o, c->backups[i]);
    json_close(o, ']');
    json_open(json_key(o, "cloud"), '[');
    for (uint32_t i = 0; i < c->cloud_count; i++)
        json_text(o, c->cloud[i]);
    json_close(o, ']');
    write_tenths(o, "floor_tps", c->floor_tps);
    json_close(o, '}');
}

static void write_words(struct json_out *o, const char *key, uint32_t bits, uint32_t count,
                        const char *(*name)(uint32_t))
{
    json_open(json_key(o, key), '[');
    for (uint32_t i = 0; i < count; i++)
        if (bits & 1u << i)
            json_text(o, str_from(name(i)));
    json_close(o, ']');
}

static const char *capability_word(uint32_t bit)
{
    return capability_name((enum capability)bit);
}

static const char *purpose_word(uint32_t bit)
{
    return purpose_name((enum purpose)bit);
}

static void write_tenths(struct json_out *o, const char *key, double value)
{
    json_double(json_key(o, key), (double)(uint64_t)(value * 10 + 0.5) / 10);
}
