/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What operators said of machines, and who did when: it outlives the process, beside the state.
 *
 *     d = duties_new(traffic, folder);                     what an earlier process was told
 *     duties_apply(d, now_ms);                             after each traffic_show()
 *     duties_say(d, machine, DUTY_drained, by, now_ms, wall_us);
 *     duties_find(d, machine, &said);                      who took it out of service?
 *     duties_keep(d);                                      now and then: what is new goes to the
 * disk
 *
 * A machine that the fleet file has lost for a while is taken out again when it is back. Any
 * thread; only duties_new(), duties_keep() and duties_free() touch the disk.
 */
#pragma once

#include "route/traffic.h"

struct duties;

enum { DUTY_BY_MAX = 96, DUTIES_MAX = 1024 };

struct duty {
    enum machine_duty duty;
    char by[DUTY_BY_MAX]; /* a key's name; empty: who needed none */
    int64_t since_us;     /* wall clock */
};

/* "serves", "cordoned", "drained" */
const char *duty_name(enum machine_duty duty);

/* folder: where they are kept; "": nowhere. NULL without memory. */
struct duties *duties_new(struct traffic *traffic, const char *folder);
void duties_free(struct duties *d);

void duties_apply(struct duties *d, uint64_t now_ms);

/* -ENOENT: the fleet file has no such machine; -ENOSPC: of DUTIES_MAX others it is said already. */
MUST_USE int duties_say(struct duties *d, struct str machine, enum machine_duty duty, struct str by,
                        uint64_t now_ms, int64_t wall_us);

/* False: it serves. */
bool duties_find(struct duties *d, struct str machine, struct duty *ret);

void duties_keep(struct duties *d);
