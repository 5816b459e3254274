/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the catalog's rows come from: what the program carries, and folders laid over it.
 *
 * Inside model/. A later layer's rows replace those of the same name whole, and are added where
 * there is none; every row keeps the place where it was written.
 */
#pragma once

#include "base/buf.h"
#include "model/catalog.h"
#include "wire/schema.h"

enum { CATALOG_models, CATALOG_hardware, CATALOG_cloud, CATALOG_FILE_COUNT };

struct catalog_layer {
    const char *dir;                      /* for places */
    struct str texts[CATALOG_FILE_COUNT]; /* empty: it has no such file */
};

/* Both return 0, or negative with words. The texts are the program's, or the bufs'. */
MUST_USE int catalog_layer_embedded(struct catalog_layer *ret, struct err *err);
MUST_USE int catalog_layer_read(struct catalog_layer *ret,
                                struct buf bufs[static CATALOG_FILE_COUNT], const char *dir,
                                struct err *err);

/* Mistakes in rows go to rd; what is no YAML at all to err. */
MUST_USE int catalog_read_layers(struct catalog *ret, struct schema_reader *rd,
                                 const struct catalog_layer *layers, size_t count, struct err *err);
