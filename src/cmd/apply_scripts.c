/* SPDX-License-Identifier: Apache-2.0 */
/* The scripts of an apply, for reading before they run and for running by hand. */
#include <errno.h>

#include "apply/gpu_memory.h"
#include "apply/service.h"
#include "cmd/apply_show.h"

struct writing {
    struct buf *out;
    const struct apply *apply;
    int error;
};

static void write_script(void *ctx, uint32_t number, const struct apply_step *step);
static int write_limit(struct buf *out, const struct machine *m, struct err *err);
static int write_engines(struct buf *out, const struct fleet *f, struct err *err);
static int write_head(struct buf *out, const struct machine *m, const struct fleet_engine *e);

int apply_write_scripts(struct buf *out, struct apply *a)
{
    struct writing w = {.out = out, .apply = a};

    apply_look(a, write_script, &w);
    return w.error;
}

static void write_script(void *ctx, uint32_t number, const struct apply_step *s)
{
    enum remote_do verb = s->kind == WORK_install ? REMOTE_install
                          : s->kind == WORK_fetch ? REMOTE_fetch
                                                  : REMOTE_set;
    struct writing *w = ctx;
    struct err err = {0};

    (void)number;
    if (w->error < 0 || s->state != STEP_IS_waiting ||
        (s->kind != WORK_install && s->kind != WORK_fetch && s->kind != WORK_configure &&
         s->kind != WORK_limit) ||
        !remote_knows(s->machine, s->engine))
        return;
    w->error = write_head(w->out, s->machine, s->engine);
    if (w->error == 0)
        w->error = apply_write_script(w->out, w->apply, s, verb, &err);
}

/* Without asking anybody: of what runs as a service only how it is installed is known. */
int apply_write_all_scripts(struct buf *out, const struct fleet *f, const struct catalog *c,
                            struct err *err)
{
    int r = 0;

    for (uint32_t i = 0; i < f->machines_count && r == 0; i++)
        if (machine_serves(&f->machines[i]) && gpu_memory_is_set(c, &f->machines[i]))
            r = write_limit(out, &f->machines[i], err);
    return r < 0 ? r : write_engines(out, f, err);
}

static int write_limit(struct buf *out, const struct machine *m, struct err *err)
{
    const struct remote_what what = {.machine = m};
    int r = write_head(out, m, NULL);

    return r < 0 ? r : remote_write(out, &what, REMOTE_set, err);
}

static int write_engines(struct buf *out, const struct fleet *f, struct err *err)
{
    int r = 0;

    for (uint32_t i = 0; i < f->machines_count; i++)
        for (uint32_t k = 0; k < f->machines[i].engines_count && r == 0; k++) {
            const struct remote_what what = {.machine = &f->machines[i],
                                             .engine = &f->machines[i].engines[k]};
            bool is_service = program_of(what.engine) != NULL;

            if (!remote_has_script(what.machine, what.engine) ||
                (!is_service && !what.engine->env_count))
                continue;
            r = write_head(out, what.machine, what.engine);
            if (r == 0)
                r = remote_write(out, &what, is_service ? REMOTE_install : REMOTE_set, err);
        }
    return r;
}

static int write_head(struct buf *out, const struct machine *m, const struct fleet_engine *e)
{
    struct str what = e ? e->name : STR("GPU memory");

    return buf_printf(out, "\n# --- %.*s, %.*s ---\n", STR_ARG(m->name), STR_ARG(what));
}
