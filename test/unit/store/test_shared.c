/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of several gateways, on a real Valkey or Redis: no budget is overspent, whoever dies. */
#include "testing.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/clock.h"
#include "store/shared.h"
#include "store/valkey.h"

enum { PATIENCE_US = 5000000, GATEWAYS = 3, TRIES = 200, PRICE = 7 };

static char folder[] = "/tmp/tampu-server-XXXXXX", url[120];
static struct err err;

static uint64_t soon(void)
{
    return clock_monotonic_us() + PATIENCE_US;
}

static void server(const char *verb)
{
    char command[200];

    snprintf(command, sizeof command, "test/servers %s %s", verb, folder);
    assert_int_equal(system(command), 0);
}

static int remove_one(const char *path, const struct stat *unused, int kind, struct FTW *ftw)
{
    (void)unused, (void)kind, (void)ftw;
    return remove(path);
}

static int start_server(void **state)
{
    char command[200];
    FILE *said;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(command, sizeof command, "test/servers start valkey %s", folder);
    said = popen(command, "r");
    assert_non_null(said);
    assert_non_null(fgets(url, sizeof url, said));
    url[strcspn(url, "\n")] = '\0';
    return pclose(said);
}

static int stop_server(void **state)
{
    (void)state;
    server("stop");
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A plain command; the number that it answers, or that stands in its text. */
static long long tell(int argc, const char **argv)
{
    struct valkey *v = NULL;
    redisReply *reply = NULL;
    long long number;

    assert_int_equal(valkey_open(&v, str_from(url), &err), 0);
    assert_int_equal(valkey_call(v, argc, argv, NULL, soon(), &reply), 0);
    number = reply->str ? atoll(reply->str) : reply->integer;
    freeReplyObject(reply);
    valkey_close(v);
    return number;
}

static int empty(void **state)
{
    (void)state;
    tell(1, (const char *[]){"FLUSHALL"});
    return 0;
}

static struct shared *open_one(const char *gateway)
{
    struct shared *s = NULL;

    if (shared_open(&s, str_from(url), gateway, &err) < 0)
        fail_msg("%s", err.text);
    shared_tend(s, soon());
    return s;
}

/* A request of PRICE on the key "k1", which has room for so much money this month. */
static struct shared_ask ask_for(const char *request, uint64_t budget)
{
    struct shared_ask ask = {
        .key_id = STR("k1"),
        .request_id = str_from(request),
        .money_micro = PRICE,
        .tokens = 10,
        .periods = {20000, 2857, 680},
        .limits = {.requests_per_minute = SHARED_ANY,
                   .tokens_per_minute = SHARED_ANY,
                   .parallel = SHARED_ANY},
    };

    for (int p = 0; p < SHARED_PERIODS; p++) {
        ask.limits.budgets[p].money_micro = p == 2 ? budget : SHARED_ANY;
        ask.limits.budgets[p].tokens = SHARED_ANY;
    }
    return ask;
}

static struct shared_use use_of(const struct shared_ask *ask, uint64_t money)
{
    struct shared_use use = {.key_id = ask->key_id,
                             .request_id = ask->request_id,
                             .money_micro = money,
                             .tokens = 10,
                             .tokens_per_minute = SHARED_ANY};

    memcpy(use.periods, ask->periods, sizeof use.periods);
    return use;
}

static struct shared_answer reserve(struct shared *s, const struct shared_ask *ask)
{
    struct shared_answer answer = shared_reserve(s, ask, soon());

    if (answer.verdict == SHARED_not_loaded) {
        assert_int_equal(
            shared_load(s, ask->key_id, answer.period, ask->periods[answer.period], 0, 0, soon()),
            0);
        answer = shared_reserve(s, ask, soon());
    }
    return answer;
}

static long long used(const char *field)
{
    return tell(3, (const char *[]){"HGET", "tampu:{k1}:month:680", field});
}

static void what_the_books_say_is_loaded_once(void **state)
{
    AUTO(shared) s = open_one("a");
    struct shared_ask ask = ask_for("r1", 100);

    (void)state;
    assert_int_equal(shared_reserve(s, &ask, soon()).verdict, SHARED_not_loaded);
    assert_int_equal(shared_load(s, STR("k1"), 2, 680, 95, 0, soon()), 0);
    assert_int_equal(shared_load(s, STR("k1"), 2, 680, 95, 0, soon()), 0); /* by another gateway */
    assert_int_equal(shared_reserve(s, &ask, soon()).verdict, SHARED_over_money);
    ask = ask_for("r2", 102);
    assert_int_equal(shared_reserve(s, &ask, soon()).verdict, SHARED_reserved);
}

static void asked_twice_it_is_reserved_once_and_settled_once(void **state)
{
    AUTO(shared) s = open_one("a");
    struct shared_ask ask = ask_for("r1", 100);
    struct shared_use use = use_of(&ask, 3);

    (void)state;
    assert_int_equal(reserve(s, &ask).verdict, SHARED_reserved);
    assert_int_equal(reserve(s, &ask).verdict, SHARED_reserved);
    assert_int_equal(used("held_money"), PRICE);
    assert_true(shared_settle(s, &use, soon()));
    assert_true(shared_settle(s, &use, soon()));
    assert_int_equal(used("held_money"), 0);
    assert_int_equal(used("money"), 3);
}

static void an_answer_says_what_all_have_used(void **state)
{
    AUTO(shared) a = open_one("a");
    AUTO(shared) b = open_one("b");
    struct shared_ask first = ask_for("r1", 100), second = ask_for("r2", 100),
                      third = ask_for("r3", 4);
    struct shared_use use = use_of(&first, 3);
    struct shared_answer answer;

    (void)state;
    answer = reserve(a, &first);
    assert_true(answer.is_told);
    assert_int_equal(answer.used[2].money_micro, 0);
    assert_true(shared_settle(a, &use, soon()));
    answer = reserve(b, &second);
    assert_int_equal(answer.verdict, SHARED_reserved);
    assert_int_equal(answer.used[2].money_micro, 3);
    assert_int_equal(answer.used[2].tokens, 10);
    answer = reserve(b, &third);
    assert_int_equal(answer.verdict, SHARED_over_money);
    assert_true(answer.is_told && answer.used[2].money_micro == 3);
}

static void rates_and_parallel_requests_are_counted_together(void **state)
{
    AUTO(shared) a = open_one("a");
    AUTO(shared) b = open_one("b");
    struct shared_ask first = ask_for("r1", SHARED_ANY), second = ask_for("r2", SHARED_ANY);
    struct shared_answer answer;
    struct shared_use use = use_of(&first, 0);

    (void)state;
    first.limits.parallel = second.limits.parallel = 1;
    assert_int_equal(reserve(a, &first).verdict, SHARED_reserved);
    assert_int_equal(reserve(b, &second).verdict, SHARED_over_parallel);
    assert_true(shared_settle(a, &use, soon()));
    assert_int_equal(reserve(b, &second).verdict, SHARED_reserved);
    first = ask_for("r3", SHARED_ANY);
    second = ask_for("r4", SHARED_ANY);
    first.limits.requests_per_minute = second.limits.requests_per_minute = 1;
    assert_int_equal(reserve(a, &first).verdict, SHARED_reserved);
    answer = reserve(b, &second);
    assert_int_equal(answer.verdict, SHARED_over_requests);
    assert_in_range(answer.retry_us, 1, 60000000);
}

/* As scripts see numbers: nothing at all, and more than they write plainly. */
static void no_money_and_much_money_are_counted(void **state)
{
    static const uint64_t amounts[] = {0, 1, UINT64_C(1000000000000000)};
    AUTO(shared) s = open_one("a");
    char name[16];
    long long sum = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(amounts); i++) {
        struct shared_ask ask;
        struct shared_use use;

        snprintf(name, sizeof name, "r%zu", i);
        ask = ask_for(name, SHARED_ANY);
        ask.money_micro = amounts[i];
        use = use_of(&ask, amounts[i]);
        assert_int_equal(reserve(s, &ask).verdict, SHARED_reserved);
        assert_true(shared_settle(s, &use, soon()));
        sum += (long long)amounts[i];
        assert_int_equal(used("held_money"), 0);
        assert_int_equal(used("money"), sum);
    }
}

/* Another process: asks until it is refused, and keeps what it got. */
static pid_t run_gateway(int number, uint64_t budget)
{
    pid_t child = fork();
    struct shared *s;
    char name[32];
    int got = 0;

    if (child != 0)
        return child;
    snprintf(name, sizeof name, "g%d", number);
    s = open_one(name);
    for (int i = 0; i < TRIES; i++) {
        struct shared_ask ask;

        snprintf(name, sizeof name, "g%d-%d", number, i);
        ask = ask_for(name, budget);
        got += reserve(s, &ask).verdict == SHARED_reserved;
    }
    shared_close(s);
    _exit(got);
}

static void three_gateways_never_overspend_a_budget(void **state)
{
    enum { ROOM = 10 };
    pid_t gateways[GATEWAYS];
    int status, got = 0;

    (void)state;
    for (int i = 0; i < GATEWAYS; i++)
        gateways[i] = run_gateway(i, ROOM * PRICE + PRICE - 1);
    for (int i = 0; i < GATEWAYS; i++) {
        assert_int_equal(waitpid(gateways[i], &status, 0), gateways[i]);
        assert_true(WIFEXITED(status));
        got += WEXITSTATUS(status);
    }
    assert_int_equal(got, ROOM);
    assert_int_equal(used("held_money"), ROOM * PRICE);
}

static void what_a_dead_gateway_held_counts_until_it_is_known(void **state)
{
    AUTO(shared) dead = open_one("dead");
    AUTO(shared) alive = open_one("alive");
    struct shared_ask ask = ask_for("r1", 2 * PRICE - 1), other = ask_for("r2", 2 * PRICE - 1);
    struct shared_use use = use_of(&ask, 2);

    (void)state;
    assert_int_equal(reserve(dead, &ask).verdict, SHARED_reserved);
    tell(2, (const char *[]){"DEL", "tampu:gateway:dead"}); /* its sign of life is gone */
    shared_tend(alive, soon());
    assert_int_equal(used("held_money"), 0);
    assert_int_equal(used("money"), PRICE);
    assert_int_equal(reserve(alive, &other).verdict, SHARED_over_money);
    assert_true(shared_settle(dead, &use, soon())); /* it comes back, and knows */
    assert_int_equal(used("money"), 2);
    assert_int_equal(reserve(alive, &other).verdict, SHARED_reserved);
}

static void a_server_that_stands_still_is_not_waited_for(void **state)
{
    enum { LIMIT_US = 5000 };
    AUTO(shared) s = open_one("a");
    struct shared_ask first = ask_for("r1", 100), second = ask_for("r2", 100);
    struct shared_use use = use_of(&first, 4), unasked = use_of(&second, 5);
    uint64_t began, asked = 0;

    (void)state;
    assert_int_equal(reserve(s, &first).verdict, SHARED_reserved);
    server("pause");
    began = clock_monotonic_us();
    assert_int_equal(shared_reserve(s, &second, began + LIMIT_US).verdict, SHARED_no_answer);
    /* The next ones are not even tried: a thousand cost less than waiting for one would. */
    for (; asked < 1000; asked++)
        assert_int_equal(shared_reserve(s, &second, clock_monotonic_us() + LIMIT_US).verdict,
                         SHARED_no_answer);
    assert_true(clock_monotonic_us() - began < 1000 * LIMIT_US);
    assert_false(shared_settle(s, &use, clock_monotonic_us() + LIMIT_US));
    unasked.is_unanswered = true;
    assert_false(shared_settle(s, &unasked, clock_monotonic_us() + LIMIT_US));
    assert_int_equal(shared_waiting(s), 2);
    server("resume");
    for (began = soon(); shared_waiting(s) && clock_monotonic_us() < began;)
        shared_tend(s, soon());
    assert_int_equal(shared_waiting(s), 0);
    assert_int_equal(used("money"), 9);
    assert_int_equal(used("held_money"), 0);
    assert_int_equal(shared_dropped(s), 0);
}

/* What it echoes, by then; NULL: there was no answer. */
static const char *echo(struct valkey *v, const char *word, uint64_t deadline_us, int expected)
{
    static char heard[20];
    redisReply *reply = NULL;
    int r = valkey_call(v, 2, (const char *[]){"ECHO", word}, NULL, deadline_us, &reply);

    assert_int_equal(r, expected);
    if (r == 0)
        snprintf(heard, sizeof heard, "%s", reply->str);
    freeReplyObject(reply);
    return r == 0 ? heard : NULL;
}

static long long connection_of(struct valkey *v)
{
    redisReply *reply = NULL;
    long long id;

    assert_int_equal(valkey_call(v, 2, (const char *[]){"CLIENT", "ID"}, NULL, soon(), &reply), 0);
    id = reply->integer;
    freeReplyObject(reply);
    return id;
}

static void a_late_answer_is_nobody_elses_and_costs_no_connection(void **state)
{
    enum { LIMIT_US = 5000 };
    struct valkey *v = NULL;
    uint64_t began_us, end_us;
    redisReply *reply = NULL;
    long long id;

    (void)state;
    assert_int_equal(valkey_open(&v, str_from(url), &err), 0);
    assert_string_equal(echo(v, "first", soon(), 0), "first");
    id = connection_of(v);
    server("pause");
    began_us = clock_monotonic_us();
    echo(v, "second", began_us + LIMIT_US, -ETIMEDOUT);
    for (int i = 0; i < 20; i++) /* nothing is sent */
        echo(v, "third", clock_monotonic_us() + LIMIT_US, -ENOTCONN);
    server("resume");
    end_us = soon();
    while (valkey_call(v, 2, (const char *[]){"ECHO", "fourth"}, NULL, soon(), &reply) < 0)
        assert_true(clock_monotonic_us() < end_us);
    assert_string_equal(reply->str, "fourth");
    freeReplyObject(reply);
    /* It would have been given up by then. */
    if (clock_monotonic_us() - began_us < VALKEY_OWED_MS * 1000ull)
        assert_int_equal(connection_of(v), id);
    valkey_close(v);
}

static void a_server_that_was_killed_forgets_nothing(void **state)
{
    AUTO(shared) s = open_one("a");
    struct shared_ask ask = ask_for("r1", 100);
    struct shared_use use = use_of(&ask, 4);
    uint64_t end = soon();

    (void)state;
    assert_int_equal(reserve(s, &ask).verdict, SHARED_reserved);
    server("kill");
    assert_false(shared_settle(s, &use, soon()));
    server("again");
    while (shared_waiting(s) && clock_monotonic_us() < end)
        shared_tend(s, soon());
    assert_int_equal(shared_waiting(s), 0);
    assert_int_equal(used("money"), 4);
    assert_int_equal(used("held_money"), 0);
}

static void keep_words(void *ctx, struct str words)
{
    snprintf(ctx, 100, "%.*s", STR_ARG(words));
}

/* What the others say, after saying this. */
static const char *exchange(struct shared *s, const char *words)
{
    static char heard[100];

    heard[0] = '\0';
    assert_int_equal(shared_exchange(s, str_from(words), keep_words, heard, soon()), 0);
    return heard;
}

static void what_a_gateway_says_the_others_hear_until_it_takes_it_back_or_is_gone(void **state)
{
    AUTO(shared) a = open_one("a");
    AUTO(shared) b = open_one("b");
    char words[SHARED_WORDS_MAX + 2];

    (void)state;
    assert_string_equal(exchange(a, "down x\ndown y\n"), "");
    assert_string_equal(exchange(b, ""), "down x\ndown y\n");
    assert_string_equal(exchange(b, ""), "down x\ndown y\n");
    assert_string_equal(exchange(a, ""), "");
    assert_string_equal(exchange(b, ""), "");
    exchange(a, "down x\n");
    assert_in_range(tell(2, (const char *[]){"PTTL", "tampu:hints"}), 1, SHARED_LIFE_MS);
    tell(4, (const char *[]){"HSET", "tampu:hints", "a", "1 down x"}); /* it said so in 1970 */
    tell(4, (const char *[]){"HSET", "tampu:hints", "c", "rubbish"});
    assert_string_equal(exchange(b, ""), "");
    assert_int_equal(tell(2, (const char *[]){"HLEN", "tampu:hints"}), 0);
    memset(words, 'x', sizeof words - 1);
    words[sizeof words - 1] = '\0';
    exchange(a, words); /* too long: nothing is said */
    assert_string_equal(exchange(b, ""), "");
}

static void only_urls_of_this_machine_are_taken(void **state)
{
    struct shared *s = NULL;

    (void)state;
    assert_int_equal(shared_open(&s, STR("http://127.0.0.1"), "a", &err), -EINVAL);
    assert_int_equal(shared_open(&s, STR("redis://:canary@127.0.0.1"), "a", &err), -EINVAL);
    assert_null(strstr(err.text, "canary"));
    assert_null(s);
}

#define SHARED_TEST(name) cmocka_unit_test_setup(name, empty)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHARED_TEST(what_the_books_say_is_loaded_once),
        SHARED_TEST(asked_twice_it_is_reserved_once_and_settled_once),
        SHARED_TEST(an_answer_says_what_all_have_used),
        SHARED_TEST(rates_and_parallel_requests_are_counted_together),
        SHARED_TEST(no_money_and_much_money_are_counted),
        SHARED_TEST(three_gateways_never_overspend_a_budget),
        SHARED_TEST(what_a_dead_gateway_held_counts_until_it_is_known),
        SHARED_TEST(a_server_that_stands_still_is_not_waited_for),
        SHARED_TEST(a_late_answer_is_nobody_elses_and_costs_no_connection),
        SHARED_TEST(a_server_that_was_killed_forgets_nothing),
        SHARED_TEST(what_a_gateway_says_the_others_hear_until_it_takes_it_back_or_is_gone),
        SHARED_TEST(only_urls_of_this_machine_are_taken),
    };

    return cmocka_run_group_tests(tests, start_server, stop_server);
}
