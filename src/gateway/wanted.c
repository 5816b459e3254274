/* SPDX-License-Identifier: Apache-2.0 */
/* What a request needs, in the catalog's words. */
#include "gateway/wanted.h"

#include "base/attr.h"
#include "model/kinds.h"

uint32_t wanted_capabilities(const struct ask *ask)
{
    static const enum capability tasks[TASK_COUNT] = {
#define TASK(id, capability, answer, body, words) [TASK_##id] = CAPABILITY_##capability,
#include "tables/tasks.def"
    };
    /* A schema is enforced by the engine's sampler, whatever the model; thinking is a wish. */
    static const struct {
        enum need need;
        enum capability capability;
    } needs[] = {
        {NEED_images, CAPABILITY_vision},
        {NEED_tools, CAPABILITY_tools},
        {NEED_insert, CAPABILITY_insert},
        {NEED_audio, CAPABILITY_audio},
    };
    uint32_t wanted = 1u << tasks[ask->task];

    for (size_t i = 0; i < COUNT_OF(needs); i++)
        if (ask->needs & needs[i].need)
            wanted |= 1u << needs[i].capability;
    return wanted;
}
