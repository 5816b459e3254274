/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store: the suite, and what only a file can suffer. */
#include "testing.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/embedded.h"

#include "suite_tests.c"

static void run_sql(const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(suite_path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
}

static void make_folder(void)
{
    char folder[128];

    snprintf(folder, sizeof folder, "%s/state", suite_folder);
    assert_int_equal(mkdir(folder, 0700), 0);
}

/* open() fails so, with these words. */
static void refused(int r, const char *words)
{
    struct store *s = NULL;

    assert_int_equal(store_open(&s, str_from(suite_url), &suite_err), r);
    assert_null(s);
    if (!strstr(suite_err.text, words))
        fail_msg("'%s' does not say '%s'", suite_err.text, words);
}

/* How many files in the state folder have this in their names. */
static int files_named(const char *part)
{
    char folder[128];
    struct dirent *entry;
    DIR *dir;
    int count = 0;

    snprintf(folder, sizeof folder, "%s/state", suite_folder);
    dir = opendir(folder);
    assert_non_null(dir);
    while ((entry = readdir(dir)))
        count += strstr(entry->d_name, part) != NULL;
    closedir(dir);
    return count;
}

static void a_backup_is_taken_and_put_back_while_others_write(void **state)
{
    AUTO(store) s = suite_open();
    AUTO(store) other = suite_open();
    char path[160];

    (void)state;
    snprintf(path, sizeof path, "%s/saved.db", suite_folder);
    suite_put_key(s, "k1", "a", 1);
    suite_put_exchange(s, "r1", 1);
    assert_int_equal(store_backup(s, path, &suite_err), 0);
    assert_int_equal(store_backup(s, path, &suite_err), -EEXIST);
    suite_put_key(other, "k2", "b", 2);
    suite_put_exchange(other, "r2", 2);
    assert_int_equal(store_restore(s, path, &suite_err), 0);
    assert_int_equal(suite_keys(other), 1);
    assert_true(suite_has(other, "r1"));
    assert_false(suite_has(other, "r2"));
    suite_put_exchange(other, "r3", 3);
    assert_true(suite_has(s, "r3"));
}

static void what_is_no_backup_changes_nothing(void **state)
{
    AUTO(store) s = suite_open();
    char path[160];
    FILE *file;

    (void)state;
    suite_put_key(s, "k1", "a", 1);
    snprintf(path, sizeof path, "%s/letter.txt", suite_folder);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("dear ana, this is no database at all, it is a letter of some length", file);
    fclose(file);
    assert_int_equal(store_restore(s, path, &suite_err), -EINVAL);
    assert_non_null(strstr(suite_err.text, "letter.txt"));
    assert_int_equal(suite_keys(s), 1);
}

static void nobody_else_may_read_it(void **state)
{
    struct store *s = suite_open();
    static const char *const endings[] = {"", "-wal", "-shm"};
    struct stat stat_of;
    char path[160];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        snprintf(path, sizeof path, "%s%s", suite_path, endings[i]);
        assert_int_equal(stat(path, &stat_of), 0);
        assert_int_equal(stat_of.st_mode & 0777, 0600);
    }
    snprintf(path, sizeof path, "%s/state", suite_folder);
    assert_int_equal(stat(path, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0700);
    store_close(s);
}

static void a_url_must_name_a_store(void **state)
{
    static const char *const urls[] = {"", "sqlite", "sqlite:", "mysql:x", "/tmp/x"};
    struct store *s = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        assert_int_equal(store_open(&s, str_from(urls[i]), &suite_err), -EINVAL);
        assert_non_null(strstr(suite_err.text, "expected sqlite:PATH"));
    }
}

static void a_place_that_cannot_be_written_is_named(void **state)
{
    struct store *s = NULL;

    (void)state;
    snprintf(suite_url, sizeof suite_url, "sqlite:/proc/tampu/x.db");
    assert_true(store_open(&s, str_from(suite_url), &suite_err) < 0);
    assert_non_null(strstr(suite_err.text, "/proc/tampu: cannot be made: "));
    make_folder();
    snprintf(suite_url, sizeof suite_url, "sqlite:%s/state", suite_folder); /* a folder */
    assert_true(store_open(&s, str_from(suite_url), &suite_err) < 0);
    assert_non_null(strstr(suite_err.text, "/state: "));
}

/* A store as the program of schema `version` left it, with one key. */
static void make_old_store(unsigned version)
{
    char name[64], sql[256];

    make_folder();
    for (unsigned i = 1; i <= version; i++) {
        snprintf(name, sizeof name, "src/store/schema/%04u.sql", i);
        run_sql(embedded_find(name)->data);
    }
    snprintf(sql, sizeof sql,
             "INSERT INTO meta VALUES ('schema', %u), ('pepper', zeroblob(32));"
             "INSERT INTO keys (id, hash, prefix, last4, name, owner, role, created_us, "
             "expires_us, revoked_us) "
             "VALUES ('k1', randomblob(32), 'p', 'l', 'old', 'o', 0, 1, 0, 0)",
             version);
    run_sql(sql);
}

static void every_earlier_schema_is_brought_forward(void **state)
{
    assert_in_range(store_schema_newest(), 2, 9999);
    for (unsigned version = 1; version <= store_schema_newest(); version++) {
        unsigned char pepper[32], zeros[32] = {0};
        struct store *s;

        make_old_store(version);
        s = suite_open();
        assert_int_equal(suite_keys(s), 1);
        assert_int_equal(store_pepper(s, pepper, &suite_err), 0);
        assert_memory_equal(pepper, zeros, 32); /* the pepper it had */
        suite_put_exchange(s, "r1", 1);
        assert_int_equal(suite_measurements(s), 0);
        suite_put_measurement(s, "a", 1);
        assert_int_equal(suite_measurements(s), 1);
        store_close(s);
        store_close(suite_open()); /* nothing left to do */
        suite_teardown(state);
        suite_setup(state);
    }
}

static void a_newer_store_is_refused(void **state)
{
    (void)state;
    store_close(suite_open());
    run_sql("UPDATE meta SET value = 9999 WHERE name = 'schema'");
    refused(-ENOTSUP, "written by a newer tampu (schema 9999");
    assert_int_equal(files_named("corrupt"), 0);
}

static void a_failed_migration_changes_nothing(void **state)
{
    (void)state;
    make_old_store(1);
    run_sql("CREATE VIEW exchanges AS SELECT 1"); /* in the way of schema 2 */
    refused(-EIO, "exchanges");
    run_sql("DROP VIEW exchanges");
    store_close(suite_open());
}

static void a_database_of_something_else_is_left_alone(void **state)
{
    (void)state;
    make_folder();
    run_sql("CREATE TABLE photos (name TEXT)");
    refused(-EINVAL, "something else");
    run_sql("INSERT INTO photos VALUES ('still here')");
}

static void a_file_of_something_else_is_left_alone(void **state)
{
    FILE *file;
    char line[32];

    (void)state;
    make_folder();
    file = fopen(suite_path, "we");
    assert_non_null(file);
    fputs("Dear Ana, this is a letter.\n", file);
    fclose(file);
    refused(-EINVAL, "it is no store of this program's");
    file = fopen(suite_path, "re");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    assert_string_equal(line, "Dear Ana, this is a letter.\n");
}

static void a_damaged_file_is_moved_aside(void **state)
{
    char garbage[4096];
    struct store *s = suite_open();
    int fd;

    (void)state;
    for (int i = 0; i < 50; i++) {
        snprintf(garbage, sizeof garbage, "r%d", i);
        suite_put_exchange(s, garbage, i);
    }
    store_close(s); /* the last one out folds the journal into the file */
    memset(garbage, 0xa5, sizeof garbage);
    fd = open(suite_path, O_WRONLY | O_CLOEXEC);
    for (off_t page = 1; page < 12; page++)
        assert_int_equal(pwrite(fd, garbage, 2000, page * 4096), 2000);
    close(fd);
    s = suite_open();
    assert_non_null(strstr(store_note(s), "it is kept as "));
    assert_true(files_named("tampu.db.corrupt-") >= 1);
    assert_int_equal(suite_keys(s), 0);
    suite_put_exchange(s, "later", 1);
    store_close(s);
}

/* The last but one. */
static void damage_a_page(void)
{
    char garbage[4096];
    int fd = open(suite_path, O_WRONLY | O_CLOEXEC);

    memset(garbage, 0xa5, sizeof garbage);
    assert_int_equal(pwrite(fd, garbage, 4096, lseek(fd, 0, SEEK_END) - 8192), 4096);
    close(fd);
}

static void what_can_be_read_of_a_damaged_file_is_saved(void **state)
{
    unsigned char before[32], after[32];
    struct store *s = suite_open();
    char id[32];
    int kept = 0;

    (void)state;
    suite_put_key(s, "k1", "laptop", 1);
    assert_int_equal(store_pepper(s, before, &suite_err), 0);
    for (int i = 0; i < 200; i++) {
        snprintf(id, sizeof id, "r%d", i);
        suite_put_exchange(s, id, i);
    }
    store_close(s);
    damage_a_page();
    s = suite_open();
    assert_int_equal(store_pepper(s, after, &suite_err), 0);
    assert_memory_equal(before, after, 32);
    assert_int_equal(suite_keys(s), 1);
    for (int i = 0; i < 200; i++) {
        snprintf(id, sizeof id, "r%d", i);
        kept += suite_has(s, id);
    }
    assert_in_range(kept, 100, 200); /* one page is gone */
    store_close(s);
}

/* In processes of their own, as a gateway and commands are. */
static void of_many_who_find_the_damage_one_saves_it(void **state)
{
    enum { MANY = 8, ROWS = 1000 };
    struct exchange_row rows[ROWS];
    char ids[ROWS][8];
    struct store *s = suite_open();
    pid_t children[MANY];
    int status;

    (void)state;
    suite_put_key(s, "k1", "laptop", 1);
    for (int i = 0; i < ROWS; i++) {
        snprintf(ids[i], sizeof ids[i], "r%d", i);
        rows[i] = suite_exchange(ids[i], i);
    }
    assert_int_equal(store_exchange_put(s, rows, ROWS, &suite_err), 0);
    store_close(s);
    damage_a_page();
    for (int i = 0; i < MANY; i++)
        if ((children[i] = fork()) == 0)
            _exit(store_open(&s, str_from(suite_url), NULL) == 0 && suite_keys(s) == 1 ? 0 : 1);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    s = suite_open();
    assert_int_equal(suite_keys(s), 1);
    assert_true(suite_has(s, "r0"));
    store_close(s);
}

/* In a process of its own: the limit is for good. */
static int write_until_full(void)
{
    struct rlimit limit = {128 << 10, 128 << 10};
    AUTO(store) s = suite_open();
    struct exchange_row rows[100];
    char ids[100][32];
    int r = 0;

    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    suite_put_exchange(s, "first", 1);
    for (int batch = 0; batch < 100 && r == 0; batch++) {
        for (int i = 0; i < 100; i++) {
            snprintf(ids[i], sizeof ids[i], "b%d-%d", batch, i);
            rows[i] = suite_exchange(ids[i], i);
        }
        r = store_exchange_put(s, rows, 100, &suite_err);
    }
    return r == -ENOSPC && strstr(suite_err.text, "is the disk full") && suite_has(s, "first") &&
                   suite_has(s, "b0-99") && !suite_has(s, ids[0]) && !suite_has(s, ids[99])
               ? 0
               : 1;
}

static void a_full_disk_loses_the_batch_and_nothing_else(void **state)
{
    struct store *s;
    pid_t child = fork();
    int status;

    (void)state;
    if (child == 0)
        _exit(write_until_full());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    s = suite_open(); /* sound, and there is room again */
    assert_true(suite_has(s, "first"));
    suite_put_exchange(s, "after", 2);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_SUITE,
        STORE_TEST(nobody_else_may_read_it),
        STORE_TEST(a_url_must_name_a_store),
        STORE_TEST(a_place_that_cannot_be_written_is_named),
        STORE_TEST(a_backup_is_taken_and_put_back_while_others_write),
        STORE_TEST(what_is_no_backup_changes_nothing),
        STORE_TEST(every_earlier_schema_is_brought_forward),
        STORE_TEST(a_newer_store_is_refused),
        STORE_TEST(a_failed_migration_changes_nothing),
        STORE_TEST(a_database_of_something_else_is_left_alone),
        STORE_TEST(a_file_of_something_else_is_left_alone),
        STORE_TEST(a_damaged_file_is_moved_aside),
        STORE_TEST(what_can_be_read_of_a_damaged_file_is_saved),
        STORE_TEST(of_many_who_find_the_damage_one_saves_it),
        STORE_TEST(a_full_disk_loses_the_batch_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
