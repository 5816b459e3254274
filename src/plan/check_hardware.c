/* SPDX-License-Identifier: Apache-2.0 */
/* What the machines have: is it known, and if not, what must be said of it? */
#include "plan/check_inside.h"

static const double gib = 1 << 30;

static void check_gpu(struct check *c, const struct machine *m, struct finding f);
static void check_cpu(struct check *c, const struct machine *m, struct finding f);

void check_hardware(struct check *c)
{
    for (uint32_t i = 0; i < c->fleet->machines_count; i++) {
        const struct machine *m = &c->fleet->machines[i];
        struct finding f = {.code = FINDING_unknown_hardware,
                            .where = check_place(m->hardware.at, m->at),
                            .machine = m->name};

        if (!machine_serves(m))
            continue;
        if (!machine_ram(m)) {
            f.subject = m->name;
            f.fix = m->hardware.at.line ? "ram: 32 GB" : "hardware: {ram: 32 GB}";
            check_say(c, f, "%.*s does not say how much memory it has, so what fits is not known",
                      STR_ARG(m->name));
        }
        check_gpu(c, m, f);
        check_cpu(c, m, f);
    }
}

/* Three numbers make a GPU known; those of the nearest one are a beginning. */
static void check_gpu(struct check *c, const struct machine *m, struct finding f)
{
    const struct hardware *h = &m->hardware;
    const struct hardware_facts *near;

    if (!h->gpu.len || catalog_hardware(c->catalog, h->gpu) ||
        (h->gpu_memory_bytes && h->gpu_gbs > 0))
        return;
    near = catalog_nearest_hardware(c->catalog, h->gpu, HARDWARE_gpu);
    f.subject = h->gpu;
    f.fix = near ? check_text(c, "gpu_memory: %.0f GiB, gpu_bandwidth: %.0f, gpu_tflops: %.0f",
                              (double)near->memory_bytes / gib, near->bandwidth_gbs,
                              near->prefill_tflops)
                 : "gpu_memory: 8 GiB, gpu_bandwidth: 400, gpu_tflops: 20";
    check_say(c, f,
              "the catalog does not know the GPU '%.*s': say how much memory it has, how many GB/s "
              "that reads, and its 10^12 operations a second%s%.*s%s",
              STR_ARG(h->gpu), near ? " (the fix has those of '" : "",
              near ? (int)near->match[0].len : 0, near ? near->match[0].data : "",
              near ? "', which is spelled most like it)" : "");
}

/* Its speed is guessed low; what fits does not depend on it. */
static void check_cpu(struct check *c, const struct machine *m, struct finding f)
{
    const struct hardware *h = &m->hardware;
    const struct hardware_facts *near;

    if (!h->cpu.len || catalog_hardware(c->catalog, h->cpu))
        return;
    near = catalog_nearest_hardware(c->catalog, h->cpu, HARDWARE_cpu);
    if (!near)
        return;
    f.subject = h->cpu;
    f.severity = SEVERITY_note;
    f.fix = check_text(c, "cpu: %.*s", STR_ARG(near->match[0]));
    check_say(c, f,
              "the catalog does not know the processor '%.*s', so its speed is guessed low; "
              "'%.*s' is spelled most like it, and --catalog adds others",
              STR_ARG(h->cpu), STR_ARG(near->match[0]));
}
