/* SPDX-License-Identifier: Apache-2.0 */
/* Who has become slow, and probably why. */
#include "gateway/measured.h"

#include "base/log.h"
#include "gateway/worker.h"
#include "net/clock.h"
#include "route/expect.h"

/* The planner's share on the GPU and the engine's are never the same to the last percent. */
static const double share_slack = 0.02;

void measured_tell(const struct exchange *x, bool is_slow)
{
    const struct copy *copy = x->attempt.copy;
    const struct scene_copy *sc = &x->scene->copies[copy->index];
    struct sighting seen = health_copy(x->worker->gateway->health, copy->place);
    struct copy_look now =
        traffic_look(x->worker->gateway->traffic, sc->place, loop_now_ms(x->worker->loop));

    log_event(is_slow ? EVENT_copy_slow : EVENT_copy_well, clock_wall_us(),
              (struct log_field[]){
                  LOG_STR("machine", copy->machine_name), LOG_STR("model", copy->name),
                  LOG_U64("prefill_percent", now.prompt_slowness * 100),
                  LOG_U64("decode_percent", now.decode_slowness * 100),
                  LOG_STR("found", str_from(is_slow ? measured_reason(sc, &seen) : "")), LOG_END});
}

const char *measured_reason(const struct scene_copy *copy, const struct sighting *seen)
{
    double wanted = copy->expected ? copy->expected->fit.gpu_share : 0, found;

    if (seen->loaded && seen->memory_bytes && wanted > 0) {
        found = (double)seen->gpu_bytes / (double)seen->memory_bytes;
        if (!seen->gpu_bytes)
            return "it runs on the CPU: the engine has lost its GPU, or another program fills it";
        if (found < wanted - share_slack)
            return "it is partly on the CPU: the memory that is free on the GPU does not suffice";
    }
    return "not its place in memory: heat, a power limit, a driver, or other work on the machine";
}
