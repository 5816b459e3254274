/* SPDX-License-Identifier: Apache-2.0 */
/* How much is asked of a category. */
#include "plan/demand.h"

static const struct demand usual[PURPOSE_COUNT] = {
#define USUAL_DEMAND(purpose, requests, prompt, answer) \
    [PURPOSE_##purpose] = {requests, prompt, answer},
#include "tables/usual_demand.def"
};

struct demand demand_of(const struct category *category, const struct demand *measured)
{
    const struct category_demand *said = &category->demand;
    struct demand d = usual[category->needs.purpose];

    if (measured)
        return (struct demand){
            .per_hour = measured->per_hour,
            .prompt_tokens = measured->prompt_tokens ? measured->prompt_tokens : d.prompt_tokens,
            .answer_tokens = measured->answer_tokens ? measured->answer_tokens : d.answer_tokens};
    if (said->per_hour > 0)
        d.per_hour = said->per_hour;
    if (said->prompt_tokens)
        d.prompt_tokens = (uint32_t)said->prompt_tokens;
    if (said->answer_tokens)
        d.answer_tokens = (uint32_t)said->answer_tokens;
    return d;
}
