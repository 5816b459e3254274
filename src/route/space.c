/* SPDX-License-Identifier: Apache-2.0 */
/* The space of a copy's vectors. */
#include "route/space.h"

#include <inttypes.h>
#include <stdio.h>

static struct str maker_of(const struct copy *copy);

struct space space_read(struct str text)
{
    struct space ret = {.identity = text};
    size_t head = text.len;
    uint64_t dimensions;

    while (head && text.data[head - 1] != '/')
        head--;
    if (head && str_to_u64(&dimensions, str_slice(text.data + head, text.len - head)) == 0) {
        ret.identity.len = head - 1;
        ret.dimensions = dimensions;
    }
    return ret;
}

void space_write(char text[static SPACE_SIZE], const struct copy *copy, uint64_t dimensions)
{
    struct str tag = copy->artifact ? copy->artifact->tag : copy->tag;
    struct str maker = maker_of(copy);
    char count[24] = "";

    if (!dimensions)
        dimensions = copy->dimensions;
    if (dimensions)
        snprintf(count, sizeof count, "/%" PRIu64, dimensions);
    snprintf(text, SPACE_SIZE, "%.*s%s%.*s%s", STR_ARG(maker), maker.len ? "/" : "", STR_ARG(tag),
             count);
}

bool space_has(const struct space *space, const struct catalog *catalog, const struct copy *copy)
{
    struct str maker = maker_of(copy), tag;

    if (copy->dimensions && space->dimensions > copy->dimensions)
        return false;
    if (copy->artifact)
        return catalog_artifact(catalog, space->identity) == copy->artifact;
    return str_equal(str_cut(space->identity, '/', &tag), maker) && str_equal(tag, copy->tag);
}

/* Empty: the catalog's tag says it all. */
static struct str maker_of(const struct copy *copy)
{
    if (copy->artifact)
        return (struct str){0};
    return copy->cloud ? provider_name((enum provider_kind)copy->cloud->provider)
                       : str_from(engine_kind_row(copy->engine->kind)->name);
}
