/* SPDX-License-Identifier: Apache-2.0 */
/* What a model is not made for. */
#include "route/gate.h"

static bool speaks(const struct model *m, struct str language);

const char *gate_refuses(const struct gate *g, const struct copy *copy)
{
    const struct model *m = copy->artifact ? copy->artifact->model : NULL;

    if (!m)
        return NULL;
    if (g->language.len && m->languages_count && !speaks(m, g->language))
        return "language";
    if (g->pixels && m->pixels && g->pixels > m->pixels)
        return "size";
    return NULL;
}

/* ISO 639-1, with or without a region. Whole words ("german") are for the engine to judge. */
static bool speaks(const struct model *m, struct str language)
{
    struct str region, code = str_cut(language, '-', &region);

    for (uint32_t i = 0; i < m->languages_count; i++)
        if (str_equal_nocase(m->languages[i], code))
            return true;
    return code.len > 3;
}
