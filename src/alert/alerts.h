/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong, and what each channel is still to be told of it.
 *
 *     a = alerts_new(&rules, channels);
 *     alerts_begin(a, now_ms, wall_us);                every look: what is wrong now, and only that
 *     alerts_see(a, ALERT_machine_down, name, words);
 *     alerts_end(a);
 *     count = alerts_due(a, channel, now_ms, rows);    0: nothing now
 *     … tell them as one notice …
 *     alerts_told(a, channel, was_it_taken, now_ms);
 *
 * Something must be wrong for hold_ms before it fires, and right for as long before it is over;
 * what comes back within the hour must be right for longer each time, so that what flaps is told
 * once. A channel is not sent messages from a queue: it is told of every change it has not taken
 * yet, together. So an outage of the receiver loses nothing, and nothing grows meanwhile. Pure:
 * time is handed in. Not thread-safe.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

struct json_out;

enum {
    ALERTS_MAX = 512, /* things that may be wrong at once */
    ALERT_CHANNELS_MAX = 4,
    ALERT_ROWS_MAX = 40, /* in one notice; the rest follows in the next */
    ALERT_SUBJECT_MAX = 160,
    ALERT_WORDS_MAX = 320,
    ALERT_RETRY_MS = 5000, /* after the first failure; doubles up to: */
    ALERT_RETRY_MAX_MS = 300000,
    ALERT_FLAP_MS = 3600000,
};

enum alert {
#define ALERT(name, ...) ALERT_##name,
#include "tables/alerts.def"
    ALERT_COUNT
};

struct alert_kind {
    const char *name, *severity;
    uint32_t patience;
    const char *title, *todo;
};

extern const struct alert_kind alert_kinds[ALERT_COUNT];

struct alert_rules {
    uint64_t hold_ms;   /* times the kind's patience */
    uint64_t group_ms;  /* from the first change to the notice: what fails together comes in one */
    uint64_t repeat_ms; /* a reminder of what is still wrong; 0: none */
};

/* What a notice says of one alert. */
struct alert_row {
    enum alert kind;
    bool is_over;
    const char *subject, *words; /* live until the next alerts_begin() */
    int64_t began_us, ended_us;  /* wall clock; ended 0: not over */
};

struct alerts;

/* Aborts without memory: made at start. */
struct alerts *alerts_new(const struct alert_rules *rules, unsigned channels);
void alerts_free(struct alerts *a);

void alerts_begin(struct alerts *a, uint64_t now_ms, int64_t wall_us);
/* Longer texts are cut. Beyond ALERTS_MAX what is new is left out, and counted. */
void alerts_see(struct alerts *a, enum alert kind, struct str subject, struct str words);
void alerts_end(struct alerts *a);

/* Once for each alert that fired or ended in the last look. */
typedef void alert_changed_fn(void *ctx, const struct alert_row *row);
void alerts_each_change(const struct alerts *a, alert_changed_fn *fn, void *ctx);

/*
 * What has fired, and who was told of it, as JSON; and back into fresh alerts, so that a restart
 * tells nobody twice, and who was told that something is wrong is told that it is over. Channels go
 * by their names, in the order of their numbers. Text that
 * cannot be read is passed over.
 */
void alerts_write(const struct alerts *a, const char *const *channels, struct json_out *o);
void alerts_recall(struct alerts *a, const char *const *channels, struct str text, uint64_t now_ms,
                   int64_t wall_us);

/* What fires now, of that kind or (ALERT_COUNT) of all. */
size_t alerts_firing(const struct alerts *a, enum alert kind);
/* The same as rows, most urgent first; at most max of them. */
size_t alerts_list(const struct alerts *a, struct alert_row *rows, size_t max);
uint64_t alerts_left_out(const struct alerts *a);

/* Rows that the channel is to be told now, most urgent first. One notice at a time: 0 until
 * alerts_told() has said what became of the last. */
size_t alerts_due(struct alerts *a, unsigned channel, uint64_t now_ms,
                  struct alert_row rows[static ALERT_ROWS_MAX]);
void alerts_told(struct alerts *a, unsigned channel, bool taken, uint64_t now_ms);
