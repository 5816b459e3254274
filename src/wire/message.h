/* SPDX-License-Identifier: Apache-2.0 */
/* What every HTTP message has: a method and headers. */
#pragma once

#include "base/str.h"

struct header {
    struct str name, value;
};

enum method {
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_DELETE,
    METHOD_PATCH,
    METHOD_OPTIONS,
    METHOD_other,
};

/* "GET"; METHOD_other is "other". */
const char *method_name(enum method m);

/* The value of the first header with that name, ignoring case; .data NULL if there is none. */
struct str header_find(const struct header *headers, size_t count, struct str name);
