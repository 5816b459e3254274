/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the books cost: rows that the store takes in a second, and what a request waits for them.
 *
 *     build/bench/ledger [FOLDER]        on the disk that holds FOLDER; /tmp if not said
 *
 * First as many as go through, from four threads. Then 2,000 requests a second, each held, waited
 * for until the journal has it, and put; the same without the wait is what "added" is compared to.
 */
#include <ftw.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "net/clock.h"
#include "store/recorder.h"

enum { THREADS = 4, ROWS = 20000, PACED = 10000, PER_SECOND = 2000, LIMIT_US = 1000 };

static struct recorder *open_recorder(const char *folder);
static void run_flat_out(const char *folder);
static void *put_rows(void *recorder);
static int run_paced(const char *folder);
static void sleep_until(uint64_t us);
static void put_one(struct recorder *r, struct hold *hold, uint64_t number, bool only_hold);
static uint64_t cpu_us(void);
static int compare(const void *a, const void *b);
static int remove_one(const char *path, const struct stat *unused, int kind, struct FTW *ftw);

int main(int argc, char **argv)
{
    char folder[4096];
    int status;

    snprintf(folder, sizeof folder, "%s/tampu-bench-XXXXXX", argc > 1 ? argv[1] : "/tmp");
    if (!mkdtemp(folder)) {
        perror(folder);
        return 1;
    }
    run_flat_out(folder);
    status = run_paced(folder);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return status;
}

static struct recorder *open_recorder(const char *folder)
{
    char url[4200], journal[4200];
    struct recorder *r = NULL;
    struct err err = {0};

    snprintf(url, sizeof url, "sqlite:%s/tampu.db", folder);
    snprintf(journal, sizeof journal, "%s/journal", folder);
    if (recorder_open(&r, str_from(url), journal, &(struct recorder_options){0}, NULL, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    return r;
}

static void run_flat_out(const char *folder)
{
    struct recorder *r = open_recorder(folder);
    uint64_t begun_us = clock_monotonic_us(), begun_cpu_us = cpu_us(), took_us;
    pthread_t threads[THREADS];

    for (size_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, put_rows, r) != 0)
            abort();
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    recorder_flush(r);
    took_us = clock_monotonic_us() - begun_us;
    printf("%llu rows in the store in %.2f s: %.0f a second, %.1f µs of CPU each\n",
           (unsigned long long)recorder_sum(r).written, (double)took_us / 1e6,
           (double)recorder_sum(r).written * 1e6 / (double)took_us,
           (double)(cpu_us() - begun_cpu_us) / (THREADS * ROWS));
    recorder_close(r);
}

static void *put_rows(void *recorder)
{
    for (uint64_t i = 0; i < ROWS; i++) {
        struct hold hold = {0};

        put_one(recorder, &hold, (uint64_t)(uintptr_t)&hold << 20 | i, true);
        put_one(recorder, &hold, (uint64_t)(uintptr_t)&hold << 20 | i, false);
    }
    return NULL;
}

static int run_paced(const char *folder)
{
    static uint64_t waits_us[PACED];
    struct recorder *r = open_recorder(folder);
    uint64_t begun_us = clock_monotonic_us();

    for (uint64_t i = 0; i < PACED; i++) {
        struct hold hold = {0};
        uint64_t asked_us;

        sleep_until(begun_us + i * 1000000 / PER_SECOND);
        asked_us = clock_monotonic_us();
        put_one(r, &hold, i, true);
        while (!recorder_is_kept(r, &hold))
            sched_yield();
        waits_us[i] = clock_monotonic_us() - asked_us;
        put_one(r, &hold, i, false);
    }
    recorder_flush(r);
    qsort(waits_us, PACED, sizeof *waits_us, compare);
    printf("%d a second for %.0f s: kept after p50 %llu µs, p90 %llu µs, p99 %llu µs, at most %llu "
           "µs; limit of p99 %d µs\n",
           PER_SECOND, (double)(clock_monotonic_us() - begun_us) / 1e6,
           (unsigned long long)waits_us[PACED / 2], (unsigned long long)waits_us[PACED * 9 / 10],
           (unsigned long long)waits_us[PACED * 99 / 100], (unsigned long long)waits_us[PACED - 1],
           LIMIT_US);
    recorder_close(r);
    return waits_us[PACED * 99 / 100] > LIMIT_US;
}

static void sleep_until(uint64_t us)
{
    uint64_t now_us = clock_monotonic_us();

    if (us > now_us)
        nanosleep(&(struct timespec){0, (long)(us - now_us) * 1000}, NULL);
}

static void put_one(struct recorder *r, struct hold *hold, uint64_t number, bool only_hold)
{
    char id[32];
    struct exchange_row row = {
        .started_us = clock_wall_us(),
        .endpoint = STR("openai_chat"),
        .asked = STR("l-code"),
        .machine = STR("akshat-pc"),
        .model = STR("L-LOC-FRE-qwen3-coder-30b"),
        .parity = STR("identical"),
        .key_id = STR("k2345678abcdefgh"),
        .failure = STR("none"),
        .status = 200,
        .attempts = 1,
        .prompt_tokens = 1234,
        .completion_tokens = 321,
    };

    snprintf(id, sizeof id, "t%016llx", (unsigned long long)number);
    row.id = str_from(id);
    if (only_hold ? !recorder_hold(r, hold, &row) : !recorder_put(r, hold, &row)) {
        recorder_flush(r);
        if (only_hold)
            put_one(r, hold, number, only_hold);
    }
}

static uint64_t cpu_us(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    return (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
           (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static int compare(const void *a, const void *b)
{
    const uint64_t *one = a, *other = b;

    return (*one > *other) - (*one < *other);
}

static int remove_one(const char *path, const struct stat *unused, int kind, struct FTW *ftw)
{
    (void)unused, (void)kind, (void)ftw;
    return remove(path);
}
