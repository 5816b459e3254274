/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What everybody who watches is shown, made once for all of them.
 *
 *     live = live_new();
 *     live_look(live, gateway);                      makes it anew, at most every LOOK_MS
 *     live_put(live, TOPIC_map, &version, &out);     an event, when it is newer than that version
 *     live_free(live);
 *
 *     live_join(live, most), live_leave(live)         one more who watches, one less
 *
 * Nothing is made while nobody asks. Any thread.
 */
#pragma once

#include "gateway/gateway.h"

struct live;

enum { LOOK_MS = 400 };

enum topic { TOPIC_facts, TOPIC_status, TOPIC_ps, TOPIC_map, TOPIC_COUNT };

/* Aborts without memory: made at start. */
struct live *live_new(void);
void live_free(struct live *l);

/* False: so many watch already. */
bool live_join(struct live *l, unsigned most);
void live_leave(struct live *l);

/* 0 or -ENOMEM: then what was made before stays. */
MUST_USE int live_look(struct live *l, struct gateway *g);

/* "event: map\ndata: …\n\n" behind out when *version is not the newest, which it then becomes. 0 or
 * the error of out. */
MUST_USE int live_put(struct live *l, enum topic topic, uint64_t *version, struct buf *out);

/* The bare document, as a page. 0 or the error of out. */
MUST_USE int live_document(struct live *l, enum topic topic, struct buf *out);
