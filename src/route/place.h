/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places: engines and copies by name, whatever numbers they have in the fleet file of the moment.
 *
 *     place = place_copy(&kept, STR("gtr9-pro/ollama/qwen2.5:72b"));
 *     places_number(&kept, &places, copies, engines);      another view counts from here on
 *
 * A place lives as long as its keeper, so that whoever waits or runs may point at it. Not
 * thread-safe. Pure.
 */
#pragma once

#include "base/map.h"
#include "base/str.h"

/* One engine of one machine, or one credential of a provider. */
struct engine_place {
    struct str name; /* "machine/engine" */
    int index;       /* on the board; BOARD_NONE: not in the present fleet file */
};

/* One copy. Other folders read what is there through traffic_look() only. */
struct copy_place {
    struct str name; /* "machine/engine/artifact" */
    int index;       /* the same */
};

/* Where the copies and engines of a view are; arrays beside the view's. */
struct places {
    struct copy_place **copies;
    struct engine_place **engines;
};

struct places_kept {
    struct map engines, copies;
};

/* Found or made. NULL without memory. */
struct engine_place *place_engine(struct places_kept *kept, struct str name);
struct copy_place *place_copy(struct places_kept *kept, struct str name);

/* These have the numbers of a view, all others none. Of two rows that name one place the first
 * counts. */
void places_number(struct places_kept *kept, const struct places *places, uint32_t copies,
                   uint32_t engines);
void places_free(struct places_kept *kept);
