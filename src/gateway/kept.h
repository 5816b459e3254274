/* SPDX-License-Identifier: Apache-2.0 */
/* What the gateway remembers in JSON beside its state. */
#pragma once

#include "wire/json.h"

/* Of a file of at most `max` bytes; json_fini() is due. A zeroed one where nothing is kept there,
 * the path is empty, or it is no JSON: then it is begun anew. */
struct json kept_read(const char *path, size_t max);
