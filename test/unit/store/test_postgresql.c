/* SPDX-License-Identifier: Apache-2.0 */
/* The PostgreSQL store on a real server: the suite, and what only a server can do to us. */
#include "testing.h"

#include <libpq-fe.h>
#include <pthread.h>

#include "base/embedded.h"

#include "suite_tests.c"

static char server_folder[] = "/tmp/tampu-server-XXXXXX";

/* test/servers VERB the folder. */
static void server(const char *verb)
{
    char command[200];

    snprintf(command, sizeof command, "test/servers %s %s", verb, server_folder);
    assert_int_equal(system(command), 0);
}

static PGconn *connect_plain(void)
{
    PGconn *db = PQconnectdb(suite_url);

    if (PQstatus(db) != CONNECTION_OK)
        fail_msg("%s", PQerrorMessage(db));
    return db;
}

static void exec_on(PGconn *db, const char *sql)
{
    PGresult *done = PQexec(db, sql);

    if (PQresultStatus(done) != PGRES_COMMAND_OK && PQresultStatus(done) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(db));
    PQclear(done);
}

static void run_sql(const char *sql)
{
    PGconn *db = connect_plain();

    exec_on(db, "SET client_min_messages = error");
    exec_on(db, sql);
    PQfinish(db);
}

static void drop_schema(void)
{
    run_sql("DROP SCHEMA IF EXISTS tampu CASCADE");
}

static int start_server(void **state)
{
    char command[200];
    FILE *said;

    (void)state;
    assert_non_null(mkdtemp(server_folder));
    snprintf(command, sizeof command, "test/servers start postgresql %s", server_folder);
    said = popen(command, "r");
    assert_non_null(said);
    assert_non_null(fgets(suite_url, sizeof suite_url, said));
    suite_url[strcspn(suite_url, "\n")] = '\0';
    assert_int_equal(pclose(said), 0);
    suite_empty = drop_schema;
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    server("stop");
    return nftw(server_folder, suite_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void every_earlier_schema_is_brought_forward(void **state)
{
    char name[60], mark[80];

    (void)state;
    for (unsigned have = 1;; have++) {
        PGconn *db = connect_plain();
        struct store *s;

        snprintf(name, sizeof name, "src/store/schema/postgresql/%04u.sql", have);
        if (!embedded_find(name)) {
            PQfinish(db);
            return;
        }
        exec_on(db, "SET client_min_messages = error; DROP SCHEMA IF EXISTS tampu CASCADE; "
                    "CREATE SCHEMA tampu; SET search_path = tampu");
        for (unsigned i = 1; i <= have; i++) {
            snprintf(name, sizeof name, "src/store/schema/postgresql/%04u.sql", i);
            exec_on(db, embedded_find(name)->data);
        }
        exec_on(db, "INSERT INTO meta (name, value) VALUES ('pepper', decode(repeat('07', 32), "
                    "'hex')), ('keys', '')");
        snprintf(mark, sizeof mark, "INSERT INTO meta (name, number) VALUES ('schema', %u)", have);
        exec_on(db, mark);
        exec_on(db, "INSERT INTO exchanges (id, started_us, asked, machine, model, parity, key_id, "
                    "failure, status, attempts, prompt_tokens, completion_tokens, first_token_us, "
                    "total_us, endpoint, cached_tokens, money_micro, avoided_micro, energy_mj) "
                    "VALUES ('old', 1, '', '', '', '', '', 'none', 200, 1, 0, 0, 0, 0, '', 0, 0, "
                    "0, 0)");
        PQfinish(db);
        s = suite_open();
        assert_true(suite_has(s, "old"));
        suite_put_exchange(s, "new", 2);
        suite_put_measurement(s, "a", 1);
        assert_int_equal(suite_measurements(s), 1);
        store_close(s);
    }
}

static void a_newer_programs_store_is_left_alone(void **state)
{
    struct store *s = suite_open();

    (void)state;
    store_close(s);
    run_sql("UPDATE tampu.meta SET number = 999 WHERE name = 'schema'");
    s = NULL;
    assert_int_equal(store_open(&s, str_from(suite_url), &suite_err), -ENOTSUP);
    assert_non_null(strstr(suite_err.text, "newer tampu"));
}

static void what_is_no_utf8_does_not_stop_the_books(void **state)
{
    AUTO(store) s = suite_open();
    struct exchange_row row = suite_exchange("r1", 1);
    char long_name[300];

    (void)state;
    row.asked = str_slice("a\xff\0b\xc3(\xed\xa0\x80", 9);
    assert_int_equal(store_exchange_put(s, &row, 1, &suite_err), 0);
    assert_true(suite_has(s, "r1"));
    memset(long_name, 'x', sizeof long_name);
    memcpy(long_name + 255, "\xc3\xa4", 2); /* would be cut in two */
    row = suite_exchange("r2", 1);
    row.asked = str_slice(long_name, sizeof long_name);
    assert_int_equal(store_exchange_put(s, &row, 1, &suite_err), 0);
    assert_int_equal(store_exchange_find(s, STR("r2"), find_length, NULL, &suite_err), 255);
}

static void a_thousand_rows_are_one_transaction(void **state)
{
    enum { ROWS = 1000 };
    static struct exchange_row rows[ROWS];
    static char ids[ROWS][16];
    AUTO(store) s = suite_open();

    (void)state;
    for (int i = 0; i < ROWS; i++) {
        snprintf(ids[i], sizeof ids[i], "r%d", i);
        rows[i] = suite_exchange(ids[i], i);
    }
    assert_int_equal(store_exchange_put(s, rows, ROWS, &suite_err), 0);
    assert_int_equal(usage(s, 0).total.requests, ROWS);
    run_sql("ALTER TABLE tampu.exchanges ADD CHECK (id <> 'bad')");
    for (int i = 0; i < ROWS; i++)
        ids[i][0] = 's';
    strcpy(ids[ROWS / 2], "bad");
    for (int i = 0; i < ROWS; i++)
        rows[i].id = str_from(ids[i]);
    assert_true(store_exchange_put(s, rows, ROWS, &suite_err) < 0);
    assert_non_null(strstr(suite_err.text, "violates check"));
    assert_int_equal(usage(s, 0).total.requests, ROWS);
    assert_false(suite_has(s, "s1"));
}

static void a_server_that_was_killed_is_found_again(void **state)
{
    AUTO(store) s = suite_open();

    (void)state;
    suite_put_exchange(s, "r1", 1);
    server("kill");
    assert_int_equal(store_exchange_put(s, &(struct exchange_row){.id = STR("r2")}, 1, &suite_err),
                     -EIO);
    server("again");
    suite_put_exchange(s, "r2", 2);
    assert_true(suite_has(s, "r1"));
    assert_true(suite_has(s, "r2"));
    assert_int_equal(usage(s, 0).total.requests, 2);
}

static void a_connection_that_was_cut_is_made_anew(void **state)
{
    AUTO(store) s = suite_open();

    (void)state;
    suite_put_key(s, "k1", "a", 1);
    run_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = "
            "'tampu'");
    suite_put_exchange(s, "r1", 1); /* nobody notices */
    assert_int_equal(suite_keys(s), 1);
}

static int rows_of(PGconn *db, const char *sql)
{
    PGresult *found = PQexec(db, sql);
    int count = PQntuples(found);

    PQclear(found);
    return count;
}

/* Locks in the other order, once the first is taken: PostgreSQL ends who notices first, us. */
static void *get_in_the_way(void *unused)
{
    PGconn *db = connect_plain();

    (void)unused;
    exec_on(db, "BEGIN; SET LOCAL deadlock_timeout = '10s'");
    exec_on(db, "SELECT id FROM tampu.locks WHERE id = 2 FOR UPDATE");
    while (rows_of(db, "SELECT id FROM tampu.locks WHERE id = 1 FOR UPDATE SKIP LOCKED"))
        exec_on(db, "ROLLBACK; BEGIN; SET LOCAL deadlock_timeout = '10s'; "
                    "SELECT id FROM tampu.locks WHERE id = 2 FOR UPDATE");
    exec_on(db, "SELECT id FROM tampu.locks WHERE id = 1 FOR UPDATE");
    exec_on(db, "COMMIT");
    PQfinish(db);
    return NULL;
}

static void after_a_deadlock_the_rows_are_put_again(void **state)
{
    AUTO(store) s = suite_open();
    struct exchange_row rows[] = {suite_exchange("r1", 1), suite_exchange("r2", 2)};
    pthread_t other;

    (void)state;
    /* Each row locks the one of its number, so that an order can be wrong. */
    run_sql("CREATE TABLE tampu.locks (id int PRIMARY KEY); "
            "INSERT INTO tampu.locks VALUES (1), (2); "
            "CREATE FUNCTION tampu.take() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "SET LOCAL deadlock_timeout = '50ms'; "
            "PERFORM 1 FROM tampu.locks WHERE id = NEW.started_us FOR UPDATE; "
            "IF NEW.started_us = 1 THEN PERFORM pg_sleep(0.2); END IF; RETURN NEW; END $$; "
            "CREATE TRIGGER take BEFORE INSERT ON tampu.exchanges FOR EACH ROW EXECUTE FUNCTION "
            "tampu.take()");
    assert_int_equal(pthread_create(&other, NULL, get_in_the_way, NULL), 0);
    assert_int_equal(store_exchange_put(s, rows, 2, &suite_err), 0);
    pthread_join(other, NULL);
    assert_true(suite_has(s, "r1"));
    assert_true(suite_has(s, "r2"));
}

static void a_password_in_the_url_is_refused(void **state)
{
    struct store *s = NULL;

    (void)state;
    assert_int_equal(store_open(&s, STR("postgresql://a:canary@127.0.0.1/x"), &suite_err), -EINVAL);
    assert_null(strstr(suite_err.text, "canary"));
    assert_non_null(strstr(suite_err.text, "PGPASSFILE"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_SUITE,
        STORE_TEST(every_earlier_schema_is_brought_forward),
        STORE_TEST(a_newer_programs_store_is_left_alone),
        STORE_TEST(what_is_no_utf8_does_not_stop_the_books),
        STORE_TEST(a_thousand_rows_are_one_transaction),
        STORE_TEST(a_server_that_was_killed_is_found_again),
        STORE_TEST(a_connection_that_was_cut_is_made_anew),
        STORE_TEST(after_a_deadlock_the_rows_are_put_again),
        STORE_TEST(a_password_in_the_url_is_refused),
    };

    return cmocka_run_group_tests(tests, start_server, stop_server);
}
