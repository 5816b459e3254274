/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Priorities: how urgent a key's requests are, or one of them (tables/priorities.def).
 *
 *     if (priority_read(&wished, STR("batch")))
 *         p = priority_granted(rules->priority, wished, rules->may_raise);
 *     weight = priority_weight(p);
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

enum priority {
#define PRIORITY(name, weight, give_way_s) PRIORITY_##name,
#include "tables/priorities.def"
    PRIORITY_COUNT
};

/* In the words of a 400. */
extern const char priority_words[];

/* False: there is none of that name. */
bool priority_read(enum priority *ret, struct str word);

/* "batch" */
const char *priority_name(enum priority p);

/* What a second of its callers counts against the others'. */
double priority_weight(enum priority p);

/* After so many seconds in line it gives way to those who have not waited so long. */
double priority_give_way_s(enum priority p);

/* Of a request that would like to be of another class than its key: what is less urgent is
 * granted, what is more urgent only to who may. */
enum priority priority_granted(enum priority own, enum priority wished, bool may_raise);
