/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets named in the fleet file, env:NAME or file:PATH: read when a scene is built, never shown.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum { SECRET_MAX = 4096 };

/* Without the newline at its end. 0; -ENOENT with words: not set, empty or not readable; -EINVAL.
 */
MUST_USE int secret_read(char out[SECRET_MAX], struct str reference, struct err *err);

/* What somebody says who was shown a credential ("Bearer X", or X): without it, should he repeat
 * it.
 */
struct str secret_hide(struct str words, struct str credential, struct arena *arena);
