/* SPDX-License-Identifier: Apache-2.0 */
/* LiteLLM's database, read row by row. */
#include "store/litellm_books.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/litellm_keys.h"
#include "store/postgresql.h"
#include "wire/url.h"

enum { URL_MAX = 4096, AT_ONCE = 500, ID_ROOM = 280 };

struct reading {
    PGconn *db;
    struct store *into;
    int64_t now_us;
    litellm_books_fn *tell;
    void *ctx;
    struct litellm_books_sum sum;
};

static int open_books(struct reading *rd, struct str url, struct err *err);
static int clean_url(struct buf *out, struct str url);
static bool is_ours(struct str parameter);
static PGresult *query(struct reading *rd, const char *sql, struct err *err);
static int read_keys(struct reading *rd, struct err *err);
static int put_key(struct reading *rd, const PGresult *from, int at, struct err *err);
static int read_spend(struct reading *rd, struct err *err);
static int put_requests(struct reading *rd, const PGresult *from, struct err *err);
static int read_rest(struct reading *rd, struct err *err);

#define MICROSECONDS(column) "coalesce((extract(epoch FROM " column ") * 1000000)::bigint, 0)"
#define MONEY(column)        "round(coalesce(" column ", 0)::numeric * 1000000)::bigint"

/* A budget may stand with the key, or in a table that several share. */
static const char keys_sql[] =
    "SELECT k.token, coalesce(k.key_alias, ''), coalesce(k.key_name, ''), coalesce(k.user_id, ''), "
    "coalesce(k.team_id, ''), " MICROSECONDS("k.expires") ", " MICROSECONDS(
        "k.created_at") ", "
                        "coalesce(k.blocked, false)::int, coalesce(array_to_string(k.models, ','), "
                        "''), "
                        "coalesce(k.rpm_limit, b.rpm_limit, -1), coalesce(k.tpm_limit, "
                        "b.tpm_limit, -1), "
                        "coalesce(k.max_parallel_requests, b.max_parallel_requests, -1), "
                        "CASE WHEN coalesce(k.max_budget, b.max_budget) IS NULL THEN -1 "
                        "ELSE " MONEY(
                            "coalesce(k.max_budget, b.max_budget)") " END, "
                                                                    "coalesce(k.budget_duration, "
                                                                    "b.budget_duration, "
                                                                    "''), " MONEY(
                                                                        "k.spend") " "
                                                                                   "FROM "
                                                                                   "\"LiteLLM_"
                                                                                   "VerificationTok"
                                                                                   "en\" k LEFT "
                                                                                   "JOIN "
                                                                                   "\"LiteLLM_"
                                                                                   "BudgetTable\" "
                                                                                   "b "
                                                                                   "ON b.budget_id "
                                                                                   "= k.budget_id "
                                                                                   "ORDER BY "
                                                                                   "k.token";

static const char spend_sql[] =
    "DECLARE spend NO SCROLL CURSOR FOR SELECT "
    "request_id, " MICROSECONDS("\"startTime\"") ", " MICROSECONDS(
        "\"endTime\"") ", coalesce(nullif(model_group, ''), model), "
                       "model, api_key, "
                       "coalesce(status, ''), prompt_tokens, "
                       "completion_tokens, " MONEY("spend") ", call_type "
                                                            "FROM \"LiteLLM_SpendLogs\" ORDER "
                                                            "BY \"startTime\", request_id";

/* What was spent and stands in no log. */
static const char rest_sql[] = "SELECT k.token, " MONEY("k.spend") " - coalesce((SELECT sum(" MONEY(
    "l.spend") ")::bigint "
               "FROM \"LiteLLM_SpendLogs\" l WHERE l.api_key = k.token), 0) "
               "FROM \"LiteLLM_VerificationToken\" k";

int litellm_books_import(struct store *into, struct str url, int64_t now_us, litellm_books_fn *tell,
                         void *ctx, struct litellm_books_sum *ret, struct err *err)
{
    struct reading rd = {.into = into, .now_us = now_us, .tell = tell, .ctx = ctx};
    int r = open_books(&rd, url, err);

    if (r == 0)
        r = read_keys(&rd, err);
    if (r == 0)
        r = read_spend(&rd, err);
    if (r == 0)
        r = read_rest(&rd, err);
    PQfinish(rd.db);
    if (r == 0)
        *ret = rd.sum;
    return r;
}

/* One moment of it, whoever writes meanwhile. */
static int open_books(struct reading *rd, struct str url, struct err *err)
{
    PGresult *begun;
    struct buf text;
    int r;

    buf_init(&text, URL_MAX);
    r = clean_url(&text, url);
    if (r == 0)
        r = buf_put_char(&text, '\0');
    r = r < 0 ? err_set(err, -EINVAL, "the database's URL is too long")
              : postgresql_check_url(text.data, true, err);
    if (r == 0)
        rd->db = PQconnectdb(text.data);
    buf_fini(&text);
    if (r < 0)
        return r;
    begun = query(rd, "BEGIN READ ONLY ISOLATION LEVEL REPEATABLE READ", err);
    PQclear(begun);
    return begun ? 0 : -EIO;
}

/* Prisma puts parameters of its own behind the '?', which libpq refuses. */
static int clean_url(struct buf *out, struct str url)
{
    struct str rest, name, value, front = str_cut(url, '?', &rest);
    char mark = '?';
    int r = buf_put(out, front);

    while (r == 0 && url_parameter(&rest, &name, &value)) {
        if (!is_ours(name))
            continue;
        r = buf_printf(out, "%c%.*s=%.*s", mark, STR_ARG(name), STR_ARG(value));
        mark = '&';
    }
    return r;
}

static bool is_ours(struct str parameter)
{
    return str_is(parameter, "host") || str_is(parameter, "port") ||
           str_is(parameter, "connect_timeout") || str_is(parameter, "sslmode") ||
           str_is(parameter, "sslrootcert");
}

/* NULL: err says why. */
static PGresult *query(struct reading *rd, const char *sql, struct err *err)
{
    PGresult *found = PQexec(rd->db, sql);
    ExecStatusType status = PQresultStatus(found);
    const char *state = PQresultErrorField(found, PG_DIAG_SQLSTATE), *words;

    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return found;
    words = PQerrorMessage(rd->db);
    if (state && strcmp(state, "42P01") == 0)
        err_set(err, -ENOENT,
                "that database has no tables of LiteLLM's (%.*s): is it the one that DATABASE_URL "
                "names?",
                (int)strcspn(words, "\n"), words);
    else
        err_set(err, -EIO, "LiteLLM's database: %.*s", (int)strcspn(words, "\n"), words);
    PQclear(found);
    return NULL;
}

static int read_keys(struct reading *rd, struct err *err)
{
    PGresult *found = query(rd, keys_sql, err);
    int r = found ? 0 : -EIO;

    for (int i = 0; r == 0 && i < PQntuples(found); i++)
        r = put_key(rd, found, i, err);
    PQclear(found);
    return r;
}

static int put_key(struct reading *rd, const PGresult *from, int at, struct err *err)
{
    struct litellm_key key = {
        .token = postgresql_text(from, at, 0),
        .alias = postgresql_text(from, at, 1),
        .masked = postgresql_text(from, at, 2),
        .user = postgresql_text(from, at, 3),
        .team = postgresql_text(from, at, 4),
        .expires_us = postgresql_number(from, at, 5),
        .created_us = postgresql_number(from, at, 6),
        .is_blocked = postgresql_number(from, at, 7) != 0,
        .models = postgresql_text(from, at, 8),
        .requests_per_minute = postgresql_number(from, at, 9),
        .tokens_per_minute = postgresql_number(from, at, 10),
        .parallel = postgresql_number(from, at, 11),
        .budget_micro = postgresql_number(from, at, 12),
        .duration = postgresql_text(from, at, 13),
        .spent_micro = postgresql_number(from, at, 14),
    };
    struct litellm_key_made made;
    int r = litellm_key_read(&made, &key, rd->now_us);

    if (r == -EINVAL) { /* a key without a hash of its own: LiteLLM's dashboard, for instance */
        rd->tell(rd->ctx, key.alias.len ? key.alias : key.token, false, made.words);
        return 0;
    }
    r = store_key_put(rd->into, &made.row, err);
    if (r == -EEXIST)
        rd->sum.keys_known++;
    else if (r < 0)
        return r;
    else
        rd->sum.keys++;
    rd->tell(rd->ctx, made.row.name, made.is_exact, r == -EEXIST ? "is there already" : made.words);
    return 0;
}

static int read_spend(struct reading *rd, struct err *err)
{
    char fetch[60];
    int r = 0, count = 1;

    PGresult *declared = query(rd, spend_sql, err);
    PQclear(declared);
    if (!declared)
        return -EIO;
    snprintf(fetch, sizeof fetch, "FETCH %d FROM spend", AT_ONCE);
    while (r == 0 && count > 0) {
        PGresult *found = query(rd, fetch, err);

        count = found ? PQntuples(found) : 0;
        r = found ? put_requests(rd, found, err) : -EIO;
        PQclear(found);
    }
    return r;
}

static int put_requests(struct reading *rd, const PGresult *from, struct err *err)
{
    static char ids[AT_ONCE][ID_ROOM], keys[AT_ONCE][KEY_ID_SIZE + 1];
    struct exchange_row rows[AT_ONCE];
    int count = PQntuples(from);

    for (int i = 0; i < count; i++) {
        bool failed = str_is(postgresql_text(from, i, 6), "failure");
        int64_t begun = postgresql_number(from, i, 1), ended = postgresql_number(from, i, 2);

        snprintf(ids[i], sizeof ids[i], "litellm-%s", PQgetvalue(from, i, 0));
        litellm_key_id(keys[i], postgresql_text(from, i, 5));
        rows[i] = (struct exchange_row){
            .id = str_from(ids[i]),
            .started_us = begun,
            .endpoint = postgresql_text(from, i, 10),
            .asked = postgresql_text(from, i, 3),
            .machine = STR("litellm"),
            .model = postgresql_text(from, i, 4),
            .parity = STR("identical"),
            .key_id = str_from(keys[i]),
            .failure = failed ? STR("upstream_error") : STR("none"),
            .status = failed ? 502 : 200,
            .attempts = 1,
            .prompt_tokens = postgresql_count(from, i, 7),
            .completion_tokens = postgresql_count(from, i, 8),
            .money_micro = postgresql_count(from, i, 9),
            .first_token_us = -1,
            .total_us = ended > begun ? ended - begun : 0,
        };
        rd->sum.money_micro += rows[i].money_micro;
    }
    rd->sum.requests += (uint64_t)count;
    return store_exchange_put(rd->into, rows, (size_t)count, err);
}

/* Dated now, so that it counts against the budget that runs. */
static int read_rest(struct reading *rd, struct err *err)
{
    PGresult *found = query(rd, rest_sql, err);
    char id[ID_ROOM], key[KEY_ID_SIZE + 1];
    int r = found ? 0 : -EIO;

    for (int i = 0; r == 0 && i < PQntuples(found); i++) {
        struct exchange_row row = {
            .started_us = rd->now_us,
            .machine = STR("litellm"),
            .parity = STR("identical"),
            .failure = STR("none"),
            .status = 200,
            .money_micro = postgresql_count(found, i, 1),
            .first_token_us = -1,
        };

        if (!row.money_micro)
            continue;
        litellm_key_id(key, postgresql_text(found, i, 0));
        snprintf(id, sizeof id, "litellm-rest-%s", key);
        row.id = str_from(id);
        row.key_id = str_from(key);
        rd->sum.money_micro += row.money_micro;
        r = store_exchange_put(rd->into, &row, 1, err);
    }
    PQclear(found);
    return r;
}
