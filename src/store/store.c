/* SPDX-License-Identifier: Apache-2.0 */
/* Stores: the URL picks the driver, the driver does the work. */
#include "store/store.h"

#include <errno.h>
#include <stdio.h>

#include "store/driver.h"

static const struct {
    const char *scheme, *form;
    const struct store_driver *driver;
} rows[] = {
#define STORE(scheme, form, words) {#scheme, form, &store_##scheme},
#include "tables/stores.def"
};

int store_open(struct store **ret, struct str url, struct err *err)
{
    struct str place, scheme = str_cut(url, ':', &place);

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (scheme.len < url.len && place.len && str_is(scheme, rows[i].scheme))
            return rows[i].driver->open(ret, place, err);
    return err_set(err, -EINVAL, "'%.*s' names no store: expected %s or %s", STR_ARG(url),
                   rows[0].form, rows[1].form);
}

void store_folder(char *out, size_t room, struct str url)
{
    struct str path, scheme = str_cut(url, ':', &path);
    const char *slash = memrchr(path.data, '/', path.len);

    if (!str_is(scheme, "sqlite"))
        snprintf(out, room, "/tmp");
    else if (!slash)
        snprintf(out, room, ".");
    else
        snprintf(out, room, "%.*s", (int)(slash - path.data), path.data);
}

void store_close(struct store *s)
{
    if (s)
        s->driver->close(s);
}

const char *store_note(const struct store *s)
{
    return s->note;
}

int store_key_put(struct store *s, const struct key_row *row, struct err *err)
{
    int r = s->driver->key_put(s, row, STORE_KEYS_MAX, err);

    return r != -EDQUOT
               ? r
               : err_set(err, r,
                         "there are %d keys that nobody has revoked, and no room for more: "
                         "revoke some first; expired ones count",
                         STORE_KEYS_MAX);
}

int store_key_revoke(struct store *s, struct str which, int64_t now_us, struct err *err)
{
    return s->driver->key_revoke(s, which, now_us, err);
}

int store_key_rotate(struct store *s, struct str which, const struct key_row *fresh,
                     int64_t old_until_us, struct err *err)
{
    return s->driver->key_rotate(s, which, fresh, old_until_us, err);
}

int store_key_each(struct store *s, key_fn *fn, void *ctx, struct err *err)
{
    return s->driver->key_each(s, fn, ctx, err);
}

int store_exchange_put(struct store *s, const struct exchange_row *exchanges, size_t count,
                       struct err *err)
{
    return count ? s->driver->exchange_put(s, exchanges, count, err) : 0;
}

int store_exchange_find(struct store *s, struct str id, exchange_fn *fn, void *ctx, struct err *err)
{
    return s->driver->exchange_find(s, id, fn, ctx, err);
}

int store_exchange_last(struct store *s, unsigned most, exchange_fn *fn, void *ctx, struct err *err)
{
    return s->driver->exchange_last(s, most, fn, ctx, err);
}

int store_exchange_trim(struct store *s, const struct retention *keep, uint64_t *removed,
                        struct err *err)
{
    return s->driver->exchange_trim(s, keep, removed, err);
}

int store_usage(struct store *s, const struct usage_query *query, usage_fn *fn, void *ctx,
                struct err *err)
{
    return s->driver->usage(s, query, fn, ctx, err);
}

int store_measurement_put(struct store *s, const struct measurement_row *measurements, size_t count,
                          struct err *err)
{
    return count ? s->driver->measurement_put(s, measurements, count, err) : 0;
}

int store_measurement_last(struct store *s, unsigned most, measurement_fn *fn, void *ctx,
                           struct err *err)
{
    return s->driver->measurement_last(s, most, fn, ctx, err);
}

int store_backup(struct store *s, const char *path, struct err *err)
{
    return s->driver->backup(s, path, err);
}

int store_restore(struct store *s, const char *path, struct err *err)
{
    return s->driver->restore(s, path, err);
}

int store_pepper(struct store *s, unsigned char pepper[32], struct err *err)
{
    return s->driver->pepper(s, pepper, err);
}

int store_version(struct store *s, uint64_t *ret, struct err *err)
{
    return s->driver->version(s, ret, err);
}

unsigned store_look_every_ms(const struct store *s)
{
    return s->driver->look_every_ms;
}
