/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that travel inside the program: the catalog, the demo's fleet, the store's schemas, the
 * dashboard.
 *
 *     const struct embedded_file *file = embedded_find("catalog/models.yaml");
 *
 * The Makefile's EMBED names them; tools/embed turns them into the array below.
 */
#pragma once

#include <stddef.h>

struct embedded_file {
    const char *name; /* its path in the repository */
    const char *data; /* a NUL follows the last byte */
    size_t size;      /* without that NUL */
};

/* In the order of their names within each folder; the last one has no name. */
extern const struct embedded_file embedded_files[];

/* The file of that name, or NULL. Lives as long as the program. */
const struct embedded_file *embedded_find(const char *name);
