/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens at a gateway, as lines: what `tampu events` prints.
 *
 *     struct events e = {.as_json = false};
 *     events_add(&e, STR("status"), data, clock_wall_us(), &out);
 *     events_fini(&e);
 *
 * Names and data are those of /admin/v1/events. For people, documents become what changed in them
 * since the one before; as JSON, each event is an object on a line of its own. Pure.
 */
#pragma once

#include <stdbool.h>

#include "wire/json.h"

struct events {
    bool as_json;
    struct json status, ps; /* the newest, to tell what is new in the next */
    bool has_facts;
};

/* Lines behind out, or none. 0, -EBADMSG when data is no JSON, or the error of out. */
MUST_USE int events_add(struct events *e, struct str name, struct str data, int64_t now_us,
                        struct buf *out);

void events_fini(struct events *e);
