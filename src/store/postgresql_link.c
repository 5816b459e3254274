/* SPDX-License-Identifier: Apache-2.0 */
/* The PostgreSQL store: the connection, statements, what went wrong, and trying again. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/door.h"
#include "store/postgresql.h"

enum {
    TRIES_MAX = 6,      /* where others are in the way */
    FIRST_PAUSE_MS = 5, /* doubles each time */
};

static int check_host(const char *host, struct err *err);
static int set_up(struct postgresql_store *s, struct err *err);
static int errno_of(const char *state);
static enum postgresql_trouble trouble_of(const struct postgresql_store *s, const char *state);
static struct str first_line(const char *text);
static void pause_before(int tries);

#define KEY_COLUMNS \
    "id, hash, prefix, last4, name, owner, role, created_us, expires_us, revoked_us, rules, " \
    "hash_kind, old_hash, old_until_us"
#define EXCHANGE_COLUMNS \
    "id, started_us, asked, machine, model, parity, key_id, failure, status, attempts, " \
    "prompt_tokens, completion_tokens, first_token_us, total_us, endpoint, cached_tokens, " \
    "money_micro, avoided_micro, energy_mj"
#define MEASUREMENT_COLUMNS "machine, engine, artifact, at_us, found"
#define DAY_US              "86400000000"
#define SUM_COLUMNS \
    "requests, failures, prompt_tokens, cached_tokens, completion_tokens, money_micro, " \
    "avoided_micro, energy_mj"
#define SUMS \
    "sum(requests)::bigint, sum(failures)::bigint, sum(prompt_tokens)::bigint, " \
    "sum(cached_tokens)::bigint, sum(completion_tokens)::bigint, sum(money_micro)::bigint, " \
    "sum(avoided_micro)::bigint, sum(energy_mj)::bigint"
/* One row as sums have it. */
#define ROW_AS_SUM \
    "started_us / " DAY_US " AS day, key_id, machine, model, 1::bigint AS requests, " \
    "(failure <> 'none')::integer::bigint AS failures, prompt_tokens, cached_tokens, " \
    "completion_tokens, money_micro, avoided_micro, energy_mj"
/* Keys changed: whoever polls the version reads them again. */
#define KEYS_CHANGED "UPDATE meta SET number = number + 1 WHERE name = 'keys'"

static const struct {
    const char *name, *text;
} texts[PG_COUNT] = {
    [PG_key_put] = {"key_put", "WITH put AS (INSERT INTO keys (" KEY_COLUMNS
                               ") SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, "
                               "$14 WHERE (SELECT count(*) FROM keys WHERE revoked_us = 0) < $15 "
                               "RETURNING 1) " KEYS_CHANGED " AND EXISTS (SELECT 1 FROM put)"},
    /* A key named by its id may be revoked already, one named otherwise may not. */
    [PG_key_find] = {"key_find",
                     "SELECT id FROM keys WHERE id = $1 "
                     "UNION SELECT id FROM keys WHERE $1 IN (prefix, name) AND revoked_us = 0 "
                     "AND NOT EXISTS (SELECT 1 FROM keys WHERE id = $1)"},
    [PG_key_revoke] = {"key_revoke",
                       "WITH revoked AS (UPDATE keys SET revoked_us = $2 WHERE id = $1 AND "
                       "revoked_us = 0) " KEYS_CHANGED},
    [PG_key_rotate] = {"key_rotate",
                       "WITH rotated AS (UPDATE keys SET old_hash = hash, old_until_us = $5, "
                       "hash = $2, prefix = $3, last4 = $4 WHERE id = $1 AND revoked_us = 0 "
                       "RETURNING 1) " KEYS_CHANGED " AND EXISTS (SELECT 1 FROM rotated)"},
    [PG_key_each] = {"key_each",
                     "SELECT id, encode(hash, 'hex'), prefix, last4, name, owner, role, "
                     "created_us, expires_us, revoked_us, rules, hash_kind, encode(old_hash, "
                     "'hex'), old_until_us FROM keys ORDER BY created_us, id COLLATE \"C\""},
    [PG_exchange_put] = {"exchange_put",
                         "INSERT INTO exchanges (" EXCHANGE_COLUMNS
                         ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, "
                         "$15, $16, $17, $18, $19) ON CONFLICT (id) DO NOTHING"},
    [PG_exchange_find] = {"exchange_find",
                          "SELECT " EXCHANGE_COLUMNS " FROM exchanges WHERE id = $1"},
    [PG_exchange_last] = {"exchange_last",
                          "SELECT " EXCHANGE_COLUMNS " FROM (SELECT number, " EXCHANGE_COLUMNS
                          " FROM exchanges ORDER BY number DESC LIMIT $1) AS newest "
                          "ORDER BY number"},
    /* Rows are numbered in the order in which they were begun to be written: what goes is the
     * beginning. One statement, one moment: a row that another gateway commits meanwhile has no
     * part in where the beginning ends, and is neither summed nor removed. */
    [PG_trim] = {"trim",
                 "WITH gone AS (DELETE FROM exchanges WHERE number < (SELECT greatest("
                 "coalesce((SELECT number FROM exchanges WHERE started_us >= $1 ORDER BY number "
                 "LIMIT 1), (SELECT max(number) + 1 FROM exchanges), 0), "
                 "coalesce((SELECT number + 1 FROM exchanges ORDER BY number DESC OFFSET $2 "
                 "LIMIT 1), 0))) RETURNING " ROW_AS_SUM
                 "), summed AS (INSERT INTO days AS d (day, key_id, machine, model, " SUM_COLUMNS
                 ") SELECT day, key_id, machine, model, " SUMS
                 " FROM gone GROUP BY day, key_id, machine, model "
                 "ON CONFLICT (day, key_id, machine, model) DO UPDATE SET "
                 "requests = d.requests + excluded.requests, "
                 "failures = d.failures + excluded.failures, "
                 "prompt_tokens = d.prompt_tokens + excluded.prompt_tokens, "
                 "cached_tokens = d.cached_tokens + excluded.cached_tokens, "
                 "completion_tokens = d.completion_tokens + excluded.completion_tokens, "
                 "money_micro = d.money_micro + excluded.money_micro, "
                 "avoided_micro = d.avoided_micro + excluded.avoided_micro, "
                 "energy_mj = d.energy_mj + excluded.energy_mj) SELECT count(*) FROM gone"},
    [PG_trim_days] = {"trim_days", "DELETE FROM days WHERE day < $1"},
    [PG_usage] = {"usage",
                  "SELECT CASE WHEN $3::bigint & 1 > 0 THEN day ELSE -1 END AS a, "
                  "CASE WHEN $3 & 2 > 0 THEN key_id ELSE '' END COLLATE \"C\" AS b, "
                  "CASE WHEN $3 & 2 > 0 THEN coalesce(name, '') ELSE '' END AS c, "
                  "CASE WHEN $3 & 4 > 0 THEN coalesce(owner, '') ELSE '' END COLLATE \"C\" AS d, "
                  "CASE WHEN $3 & 8 > 0 THEN model ELSE '' END COLLATE \"C\" AS e, "
                  "CASE WHEN $3 & 16 > 0 THEN machine ELSE '' END COLLATE \"C\" AS f, " SUMS
                  " FROM (SELECT " ROW_AS_SUM
                  " FROM exchanges WHERE started_us >= $1 AND started_us < $2 "
                  "UNION ALL SELECT day, key_id, machine, model, " SUM_COLUMNS
                  " FROM days WHERE day * " DAY_US " >= $1 AND day * " DAY_US " < $2) AS rows "
                  "LEFT JOIN keys ON keys.id = key_id "
                  "GROUP BY a, b, c, d, e, f ORDER BY a, b, d, e, f"},
    [PG_measurement_put] = {"measurement_put", "INSERT INTO measurements (" MEASUREMENT_COLUMNS
                                               ") VALUES ($1, $2, $3, $4, $5) "
                                               "ON CONFLICT DO NOTHING"},
    [PG_measurement_trim] =
        {"measurement_trim",
         "DELETE FROM measurements WHERE machine = $1 AND engine = $2 AND artifact = $3 AND at_us "
         "<= (SELECT at_us FROM measurements WHERE machine = $1 AND engine = $2 AND artifact = $3 "
         "ORDER BY at_us DESC LIMIT 1 OFFSET $4)"},
    [PG_measurement_last] =
        {"measurement_last",
         "SELECT " MEASUREMENT_COLUMNS " FROM (SELECT *, row_number() OVER (PARTITION BY machine, "
         "engine, artifact ORDER BY at_us DESC) AS nth FROM measurements) AS newest "
         "WHERE nth <= $1 ORDER BY machine COLLATE \"C\", engine COLLATE \"C\", "
         "artifact COLLATE \"C\", at_us"},
    [PG_pepper] = {"pepper", "SELECT encode(value, 'hex') FROM meta WHERE name = 'pepper'"},
    [PG_version] = {"version", "SELECT number FROM meta WHERE name = 'keys'"},
};

int postgresql_check_url(const char *url, bool may_have_password, struct err *err)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    int r = 0;

    if (!options)
        return err_set(err, -EINVAL,
                       "a store's URL is postgresql://USER@HOST/DATABASE; this one is none");
    for (const PQconninfoOption *o = options; o->keyword && r == 0; o++)
        if (o->val && strcmp(o->keyword, "password") == 0 && !may_have_password)
            r = err_set(err, -EINVAL,
                        "a password does not belong into a store's URL, which is shown and "
                        "logged: put it into PGPASSWORD or a PGPASSFILE");
        else if (o->val && (strcmp(o->keyword, "host") == 0 || strcmp(o->keyword, "hostaddr") == 0))
            r = check_host(o->val, err);
    PQconninfoFree(options);
    return r;
}

int postgresql_connect(struct postgresql_store *s, struct err *err)
{
    /* Ours come first: what the URL says of the same counts. */
    static const char *const keys[] = {"connect_timeout", "tcp_user_timeout", "application_name",
                                       "client_encoding", "dbname",           NULL};
    const char *const values[] = {"5", "15000", "tampu", "UTF8", s->url, NULL};
    const char *host;
    int r = postgresql_check_url(s->url, false, err);

    if (r < 0)
        return r;
    postgresql_disconnect(s);
    s->db = PQconnectdbParams(keys, values, 1);
    if (!s->db)
        return err_set(err, -ENOMEM, "out of memory");
    host = PQhost(s->db);
    free(s->place);
    if (asprintf(&s->place, "postgresql://%s/%s", host ? host : "",
                 PQdb(s->db) ? PQdb(s->db) : "") < 0) {
        s->place = NULL;
        return err_set(err, -ENOMEM, "out of memory");
    }
    return PQstatus(s->db) == CONNECTION_OK ? set_up(s, err) : postgresql_fail(s, NULL, err);
}

void postgresql_disconnect(struct postgresql_store *s)
{
    PQfinish(TAKE(s->db));
    memset(s->is_prepared, 0, sizeof s->is_prepared);
}

int postgresql_prepare(struct postgresql_store *s, enum postgresql_statement which, struct err *err)
{
    PGresult *done;
    int r = 0;

    if (s->is_prepared[which])
        return 0;
    done = PQprepare(s->db, texts[which].name, texts[which].text, 0, NULL);
    if (PQresultStatus(done) == PGRES_COMMAND_OK)
        s->is_prepared[which] = true;
    else
        r = postgresql_fail(s, done, err);
    PQclear(done);
    return r;
}

const char *postgresql_name(enum postgresql_statement which)
{
    return texts[which].name;
}

int postgresql_run(struct postgresql_store *s, enum postgresql_statement which,
                   const struct parameters *p, PGresult **ret, struct err *err)
{
    PGresult *done;
    ExecStatusType status;
    int r = postgresql_prepare(s, which, err);

    if (r < 0)
        return r;
    done = PQexecPrepared(s->db, texts[which].name, p->count, p->values, p->lengths, p->formats, 0);
    status = PQresultStatus(done);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        r = postgresql_fail(s, done, err);
    if (r < 0 || !ret)
        PQclear(done);
    else
        *ret = done;
    return r;
}

int postgresql_exec(struct postgresql_store *s, const char *sql, struct err *err)
{
    PGresult *done = PQexec(s->db, sql);
    ExecStatusType status = PQresultStatus(done);
    int r = 0;

    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        r = postgresql_fail(s, done, err);
    PQclear(done);
    return r;
}

int postgresql_fail(struct postgresql_store *s, const PGresult *result, struct err *err)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *words = result ? PQresultErrorMessage(result) : PQerrorMessage(s->db);

    s->trouble = trouble_of(s, state);
    return err_set(err, s->trouble == TROUBLE_gone ? -EIO : errno_of(state ? state : ""),
                   "%s: %.*s", s->place, STR_ARG(first_line(words)));
}

int postgresql_do(struct postgresql_store *s, postgresql_work_fn *work, void *ctx, struct err *err)
{
    bool connected_anew = false;
    int r = 0;

    for (int tries = 0; tries < TRIES_MAX; tries++) {
        if (PQstatus(s->db) != CONNECTION_OK) {
            if (connected_anew)
                return r;
            connected_anew = true;
            if ((r = postgresql_connect(s, err)) < 0)
                return r;
        }
        s->trouble = TROUBLE_none;
        r = work(s, ctx, err);
        if (r >= 0 || s->trouble == TROUBLE_none)
            return r;
        if (s->trouble == TROUBLE_conflict)
            pause_before(tries);
    }
    return r;
}

int postgresql_once(struct postgresql_store *s, postgresql_work_fn *work, void *ctx,
                    struct err *err)
{
    int r = PQstatus(s->db) == CONNECTION_OK ? 0 : postgresql_connect(s, err);

    return r < 0 ? r : work(s, ctx, err);
}

int postgresql_transact(struct postgresql_store *s, postgresql_work_fn *work, void *ctx,
                        struct err *err)
{
    enum postgresql_trouble trouble;
    int r = postgresql_exec(s, "BEGIN", err);

    if (r < 0)
        return r;
    r = work(s, ctx, err);
    if (r == 0)
        r = postgresql_exec(s, "COMMIT", err);
    if (r < 0 && PQstatus(s->db) == CONNECTION_OK) {
        trouble = s->trouble;
        (void)!postgresql_exec(s, "ROLLBACK", NULL);
        s->trouble = trouble;
    }
    return r;
}

void parameters_text(struct parameters *p, struct str text)
{
    p->values[p->count] = text.len ? text.data : "";
    p->lengths[p->count] = (int)text.len;
    p->formats[p->count++] = 1; /* as it is: no NUL needed behind it */
}

void parameters_bytes(struct parameters *p, const unsigned char *bytes, size_t size)
{
    parameters_text(p, str_slice((const char *)bytes, size));
}

void parameters_number(struct parameters *p, int64_t number)
{
    snprintf(p->numbers[p->count], sizeof p->numbers[0], "%" PRId64, number);
    p->values[p->count] = p->numbers[p->count];
    p->formats[p->count++] = 0;
}

/* PostgreSQL's integers have a sign; no count of ours is as large. */
void parameters_count(struct parameters *p, uint64_t number)
{
    parameters_number(p, number > INT64_MAX ? INT64_MAX : (int64_t)number);
}

struct str postgresql_text(const PGresult *from, int row, int column)
{
    return str_slice(PQgetvalue(from, row, column), (size_t)PQgetlength(from, row, column));
}

int64_t postgresql_number(const PGresult *from, int row, int column)
{
    return strtoll(PQgetvalue(from, row, column), NULL, 10);
}

uint64_t postgresql_count(const PGresult *from, int row, int column)
{
    int64_t number = postgresql_number(from, row, column);

    return number > 0 ? (uint64_t)number : 0;
}

bool postgresql_bytes(unsigned char *out, size_t size, const PGresult *from, int row, int column)
{
    const char *text = PQgetvalue(from, row, column);

    if ((size_t)PQgetlength(from, row, column) != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++) {
        char pair[3] = {text[2 * i], text[2 * i + 1], '\0'};

        out[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
    return true;
}

/* Several with commas between; a path is a Unix socket. */
static int check_host(const char *host, struct err *err)
{
    struct str rest = str_from(host);

    while (rest.len) {
        struct str one = str_cut(rest, ',', &rest);

        if (one.len && one.data[0] != '/' && !str_is(one, "127.0.0.1") && !str_is(one, "::1") &&
            door_check_name(one) < 0)
            return err_set(err, -EPERM, "%.*s: only this machine may be reached now", STR_ARG(one));
    }
    return 0;
}

/* A table of ours and one of somebody else's may have the same name: ours are in a schema. */
static int set_up(struct postgresql_store *s, struct err *err)
{
    return postgresql_exec(s,
                           "SET client_min_messages = warning; SET search_path = tampu; "
                           "SET statement_timeout = '60s'; SET lock_timeout = '10s'; "
                           "SET idle_in_transaction_session_timeout = '60s'",
                           err);
}

static int errno_of(const char *state)
{
    static const struct {
        const char *state; /* or the beginning of it */
        int number;
    } rows[] = {
        {"23505", -EEXIST},  {"40001", -EBUSY},   {"40P01", -EBUSY},  {"55P03", -EBUSY},
        {"57014", -EBUSY},   {"53100", -ENOSPC},  {"53200", -ENOMEM}, {"25006", -EROFS},
        {"XX001", -EUCLEAN}, {"XX002", -EUCLEAN}, {"28", -EACCES},    {"42501", -EACCES},
        {"3D000", -ENOENT},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (strncmp(state, rows[i].state, strlen(rows[i].state)) == 0)
            return rows[i].number;
    return -EIO;
}

/* Shutting down, starting up, recovering: as good as gone. */
static enum postgresql_trouble trouble_of(const struct postgresql_store *s, const char *state)
{
    if (PQstatus(s->db) != CONNECTION_OK || !state || strncmp(state, "57P", 3) == 0)
        return TROUBLE_gone;
    return errno_of(state) == -EBUSY ? TROUBLE_conflict : TROUBLE_none;
}

static struct str first_line(const char *text)
{
    struct str rest, line = str_cut(str_from(text ? text : ""), '\n', &rest);

    return line.len ? line : STR("no answer");
}

/* Twice as long each time: whoever is in the way needs time, too. */
static void pause_before(int tries)
{
    poll(NULL, 0, FIRST_PAUSE_MS << tries);
}
