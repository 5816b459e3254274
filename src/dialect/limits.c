/* SPDX-License-Identifier: Apache-2.0 */
/* What headers say about when to come back. */
#include "dialect/limits.h"

#include <stdio.h>
#include <time.h>

#include "base/attr.h"

static uint64_t wait_asked(const struct header *headers, size_t count, int64_t now_us);
static uint64_t wait_counted(const struct header *headers, size_t count, int64_t now_us);
static uint64_t wait_named(struct str reset, int64_t now_us);
static uint64_t wait_until(const char *text, const char *format, int64_t now_us);
static uint64_t wait_for(struct str duration);

uint64_t limits_wait_ms(int status, const struct header *headers, size_t count, int64_t now_us)
{
    uint64_t wait_ms = status >= 400 ? wait_asked(headers, count, now_us) : 0;

    if (!wait_ms)
        wait_ms = wait_counted(headers, count, now_us);
    return wait_ms < LIMITS_WAIT_MAX_MS ? wait_ms : LIMITS_WAIT_MAX_MS;
}

static uint64_t wait_asked(const struct header *headers, size_t count, int64_t now_us)
{
    struct str precise = header_find(headers, count, STR("retry-after-ms"));
    struct str after = header_find(headers, count, STR("retry-after"));
    char date[64];
    uint64_t number;

    if (precise.len && str_to_u64(&number, precise) == 0)
        return number;
    if (after.len && str_to_u64(&number, after) == 0)
        return number < LIMITS_WAIT_MAX_MS ? number * 1000 : LIMITS_WAIT_MAX_MS;
    snprintf(date, sizeof date, "%.*s", STR_ARG(after));
    return wait_until(date, "%a, %d %b %Y %T GMT", now_us);
}

/* The longest wait among the limits that are used up. */
static uint64_t wait_counted(const struct header *headers, size_t count, int64_t now_us)
{
    static const struct {
        struct str remaining, reset;
    } limits[] = {
        {STR("x-ratelimit-remaining-requests"), STR("x-ratelimit-reset-requests")},
        {STR("x-ratelimit-remaining-tokens"), STR("x-ratelimit-reset-tokens")},
        {STR("anthropic-ratelimit-requests-remaining"), STR("anthropic-ratelimit-requests-reset")},
        {STR("anthropic-ratelimit-tokens-remaining"), STR("anthropic-ratelimit-tokens-reset")},
        {STR("anthropic-ratelimit-input-tokens-remaining"),
         STR("anthropic-ratelimit-input-tokens-reset")},
        {STR("anthropic-ratelimit-output-tokens-remaining"),
         STR("anthropic-ratelimit-output-tokens-reset")},
    };
    uint64_t longest_ms = 0;

    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        struct str reset = header_find(headers, count, limits[i].reset);
        uint64_t wait_ms;

        if (!str_equal(header_find(headers, count, limits[i].remaining), STR("0")))
            continue;
        wait_ms = wait_named(reset, now_us);
        longest_ms = wait_ms > longest_ms ? wait_ms : longest_ms;
    }
    return longest_ms;
}

/* OpenAI says for how long, Anthropic until when. */
static uint64_t wait_named(struct str reset, int64_t now_us)
{
    char text[64];

    if (str_index(reset, 'T') == reset.len)
        return wait_for(reset);
    snprintf(text, sizeof text, "%.*s", STR_ARG(reset));
    return wait_until(text, "%Y-%m-%dT%H:%M:%SZ", now_us);
}

static uint64_t wait_until(const char *text, const char *format, int64_t now_us)
{
    struct tm then = {0};
    int64_t wait_us;

    if (!strptime(text, format, &then))
        return 0;
    wait_us = (int64_t)timegm(&then) * 1000000 - now_us;
    return wait_us > 0 ? (uint64_t)wait_us / 1000 : 0;
}

/* "6m0s", "1.5s", "120ms"; what is none of that says nothing. */
static uint64_t wait_for(struct str duration)
{
    static const struct {
        struct str unit;
        uint64_t ms;
    } units[] = {{STR("ms"), 1}, {STR("h"), 3600 * 1000}, {STR("m"), 60 * 1000}, {STR("s"), 1000}};
    double total_ms = 0;

    while (duration.len) {
        double number = 0, place = 0;
        size_t i = 0;

        for (; duration.len && strchr("0123456789.", duration.data[0]); duration.data++) {
            duration.len--;
            if (duration.data[0] == '.')
                place = 1;
            else
                number = number * 10 + (duration.data[0] - '0');
            place *= duration.data[0] == '.' ? 1 : 10;
        }
        while (i < COUNT_OF(units) && !str_starts(duration, units[i].unit))
            i++;
        if (i == COUNT_OF(units))
            return 0;
        total_ms += (place ? number / place : number) * (double)units[i].ms;
        duration = str_slice(duration.data + units[i].unit.len, duration.len - units[i].unit.len);
    }
    return total_ms < LIMITS_WAIT_MAX_MS ? (uint64_t)total_ms : LIMITS_WAIT_MAX_MS;
}
