/* SPDX-License-Identifier: Apache-2.0 */
/* What traffic is made of, inside traffic*.c only. */
#pragma once

#include <pthread.h>

#include "route/traffic.h"

struct traffic {
    pthread_mutex_t lock;
    struct breaker_rules rules;
    struct places_kept kept;
    struct board *board;        /* NULL until a fleet was shown */
    struct copy_place **places; /* of its copies */
    struct line *line;
    struct link known; /* all that wait or run */
    struct waiter *asking;
    struct orders *orders; /* of the tick under way */
    uint64_t ids;
    uint64_t now_ms; /* the latest that anybody said: loops do not agree to the millisecond */
};

/* Takes the lock. Time goes forward only: ages are differences. */
uint64_t traffic_enter(struct traffic *t, uint64_t now_ms);

/* Among those that wait or run, who outlive a reload; and not any more. */
void traffic_know(struct traffic *t, struct waiter *w);
void traffic_forget(struct waiter *w);
