/* SPDX-License-Identifier: Apache-2.0 */
/* How long providers ask to be left alone. */
#include "testing.h"

#include "base/attr.h"
#include "dialect/limits.h"

enum { ROWS_MAX = 3 };

static void what_headers_say_is_waited_for(void **state)
{
    /* 2026-11-23T10:00:00Z */
    const int64_t now_us = INT64_C(1795428000) * 1000000;
    static const struct {
        int status;
        struct header rows[ROWS_MAX];
        uint64_t wait_ms;
    } cases[] = {
        {429, {{STR("retry-after"), STR("30")}}, 30000},
        {529, {{STR("Retry-After"), STR("1")}}, 1000},
        {429, {{STR("retry-after-ms"), STR("250")}, {STR("retry-after"), STR("1")}}, 250},
        {503, {{STR("retry-after"), STR("Mon, 23 Nov 2026 10:00:05 GMT")}}, 5000},
        {503, {{STR("retry-after"), STR("Mon, 23 Nov 2026 09:00:00 GMT")}}, 0},
        {429, {{STR("retry-after"), STR("soon")}}, 0},
        {429, {{STR("retry-after"), STR("99999999999999999999")}}, 0},
        {429, {{STR("retry-after"), STR("9999999999999999")}}, LIMITS_WAIT_MAX_MS},
        {200, {{STR("retry-after"), STR("30")}}, 0},
        {200,
         {{STR("x-ratelimit-remaining-requests"), STR("0")},
          {STR("x-ratelimit-reset-requests"), STR("1m30.5s")}},
         90500},
        {200,
         {{STR("x-ratelimit-remaining-requests"), STR("1")},
          {STR("x-ratelimit-reset-requests"), STR("6m0s")}},
         0},
        {429,
         {{STR("x-ratelimit-remaining-tokens"), STR("0")},
          {STR("x-ratelimit-reset-tokens"), STR("120ms")}},
         120},
        {429,
         {{STR("x-ratelimit-remaining-tokens"), STR("0")},
          {STR("x-ratelimit-reset-tokens"), STR("later")}},
         0},
        {200,
         {{STR("anthropic-ratelimit-output-tokens-remaining"), STR("0")},
          {STR("anthropic-ratelimit-output-tokens-reset"), STR("2026-11-23T10:00:42Z")}},
         42000},
        {200, {{STR("anthropic-ratelimit-tokens-remaining"), STR("0")}}, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t wait_ms = limits_wait_ms(cases[i].status, cases[i].rows, ROWS_MAX, now_us);

        if (wait_ms != cases[i].wait_ms)
            fail_msg("case %zu: %ju ms", i, (uintmax_t)wait_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_headers_say_is_waited_for)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
