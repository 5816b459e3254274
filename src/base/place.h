/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in a file something stands, for messages.
 *
 *     err_set(err, -EINVAL, PLACE "found …", PLACE_ARG(at));    "fleet.yaml:12:7: found …"
 *
 * Lines and columns count from 1. The file's name is borrowed from whoever read the file.
 */
#pragma once

#include <stdint.h>

struct place {
    const char *file;
    uint32_t line, column;
};

#define PLACE        "%s:%u:%u: "
#define PLACE_ARG(p) (p).file ? (p).file : "?", (p).line, (p).column
