/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One look at the gateway: what is wrong now goes into alerts.
 *
 *     struct look look = {.gateway = g, .settings = s, .state_folder = folder};
 *     look_around(&look, alerts, wall_us);      between alerts_begin() and alerts_end()
 *     look_fini(&look);
 *
 * The certificate of the fleet is made anew only when an engine came or went.
 */
#pragma once

#include "alert/alerts.h"
#include "gateway/gateway.h"

struct look {
    struct gateway *gateway;
    const struct settings *settings;
    const char *state_folder; /* empty: none */

    /* Its own: of the last look. */
    struct scene *scene; /* referenced */
    bool *up;            /* each engine */
    bool *uncovered;     /* each category */
};

void look_around(struct look *l, struct alerts *a, int64_t wall_us);
void look_fini(struct look *l);
