/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PostgreSQL store's inside: postgresql_link.c connects, runs statements and tries again,
 * postgresql_schema.c makes it ready, postgresql_keys.c, postgresql_exchanges.c and
 * postgresql_measurements.c hold what the driver's functions do.
 *
 * What fails because others were in the way (a deadlock, a conflict) is done again in the same
 * order, a few times; what fails because the server has gone is done again once, after connecting
 * anew. Whatever is sent twice must therefore do nothing the second time.
 *
 * Nobody outside this folder includes it.
 */
#pragma once

#include <libpq-fe.h>

#include "store/driver.h"

enum postgresql_statement {
    PG_key_put,
    PG_key_find,
    PG_key_revoke,
    PG_key_rotate,
    PG_key_each,
    PG_exchange_put,
    PG_exchange_find,
    PG_exchange_last,
    PG_trim,
    PG_trim_days,
    PG_usage,
    PG_measurement_put,
    PG_measurement_trim,
    PG_measurement_last,
    PG_pepper,
    PG_version,
    PG_COUNT
};

/* Why the last statement failed, as far as trying again goes. */
enum postgresql_trouble { TROUBLE_none, TROUBLE_conflict, TROUBLE_gone };

struct postgresql_store {
    struct store store;
    PGconn *db;
    char *url;
    char *place; /* for messages: host and database, never a password */
    bool is_prepared[PG_COUNT];
    enum postgresql_trouble trouble;
};

enum { PG_PARAMETERS_MAX = 20 };

/* What a statement is run with. Texts are borrowed until then. */
struct parameters {
    const char *values[PG_PARAMETERS_MAX];
    int lengths[PG_PARAMETERS_MAX], formats[PG_PARAMETERS_MAX];
    char numbers[PG_PARAMETERS_MAX][24];
    int count;
};

void parameters_text(struct parameters *p, struct str text);
void parameters_bytes(struct parameters *p, const unsigned char *bytes, size_t size);
void parameters_number(struct parameters *p, int64_t number);
void parameters_count(struct parameters *p, uint64_t number);

/* libpq connects by itself: what the door (net/door.h) refuses must not come to it. -EINVAL: no URL
 * of PostgreSQL's, or with a password where none may be; -EPERM. */
MUST_USE int postgresql_check_url(const char *url, bool may_have_password, struct err *err);

/* Connects; the URL with its scheme. */
MUST_USE int postgresql_connect(struct postgresql_store *s, struct err *err);
void postgresql_disconnect(struct postgresql_store *s);

/* One prepared statement. *ret is the caller's to PQclear(); it may be NULL where no rows are
 * wanted. */
MUST_USE int postgresql_run(struct postgresql_store *s, enum postgresql_statement which,
                            const struct parameters *p, PGresult **ret, struct err *err);

/* Prepares a statement where that has not been done on this connection. */
MUST_USE int postgresql_prepare(struct postgresql_store *s, enum postgresql_statement which,
                                struct err *err);
const char *postgresql_name(enum postgresql_statement which);

/* Plain SQL, without parameters. */
MUST_USE int postgresql_exec(struct postgresql_store *s, const char *sql, struct err *err);

/* What went wrong with a result, or with the connection when it is NULL: a negative errno and
 * words; s->trouble is set. */
int postgresql_fail(struct postgresql_store *s, const PGresult *result, struct err *err);

/* Does the work, and again when that may help. */
typedef int postgresql_work_fn(struct postgresql_store *s, void *ctx, struct err *err);
MUST_USE int postgresql_do(struct postgresql_store *s, postgresql_work_fn *work, void *ctx,
                           struct err *err);

/* Does it once, on a connection that was there when last looked at. */
MUST_USE int postgresql_once(struct postgresql_store *s, postgresql_work_fn *work, void *ctx,
                             struct err *err);

/* The same within a transaction. */
MUST_USE int postgresql_transact(struct postgresql_store *s, postgresql_work_fn *work, void *ctx,
                                 struct err *err);

/* Makes and migrates what is there. */
MUST_USE int postgresql_bring_forward(struct postgresql_store *s, struct err *err);

struct str postgresql_text(const PGresult *from, int row, int column);
int64_t postgresql_number(const PGresult *from, int row, int column);
uint64_t postgresql_count(const PGresult *from, int row, int column);
/* Hexadecimal, as encode(…, 'hex') gives it; false when it is not of that size. */
bool postgresql_bytes(unsigned char *out, size_t size, const PGresult *from, int row, int column);

static inline struct postgresql_store *postgresql_inside(struct store *s)
{
    return CONTAINER(s, struct postgresql_store, store);
}

/* What the driver's rows are: each as store.h says of its namesake. */
int postgresql_key_put(struct store *s, const struct key_row *row, unsigned most, struct err *err);
int postgresql_key_revoke(struct store *s, struct str which, int64_t now_us, struct err *err);
int postgresql_key_rotate(struct store *s, struct str which, const struct key_row *fresh,
                          int64_t old_until_us, struct err *err);
int postgresql_key_each(struct store *s, key_fn *fn, void *ctx, struct err *err);
int postgresql_exchange_put(struct store *s, const struct exchange_row *rows, size_t count,
                            struct err *err);
int postgresql_exchange_find(struct store *s, struct str id, exchange_fn *fn, void *ctx,
                             struct err *err);
int postgresql_exchange_last(struct store *s, unsigned most, exchange_fn *fn, void *ctx,
                             struct err *err);
int postgresql_exchange_trim(struct store *s, const struct retention *keep, uint64_t *removed,
                             struct err *err);
int postgresql_usage(struct store *s, const struct usage_query *query, usage_fn *fn, void *ctx,
                     struct err *err);
int postgresql_measurement_put(struct store *s, const struct measurement_row *rows, size_t count,
                               struct err *err);
int postgresql_measurement_last(struct store *s, unsigned most, measurement_fn *fn, void *ctx,
                                struct err *err);
