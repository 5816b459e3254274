/* SPDX-License-Identifier: Apache-2.0 */
/* Every way a request can fail: tables/failures.def as an enum and rows. */
#pragma once

#include <stdbool.h>

enum blame {
    BLAME_caller,
    BLAME_gateway,
    BLAME_copy,
    BLAME_machine,
    BLAME_credential,
};

enum failure {
    FAILURE_none,
#define FAILURE(name, status, again, blame, words) FAILURE_##name,
#include "tables/failures.def"
    FAILURE_COUNT
};

struct failure_row {
    const char *name; /* as in logs, metrics and JSON */
    int status;
    bool again;
    enum blame blame;
    const char *words;
};

/* The row of a failure; FAILURE_none has the name "none" and status 200. */
const struct failure_row *failure_row(enum failure why);
