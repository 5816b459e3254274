/* SPDX-License-Identifier: Apache-2.0 */
/* A ceiling that transfers share. */
#include "apply/ceiling.h"

#include <errno.h>

#include "net/clock.h"

enum { SLACK_US = 20000 }; /* less than this is not worth a pause */

static uint64_t wait_ms(const struct pace *p, uint64_t now_us, unsigned minute);

int ceiling_open(struct ceiling *c, uint64_t bytes_per_s, struct str hours, struct err *err)
{
    struct pace pace = {.bytes_per_s = bytes_per_s};

    if (pace_set_hours(&pace, hours) < 0)
        return err_set(err, -EINVAL,
                       "gateway.registry.rate_hours: found '%.*s', expected hours such as "
                       "07:00-23:00, or nothing",
                       STR_ARG(hours));
    c->pace = pace;
    pthread_mutex_init(&c->mutex, NULL);
    return 0;
}

void ceiling_close(struct ceiling *c)
{
    pthread_mutex_destroy(&c->mutex);
}

uint64_t ceiling_take(struct ceiling *c, uint64_t bytes)
{
    uint64_t now_us, after_ms;
    unsigned minute;

    if (!c->pace.bytes_per_s)
        return 0;
    now_us = clock_monotonic_us();
    minute = clock_minute_of_day();
    pthread_mutex_lock(&c->mutex);
    pace_take(&c->pace, bytes, now_us, minute);
    after_ms = wait_ms(&c->pace, now_us, minute);
    pthread_mutex_unlock(&c->mutex);
    return after_ms;
}

uint64_t ceiling_wait(struct ceiling *c)
{
    return ceiling_take(c, 0);
}

static uint64_t wait_ms(const struct pace *p, uint64_t now_us, unsigned minute)
{
    uint64_t wait_us = pace_wait_us(p, now_us, minute);

    if (wait_us < SLACK_US)
        return 0;
    return wait_us / 1000 < CEILING_WAIT_MS ? wait_us / 1000 : CEILING_WAIT_MS;
}

size_t ceiling_piece(struct ceiling *c, size_t most)
{
    return c->pace.bytes_per_s ? (size_t)pace_piece(&c->pace, most, clock_minute_of_day()) : most;
}
