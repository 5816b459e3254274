/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside alerts: what is remembered of each; shared by alerts.c, which decides, and alerts_keep.c,
 * which keeps it.
 */
#pragma once

#include "alert/alerts.h"

/* quiet → pending → firing ⇄ fading → quiet */
enum alert_state { STATE_quiet, STATE_pending, STATE_firing, STATE_fading };

/* A change is a version: odd while it fires, even when it is over. */
struct alert_told {
    uint32_t version, under_way;
    uint64_t at_ms;
};

struct alert_entry {
    enum alert kind;
    enum alert_state state;
    bool seen;
    uint64_t since_ms; /* of the state */
    uint64_t ended_ms; /* of the last time it fired */
    uint32_t version, flaps;
    int64_t began_us, ended_us;
    char subject[ALERT_SUBJECT_MAX], words[ALERT_WORDS_MAX];
    struct alert_told told[ALERT_CHANNELS_MAX];
    bool changed; /* in the last look */
};

struct alert_channel {
    bool is_busy, is_waiting;
    uint64_t due_ms; /* while it waits */
    uint32_t failures;
};

struct alerts {
    struct alert_rules rules;
    unsigned channel_count;
    struct alert_channel channels[ALERT_CHANNELS_MAX];
    struct alert_entry entries[ALERTS_MAX];
    size_t count;
    uint64_t now_ms, left_out;
    int64_t wall_us;
};

/* NULL: there is no room. */
struct alert_entry *alerts_add(struct alerts *a, enum alert kind, struct str subject);
