/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a kind of store must be able to do: the table of functions behind store.h.
 *
 * Only drivers include it. Each function keeps the promise that store.h makes for its namesake.
 */
#pragma once

#include "store/store.h"

struct store_driver {
    unsigned look_every_ms; /* as store_look_every_ms() says */
    int (*open)(struct store **ret, struct str place,
                struct err *err); /* the URL without its scheme */
    void (*close)(struct store *s);
    /* -EDQUOT, without words: `most` are there that are not revoked. */
    int (*key_put)(struct store *s, const struct key_row *row, unsigned most, struct err *err);
    int (*key_revoke)(struct store *s, struct str which, int64_t now_us, struct err *err);
    int (*key_rotate)(struct store *s, struct str which, const struct key_row *fresh,
                      int64_t old_until_us, struct err *err);
    int (*key_each)(struct store *s, key_fn *fn, void *ctx, struct err *err);
    int (*exchange_put)(struct store *s, const struct exchange_row *rows, size_t count,
                        struct err *err);
    int (*exchange_find)(struct store *s, struct str id, exchange_fn *fn, void *ctx,
                         struct err *err);
    int (*exchange_last)(struct store *s, unsigned most, exchange_fn *fn, void *ctx,
                         struct err *err);
    int (*exchange_trim)(struct store *s, const struct retention *keep, uint64_t *removed,
                         struct err *err);
    int (*usage)(struct store *s, const struct usage_query *query, usage_fn *fn, void *ctx,
                 struct err *err);
    int (*measurement_put)(struct store *s, const struct measurement_row *rows, size_t count,
                           struct err *err);
    int (*measurement_last)(struct store *s, unsigned most, measurement_fn *fn, void *ctx,
                            struct err *err);
    int (*backup)(struct store *s, const char *path, struct err *err);
    int (*restore)(struct store *s, const char *path, struct err *err);
    int (*pepper)(struct store *s, unsigned char pepper[32], struct err *err);
    int (*version)(struct store *s, uint64_t *ret, struct err *err);
};

/* The first member of every driver's own struct. */
struct store {
    const struct store_driver *driver;
    char note[9000]; /* two paths */
};

#define STORE(scheme, form, words) extern const struct store_driver store_##scheme;
#include "tables/stores.def"
