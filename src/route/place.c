/* SPDX-License-Identifier: Apache-2.0 */
/* Engines and copies by name. */
#include "route/place.h"

#include <stdlib.h>
#include <string.h>

#include "route/board.h"

static void *add_place(struct map *places, size_t size, struct str name, struct str *kept);
static void unnumber_copy(void *place);
static void unnumber_engine(void *place);

struct engine_place *place_engine(struct places_kept *kept, struct str name)
{
    struct engine_place *engine = map_find(&kept->engines, name);
    struct str own;

    if (!engine && (engine = add_place(&kept->engines, sizeof *engine, name, &own)))
        *engine = (struct engine_place){own, BOARD_NONE};
    return engine;
}

struct copy_place *place_copy(struct places_kept *kept, struct str name)
{
    struct copy_place *copy = map_find(&kept->copies, name);
    struct str own;

    if (!copy && (copy = add_place(&kept->copies, sizeof *copy, name, &own)))
        *copy = (struct copy_place){own, BOARD_NONE};
    return copy;
}

void places_number(struct places_kept *kept, const struct places *places, uint32_t copies,
                   uint32_t engines)
{
    map_each(&kept->copies, unnumber_copy);
    map_each(&kept->engines, unnumber_engine);
    for (uint32_t i = copies; i-- > 0;)
        places->copies[i]->index = (int)i;
    for (uint32_t i = engines; i-- > 0;)
        places->engines[i]->index = (int)i;
}

void places_free(struct places_kept *kept)
{
    map_each(&kept->engines, free);
    map_fini(&kept->engines);
    map_each(&kept->copies, free);
    map_fini(&kept->copies);
}

/* The name's bytes stand behind the place, in the same allocation. */
static void *add_place(struct map *places, size_t size, struct str name, struct str *kept)
{
    char *place = calloc(1, size + name.len + 1);

    if (!place)
        return NULL;
    memcpy(place + size, name.data, name.len);
    *kept = str_slice(place + size, name.len);
    if (map_put(places, *kept, place) < 0) {
        free(place);
        return NULL;
    }
    return place;
}

static void unnumber_copy(void *place)
{
    ((struct copy_place *)place)->index = BOARD_NONE;
}

static void unnumber_engine(void *place)
{
    ((struct engine_place *)place)->index = BOARD_NONE;
}
