/* SPDX-License-Identifier: Apache-2.0 */
/* The clocks of the system. */
#include "net/clock.h"

/* Written once, before there are threads. */
static double hurried = 1;

void clock_hurry(double times)
{
    hurried = times;
}

double clock_hurried(void)
{
    return hurried;
}

uint64_t clock_monotonic_us(void)
{
    return (uint64_t)((double)clock_true_us() * hurried);
}

uint64_t clock_true_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

void clock_cond_init(pthread_cond_t *c)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(c, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

struct timespec clock_in_ms(unsigned ms)
{
    uint64_t us = clock_true_us() + ms * UINT64_C(1000);

    return (struct timespec){(time_t)(us / 1000000), (long)(us % 1000000) * 1000};
}

int64_t clock_wall_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

unsigned clock_minute_of_day(void)
{
    const time_t now = clock_wall_us() / 1000000;
    struct tm local = {0};

    localtime_r(&now, &local);
    return (unsigned)(local.tm_hour * 60 + local.tm_min);
}
