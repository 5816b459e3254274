/* SPDX-License-Identifier: Apache-2.0 */
/* How much memory a GPU that lives in RAM may use. */
#include "apply/gpu_memory.h"

#include <errno.h>

#include "apply/apply_inside.h"
#include "base/units.h"

static const struct hardware_facts *facts_of(const struct catalog *c, const struct machine *m);
static int run(struct buf *said, const struct machine *m, enum remote_do verb,
               const struct remote_options *options, struct err *err);
static bool read_mib(uint64_t *ret_bytes, struct str word, struct str name);
static int leave(const struct machine *m, const struct gpu_memory *now, struct err *err);

bool gpu_memory_is_set(const struct catalog *c, const struct machine *m)
{
    const struct hardware_facts *facts = facts_of(c, m);

    return m->hardware.gpu_memory_bytes && facts && facts->kind == HARDWARE_unified &&
           remote_has_script(m, NULL);
}

static const struct hardware_facts *facts_of(const struct catalog *c, const struct machine *m)
{
    return catalog_hardware(c, m->hardware.gpu.len ? m->hardware.gpu : m->hardware.cpu);
}

/* macOS says 0 where it has not been told: then it gives what the catalog says. */
void gpu_memory_look(struct gpu_memory *ret, const struct catalog *c, const struct machine *m,
                     const struct remote_options *options)
{
    struct err err = {0};
    struct buf said;

    *ret = (struct gpu_memory){0};
    buf_init(&said, SCRIPT_MAX);
    if (run(&said, m, REMOTE_show, options, &err) == 0)
        gpu_memory_read(ret, buf_str(&said));
    if (ret->is_known && !ret->now_bytes)
        ret->now_bytes = (uint64_t)((double)machine_ram(m) * facts_of(c, m)->usable_share);
    buf_fini(&said);
}

static int run(struct buf *said, const struct machine *m, enum remote_do verb,
               const struct remote_options *options, struct err *err)
{
    const struct remote_what what = {.machine = m};
    struct buf script;
    int r;

    buf_init(&script, SCRIPT_MAX);
    r = remote_write(&script, &what, verb, err);
    if (r == 0)
        r = remote_run(said, m, buf_str(&script), options, err);
    buf_fini(&script);
    return r;
}

void gpu_memory_read(struct gpu_memory *ret, struct str said)
{
    const struct str head = STR("gpu-memory: ");
    struct gpu_memory found = {0};
    struct str now, written, rest;

    *ret = found;
    said = str_cut(said, '\n', &rest);
    if (!str_starts(said, head))
        return;
    now = str_cut(str_slice(said.data + head.len, said.len - head.len), ' ', &written);
    found.is_known = read_mib(&found.now_bytes, now, STR("now=")) &&
                     read_mib(&found.written_bytes, written, STR("written="));
    if (found.is_known)
        *ret = found;
}

static bool read_mib(uint64_t *ret_bytes, struct str word, struct str name)
{
    uint64_t mib;

    if (!str_starts(word, name) ||
        str_to_u64(&mib, str_slice(word.data + name.len, word.len - name.len)) < 0 ||
        mib > UINT64_MAX >> 20)
        return false;
    *ret_bytes = mib << 20;
    return true;
}

bool gpu_memory_suffices(const struct gpu_memory *now, const struct machine *m)
{
    uint64_t wanted = m->hardware.gpu_memory_bytes;

    return !now->is_known || now->now_bytes >= wanted - wanted / 100;
}

/* Written once; whoever applies again before the machine was restarted is told again. */
int hand_limit(struct hand *h, struct apply_step *s, struct err *err)
{
    const struct remote_options *options = &h->apply->options.remote;
    struct buf said;
    int r = 0;

    buf_init(&said, SCRIPT_MAX);
    if (h->gpu_memory.written_bytes >> 20 != s->machine->hardware.gpu_memory_bytes >> 20)
        r = run(&said, s->machine, REMOTE_set, options, err);
    buf_fini(&said);
    if (r < 0)
        return r;
    gpu_memory_look(&h->gpu_memory, h->apply->options.catalog, s->machine, options);
    return gpu_memory_suffices(&h->gpu_memory, s->machine) ? 0
                                                           : leave(s->machine, &h->gpu_memory, err);
}

static int leave(const struct machine *m, const struct gpu_memory *now, struct err *err)
{
    struct buf wanted, has;
    int r;

    buf_init(&wanted, 64);
    buf_init(&has, 64);
    r = units_write_bytes(&wanted, m->hardware.gpu_memory_bytes);
    if (r == 0)
        r = units_write_bytes(&has, now->now_bytes);
    r = err_set(err, -ENOTSUP,
                "it is written; restart %.*s (sudo systemctl reboot): from then on its GPU may use "
                "%.*s, until then %.*s; the next apply looks",
                STR_ARG(m->name), STR_ARG(buf_str(&wanted)), STR_ARG(buf_str(&has)));
    buf_fini(&wanted);
    buf_fini(&has);
    return r;
}
