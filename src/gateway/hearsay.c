/* SPDX-License-Identifier: Apache-2.0 */
/* Which machines fail, as gateways tell each other. */
#include "gateway/hearsay.h"

#include "base/buf.h"
#include "base/log.h"
#include "net/clock.h"
#include "route/traffic_hints.h"

static shared_words_fn hear;

void hearsay_exchange(const struct hearsay *h, struct shared *s, uint64_t deadline_us)
{
    struct buf mine;

    buf_init(&mine, SHARED_WORDS_MAX);
    if (traffic_write_hints(h->traffic, &mine, clock_monotonic_us() / 1000) == 0)
        (void)!shared_exchange(s, buf_str(&mine), hear, (void *)h, deadline_us);
    buf_fini(&mine);
}

static void hear(void *ctx, struct str words)
{
    const struct hearsay *h = ctx;
    enum hint_kind kind;
    struct str name;

    for (int i = 0; i < HINTS_MAX && hint_read(&words, &kind, &name); i++) {
        struct str kind_name = str_from(hint_name(kind));

        if (!traffic_hear_hint(h->traffic, kind, name, clock_monotonic_us() / 1000))
            continue;
        series_add(stats_series(h->stats, COUNTER_hints_total, &kind_name), 1);
        log_event(EVENT_hint, clock_wall_us(),
                  (struct log_field[]){LOG_STR("kind", kind_name), LOG_STR("name", name), LOG_END});
        log_flush();
    }
}
