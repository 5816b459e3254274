/* SPDX-License-Identifier: Apache-2.0 */
/* The declared plan and its certificate, as things are. */
#include "web/standing.h"

#include <errno.h>
#include <stdlib.h>

static bool is_machine_up(const struct scene *scene, const struct machine *m, const bool *up);
static bool is_engine_up(const struct scene *scene, const struct plan_copy *copy, const bool *up);
static void leave_out_what_is_down(struct standing *s, const bool *up);
static bool has_cloud(const struct scene *scene);
static void write_case(struct json_out *o, const struct standing *s,
                       const struct certificate_case *c);
static void write_row(struct json_out *o, const struct certificate_row *row);

int standing_make(struct standing *s, const struct scene *scene, const bool *up)
{
    const struct fleet *f = scene->fleet;
    struct plan_wish wish = {.fleet = f,
                             .catalog = scene->catalog,
                             .day = str_from(scene->day),
                             .survive = 1,
                             .without_cloud = !has_cloud(scene)};
    int r;

    *s = (struct standing){.scene = scene};
    s->down = calloc(f->machines_count + 1, sizeof(*s->down));
    if (!s->down)
        return -ENOMEM;
    for (uint32_t i = 0; i < f->machines_count; i++)
        if (machine_serves(&f->machines[i]) && !is_machine_up(scene, &f->machines[i], up))
            s->down[s->down_count++] = &f->machines[i];
    r = declared_make(&s->declared, &wish, NULL);
    if (r == 0) {
        leave_out_what_is_down(s, up);
        wish.lost = s->down;
        wish.lost_count = s->down_count;
        r = certificate_make(&s->certificate, &s->declared->plan, &wish, NULL);
    }
    if (r < 0)
        standing_fini(s);
    return r;
}

void standing_fini(struct standing *s)
{
    certificate_free(s->certificate);
    declared_free(s->declared);
    free(s->down);
    *s = (struct standing){0};
}

static bool is_machine_up(const struct scene *scene, const struct machine *m, const bool *up)
{
    for (uint32_t i = 0; i < scene->view->engines_count; i++)
        if (scene->view->engines[i].machine == m && up[i])
            return true;
    return false;
}

/* Providers are not probed: they count as there when they can be called at all. */
static bool has_cloud(const struct scene *scene)
{
    for (uint32_t i = 0; i < scene->view->engines_count; i++)
        if (!scene->view->engines[i].machine && scene->engines[i].is_reachable)
            return true;
    return false;
}

/* A machine may be up with one of its engines down: rows ask only copies whose engine answers. */
static void leave_out_what_is_down(struct standing *s, const bool *up)
{
    struct plan *plan = &s->declared->plan;

    for (uint32_t i = 0; i < plan->rows_count; i++) {
        struct plan_row *row = &plan->rows[i];
        uint32_t kept = 0;

        for (uint32_t k = 0; k < row->copies_count; k++)
            if (is_engine_up(s->scene, &plan->copies[row->copies[k]], up))
                row->copies[kept++] = row->copies[k];
        row->copies_count = kept;
    }
}

static bool is_engine_up(const struct scene *scene, const struct plan_copy *copy, const bool *up)
{
    for (uint32_t i = 0; i < scene->view->engines_count; i++)
        if (scene->view->engines[i].engine == copy->engine)
            return up[i];
    return false;
}

void map_write(struct json_out *o, const struct standing *s)
{
    const struct certificate *c = s->certificate;
    const struct fleet *f = s->scene->fleet;

    json_open(o, '{');
    json_open(json_key(o, "categories"), '[');
    for (uint32_t i = 0; i < c->rows_count; i++)
        json_text(o, f->categories[i].name);
    json_close(o, ']');
    json_open(json_key(o, "down"), '[');
    for (uint32_t i = 0; i < s->down_count; i++)
        json_text(o, s->down[i]->name);
    json_close(o, ']');
    json_open(json_key(o, "cases"), '[');
    for (uint32_t i = 0; i < c->cases_count; i++)
        write_case(o, s, &c->cases[i]);
    json_close(o, ']');
    json_number(json_key(o, "holes"), c->holes);
    json_open(json_key(o, "closers"), '{');
    for (uint32_t i = 0; i < c->rows_count; i++)
        if (c->closers[i].data)
            json_text(json_key_str(o, f->categories[i].name), c->closers[i]);
    json_close(o, '}');
    json_close(o, '}');
}

static void write_case(struct json_out *o, const struct standing *s,
                       const struct certificate_case *c)
{
    static const char *const kinds[] = {[LOST_nobody] = "nobody",
                                        [LOST_machine] = "machine",
                                        [LOST_domain] = "domain",
                                        [LOST_pair] = "pair"};

    json_open(o, '{');
    if (c->lost.data)
        json_text(json_key(o, "lost"), c->lost);
    else
        json_raw(json_key(o, "lost"), STR("null"));
    json_text(json_key(o, "kind"), str_from(kinds[c->kind]));
    json_open(json_key(o, "rows"), '[');
    for (uint32_t i = 0; i < s->certificate->rows_count; i++)
        write_row(o, &c->rows[i]);
    json_close(o, ']');
    json_close(o, '}');
}

/* In the order of "categories". */
static void write_row(struct json_out *o, const struct certificate_row *row)
{
    static const char *const covers[COVER_COUNT] = {
        [COVER_same] = "same", [COVER_other] = "other", [COVER_cloud] = "cloud",
        [COVER_slow] = "slow", [COVER_none] = "none",
    };
    const struct plan_copy *copy = row->copy;

    json_open(o, '{');
    json_text(json_key(o, "cover"), str_from(covers[certificate_cover(row)]));
    if (copy || row->cloud) {
        json_text(json_key(o, "machine"), copy ? copy->machine->name : row->cloud->machine_name);
        json_text(json_key(o, "name"), copy ? copy->name : row->cloud->name);
        json_text(json_key(o, "parity"), str_from(parity_name(row->parity)));
        if (row->decode_tps > 0)
            json_number(json_key(o, "decode_tps"), (uint64_t)(row->decode_tps + 0.5));
    }
    json_close(o, '}');
}
