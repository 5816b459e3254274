/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the fleet stands: the plan that its file declares, with what is down taken away, and the
 * certificate of that: who answers each category now, and who would if one more machine were lost.
 *
 *     standing_make(&s, scene, up);          up: a flag for each engine of the scene's view
 *     map_write(&o, &s); facts_write(&o, &s);
 *     standing_fini(&s);
 *
 * Pure arithmetic over a scene; a few milliseconds for a dozen machines.
 */
#pragma once

#include "gateway/scene.h"
#include "plan/certificate.h"
#include "plan/declared.h"
#include "wire/json_out.h"

struct standing {
    const struct scene *scene; /* borrowed */
    struct declared *declared; /* its copies are those of the file, also where machines are down */
    struct certificate *certificate;
    const struct machine **down; /* machines of which no engine answers */
    uint32_t down_count;
};

/* 0 or -ENOMEM. */
MUST_USE int standing_make(struct standing *s, const struct scene *scene, const bool *up);
void standing_fini(struct standing *s);

/* The redundancy map: each category, and who answers it for each machine that is lost. */
void map_write(struct json_out *o, const struct standing *s);

/* What the fleet file and the catalog say, and nothing that changes: machines and their memory,
 * copies and their expected speed, categories. */
void facts_write(struct json_out *o, const struct standing *s);
