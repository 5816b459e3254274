/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the header of a model's file: what comes of it is a row of the catalog, or none. */
#include <stdlib.h>

#include "base/arena.h"
#include "model/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct header h;
    struct model model;

    arena_init(&arena, 1 << 20);
    header_init(&h, &arena);
    if (header_read_gguf(&h, str_slice((const char *)data, size), NULL) == 0 &&
        header_model(&h, &model, NULL) == 0 &&
        (!model.params || model.active_params > model.params || !model.geometry.heads))
        abort();
    arena_fini(&arena);
    return 0;
}
