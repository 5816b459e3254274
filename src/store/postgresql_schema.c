/* SPDX-License-Identifier: Apache-2.0 */
/* Making a PostgreSQL store ready: its schema, brought forward step by step. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/embedded.h"
#include "base/rand.h"
#include "store/postgresql.h"

enum {
    PEPPER_WORDS = 4,  /* of 8 bytes */
    LOCK = 0x74616d70, /* who migrates waits for who does already */
};

static postgresql_work_fn migrate, migrate_inside;
static int read_schema(struct postgresql_store *s, unsigned *ret, struct err *err);
static int query_number(struct postgresql_store *s, const char *sql, int64_t *ret, struct err *err);
static const struct embedded_file *schema_file(unsigned number);
static unsigned newest(void);
static int finish_schema(struct postgresql_store *s, unsigned number, struct err *err);

int postgresql_bring_forward(struct postgresql_store *s, struct err *err)
{
    return postgresql_do(s, migrate, NULL, err);
}

/* All files or none: PostgreSQL undoes what it has made of a schema, too. */
static int migrate(struct postgresql_store *s, void *ctx, struct err *err)
{
    unsigned number = 0;
    int r = read_schema(s, &number, err);

    if (r < 0 || number == newest())
        return r;
    return postgresql_transact(s, migrate_inside, ctx, err);
}

static int migrate_inside(struct postgresql_store *s, void *ctx, struct err *err)
{
    unsigned number = 0;
    char sql[128];
    int r;

    (void)ctx;
    snprintf(sql, sizeof sql, "SELECT pg_advisory_xact_lock(%d); CREATE SCHEMA IF NOT EXISTS tampu",
             LOCK);
    if ((r = postgresql_exec(s, sql, err)) < 0 || (r = read_schema(s, &number, err)) < 0)
        return r;
    if (number > newest())
        return err_set(err, -ENOTSUP,
                       "%s: was written by a newer tampu (schema %u, this one knows %u): use that "
                       "one, or another database",
                       s->place, number, newest());
    while (number < newest() && r == 0) {
        r = postgresql_exec(s, schema_file(++number)->data, err);
        if (r == 0)
            r = finish_schema(s, number, err);
    }
    return r;
}

/* 0: there is none yet. */
static int read_schema(struct postgresql_store *s, unsigned *ret, struct err *err)
{
    int64_t number = 0;
    int r = query_number(s,
                         "SELECT count(*) FROM information_schema.tables WHERE table_schema = "
                         "'tampu' AND table_name = 'meta'",
                         &number, err);

    if (r == 0 && number)
        r = query_number(s, "SELECT max(number) FROM meta WHERE name = 'schema'", &number, err);
    if (r == 0)
        *ret = (unsigned)number;
    return r;
}

static int query_number(struct postgresql_store *s, const char *sql, int64_t *ret, struct err *err)
{
    PGresult *found = PQexec(s->db, sql);
    int r = 0;

    if (PQresultStatus(found) == PGRES_TUPLES_OK && PQntuples(found) == 1)
        *ret = postgresql_number(found, 0, 0);
    else
        r = postgresql_fail(s, found, err);
    PQclear(found);
    return r;
}

static const struct embedded_file *schema_file(unsigned number)
{
    char name[60];

    snprintf(name, sizeof name, "src/store/schema/postgresql/%04u.sql", number);
    return embedded_find(name);
}

static unsigned newest(void)
{
    unsigned number = 0;

    while (schema_file(number + 1))
        number++;
    return number;
}

/* Remembers that the schema was run; a new store also gets its pepper. */
static int finish_schema(struct postgresql_store *s, unsigned number, struct err *err)
{
    char sql[400] = "INSERT INTO meta (name) VALUES ('keys') ON CONFLICT DO NOTHING; "
                    "INSERT INTO meta (name, value) VALUES ('pepper', '\\x";
    size_t len = strlen(sql);

    for (size_t i = 0; i < PEPPER_WORDS; i++, len += 16)
        snprintf(sql + len, sizeof sql - len, "%016" PRIx64, rand_u64());
    snprintf(sql + len, sizeof sql - len,
             "') ON CONFLICT DO NOTHING; INSERT INTO meta (name, number) VALUES ('schema', %u) "
             "ON CONFLICT (name) DO UPDATE SET number = %u",
             number, number);
    return postgresql_exec(s, sql, err);
}
