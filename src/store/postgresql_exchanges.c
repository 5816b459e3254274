/* SPDX-License-Identifier: Apache-2.0 */
/* The PostgreSQL store: requests, one by one and as sums. */
#include <errno.h>

#include "store/postgresql.h"

enum {
    TEXT_MAX = 256, /* bytes of a text of an exchange */
    TEXTS = 8,      /* that one has */
    AT_ONCE = 128,  /* rows sent before their answers are read: both fit any socket's buffers */
};

struct batch {
    const struct exchange_row *rows;
    size_t count;
};

struct search {
    struct str id;
    PGresult *found;
};

struct sums {
    const struct usage_query *query;
    PGresult *found;
};

struct newest {
    unsigned most;
    PGresult *found;
};

struct trimming {
    const struct retention *keep;
    uint64_t removed;
};

static postgresql_work_fn put_batch, put_rows, find_row, find_last, trim, trim_inside, find_sums;
static int put_some(struct postgresql_store *s, const struct exchange_row *rows, size_t count,
                    struct err *err);
static int send_row(struct postgresql_store *s, const struct exchange_row *row, struct err *err);
static int take_answers(struct postgresql_store *s, struct err *err);
static struct str clean(char room[TEXT_MAX], struct str text);
static size_t sequence_length(struct str text);
static void read_exchange(struct exchange_row *row, const PGresult *from, int at);
static void read_usage(struct usage_row *row, const PGresult *from, int at);

int postgresql_exchange_put(struct store *store, const struct exchange_row *rows, size_t count,
                            struct err *err)
{
    struct batch batch = {rows, count};

    return postgresql_do(postgresql_inside(store), put_batch, &batch, err);
}

static int put_batch(struct postgresql_store *s, void *ctx, struct err *err)
{
    int r = postgresql_prepare(s, PG_exchange_put, err);

    return r < 0 ? r : postgresql_transact(s, put_rows, ctx, err);
}

static int put_rows(struct postgresql_store *s, void *ctx, struct err *err)
{
    const struct batch *batch = ctx;
    int r = 0;

    for (size_t done = 0; done < batch->count && r == 0; done += AT_ONCE)
        r = put_some(s, batch->rows + done,
                     batch->count - done < AT_ONCE ? batch->count - done : AT_ONCE, err);
    return r;
}

/* One round trip for all of them. */
static int put_some(struct postgresql_store *s, const struct exchange_row *rows, size_t count,
                    struct err *err)
{
    int r = 0, taken;

    if (!PQenterPipelineMode(s->db))
        return postgresql_fail(s, NULL, err);
    for (size_t i = 0; i < count && r == 0; i++)
        r = send_row(s, &rows[i], err);
    if (!PQpipelineSync(s->db)) {
        /* No mark will come that ends the answers: only a new connection knows where it stands. */
        r = r < 0 ? r : postgresql_fail(s, NULL, err);
        postgresql_disconnect(s);
        s->trouble = TROUBLE_gone;
        return r;
    }
    taken = take_answers(s, r < 0 ? NULL : err);
    if (!PQexitPipelineMode(s->db) && r == 0 && taken == 0)
        taken = postgresql_fail(s, NULL, err);
    return r < 0 ? r : taken;
}

static int send_row(struct postgresql_store *s, const struct exchange_row *row, struct err *err)
{
    char rooms[TEXTS][TEXT_MAX];
    struct parameters p = {0};

    parameters_text(&p, clean(rooms[0], row->id));
    parameters_number(&p, row->started_us);
    parameters_text(&p, clean(rooms[1], row->asked));
    parameters_text(&p, clean(rooms[2], row->machine));
    parameters_text(&p, clean(rooms[3], row->model));
    parameters_text(&p, clean(rooms[4], row->parity));
    parameters_text(&p, clean(rooms[5], row->key_id));
    parameters_text(&p, clean(rooms[6], row->failure));
    parameters_number(&p, row->status);
    parameters_number(&p, row->attempts);
    parameters_count(&p, row->prompt_tokens);
    parameters_count(&p, row->completion_tokens);
    parameters_number(&p, row->first_token_us);
    parameters_number(&p, row->total_us);
    parameters_text(&p, clean(rooms[7], row->endpoint));
    parameters_count(&p, row->cached_tokens);
    parameters_count(&p, row->money_micro);
    parameters_count(&p, row->avoided_micro);
    parameters_count(&p, row->energy_mj);
    if (PQsendQueryPrepared(s->db, postgresql_name(PG_exchange_put), p.count, p.values, p.lengths,
                            p.formats, 0))
        return 0;
    return postgresql_fail(s, NULL, err);
}

/* Up to the mark that ends the pipeline; the first failure counts, the others follow from it. */
static int take_answers(struct postgresql_store *s, struct err *err)
{
    ExecStatusType status = PGRES_COMMAND_OK;
    int r = 0;

    while (status != PGRES_PIPELINE_SYNC) {
        PGresult *answer = PQgetResult(s->db);

        if (!answer && PQstatus(s->db) != CONNECTION_OK)
            return r < 0 ? r : postgresql_fail(s, NULL, err);
        if (!answer)
            continue; /* between two statements' answers */
        status = PQresultStatus(answer);
        if (status == PGRES_FATAL_ERROR && r == 0)
            r = postgresql_fail(s, answer, err);
        PQclear(answer);
    }
    return r;
}

int postgresql_exchange_find(struct store *store, struct str id, exchange_fn *fn, void *ctx,
                             struct err *err)
{
    struct search search = {.id = id};
    struct exchange_row row;
    int r = postgresql_do(postgresql_inside(store), find_row, &search, err);

    if (r < 0)
        return r;
    if (PQntuples(search.found) == 1) {
        read_exchange(&row, search.found, 0);
        r = fn(ctx, &row);
    } else {
        r = err_set(err, -ENOENT, "no request '%.*s' is remembered", STR_ARG(id));
    }
    PQclear(search.found);
    return r;
}

static int find_row(struct postgresql_store *s, void *ctx, struct err *err)
{
    struct search *search = ctx;
    char room[TEXT_MAX];
    struct parameters p = {0};

    parameters_text(&p, clean(room, search->id));
    return postgresql_run(s, PG_exchange_find, &p, &search->found, err);
}

int postgresql_exchange_last(struct store *store, unsigned most, exchange_fn *fn, void *ctx,
                             struct err *err)
{
    struct newest newest = {.most = most};
    struct exchange_row row;
    int r = postgresql_do(postgresql_inside(store), find_last, &newest, err);

    for (int i = 0; r >= 0 && i < PQntuples(newest.found); i++) {
        read_exchange(&row, newest.found, i);
        r = fn(ctx, &row);
    }
    PQclear(newest.found);
    return r < 0 ? r : 0;
}

static int find_last(struct postgresql_store *s, void *ctx, struct err *err)
{
    struct newest *newest = ctx;
    struct parameters p = {0};

    parameters_number(&p, newest->most);
    return postgresql_run(s, PG_exchange_last, &p, &newest->found, err);
}

int postgresql_exchange_trim(struct store *store, const struct retention *keep, uint64_t *removed,
                             struct err *err)
{
    struct trimming trimming = {.keep = keep};
    int r = postgresql_do(postgresql_inside(store), trim, &trimming, err);

    if (r == 0 && removed)
        *removed = trimming.removed;
    return r;
}

static int trim(struct postgresql_store *s, void *ctx, struct err *err)
{
    return postgresql_transact(s, trim_inside, ctx, err);
}

static int trim_inside(struct postgresql_store *s, void *ctx, struct err *err)
{
    struct trimming *trimming = ctx;
    struct parameters keep = {0}, days = {0};
    PGresult *done = NULL;
    int r;

    parameters_number(&keep, trimming->keep->rows_before_us);
    parameters_count(&keep, trimming->keep->rows_max);
    if ((r = postgresql_run(s, PG_trim, &keep, &done, err)) < 0)
        return r;
    trimming->removed = postgresql_count(done, 0, 0);
    PQclear(done);
    parameters_number(&days, trimming->keep->days_before);
    return postgresql_run(s, PG_trim_days, &days, NULL, err);
}

int postgresql_usage(struct store *store, const struct usage_query *query, usage_fn *fn, void *ctx,
                     struct err *err)
{
    struct sums sums = {.query = query};
    struct usage_row row;
    int r = postgresql_do(postgresql_inside(store), find_sums, &sums, err);

    for (int i = 0; r == 0 && i < PQntuples(sums.found); i++) {
        read_usage(&row, sums.found, i);
        r = fn(ctx, &row);
        r = r > 0 ? 0 : r;
    }
    PQclear(sums.found);
    return r;
}

static int find_sums(struct postgresql_store *s, void *ctx, struct err *err)
{
    struct sums *sums = ctx;
    struct parameters p = {0};

    parameters_number(&p, sums->query->from_us);
    parameters_number(&p, sums->query->until_us);
    parameters_number(&p, sums->query->by);
    return postgresql_run(s, PG_usage, &p, &sums->found, err);
}

/* PostgreSQL refuses what is no UTF-8, and NUL: a name that somebody made up must not stop the
 * books. Such bytes become '?'; what is too long is cut between two characters. */
static struct str clean(char room[TEXT_MAX], struct str text)
{
    size_t len = 0, used;

    for (size_t at = 0; at < text.len; at += used) {
        size_t length = sequence_length(str_slice(text.data + at, text.len - at));

        used = length ? length : 1;
        if (len + used > TEXT_MAX)
            break;
        if (length)
            memcpy(room + len, text.data + at, length);
        else
            room[len] = '?';
        len += used;
    }
    return str_slice(room, len);
}

/* Bytes of the UTF-8 sequence that begins here; 0: there is none, or it is a NUL. */
static size_t sequence_length(struct str text)
{
    const unsigned char *s = (const unsigned char *)text.data;
    size_t length = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

    if (!s[0] || s[0] > 0xf4 || length > text.len)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return length;
}

static void read_exchange(struct exchange_row *row, const PGresult *from, int at)
{
    *row = (struct exchange_row){
        .id = postgresql_text(from, at, 0),
        .started_us = postgresql_number(from, at, 1),
        .asked = postgresql_text(from, at, 2),
        .machine = postgresql_text(from, at, 3),
        .model = postgresql_text(from, at, 4),
        .parity = postgresql_text(from, at, 5),
        .key_id = postgresql_text(from, at, 6),
        .failure = postgresql_text(from, at, 7),
        .status = (int)postgresql_number(from, at, 8),
        .attempts = (unsigned)postgresql_number(from, at, 9),
        .prompt_tokens = postgresql_count(from, at, 10),
        .completion_tokens = postgresql_count(from, at, 11),
        .first_token_us = postgresql_number(from, at, 12),
        .total_us = postgresql_number(from, at, 13),
        .endpoint = postgresql_text(from, at, 14),
        .cached_tokens = postgresql_count(from, at, 15),
        .money_micro = postgresql_count(from, at, 16),
        .avoided_micro = postgresql_count(from, at, 17),
        .energy_mj = postgresql_count(from, at, 18),
    };
}

static void read_usage(struct usage_row *row, const PGresult *from, int at)
{
    *row = (struct usage_row){
        .day = postgresql_number(from, at, 0),
        .key_id = postgresql_text(from, at, 1),
        .key_name = postgresql_text(from, at, 2),
        .owner = postgresql_text(from, at, 3),
        .model = postgresql_text(from, at, 4),
        .machine = postgresql_text(from, at, 5),
        .requests = postgresql_count(from, at, 6),
        .failures = postgresql_count(from, at, 7),
        .prompt_tokens = postgresql_count(from, at, 8),
        .cached_tokens = postgresql_count(from, at, 9),
        .completion_tokens = postgresql_count(from, at, 10),
        .money_micro = postgresql_count(from, at, 11),
        .avoided_micro = postgresql_count(from, at, 12),
        .energy_mj = postgresql_count(from, at, 13),
    };
}
