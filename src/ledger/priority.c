/* SPDX-License-Identifier: Apache-2.0 */
/* The classes of requests. */
#include "ledger/priority.h"

#include <math.h>

static const struct {
    const char *name;
    double weight, give_way_s;
} priorities[PRIORITY_COUNT] = {
#define PRIORITY(name, weight, give_way_s) {#name, weight, give_way_s},
#include "tables/priorities.def"
};

const char priority_words[] = "batch, normal or interactive";

bool priority_read(enum priority *ret, struct str word)
{
    for (enum priority p = 0; p < PRIORITY_COUNT; p++)
        if (str_is(word, priorities[p].name)) {
            *ret = p;
            return true;
        }
    return false;
}

const char *priority_name(enum priority p)
{
    return priorities[p].name;
}

double priority_weight(enum priority p)
{
    return priorities[p].weight;
}

double priority_give_way_s(enum priority p)
{
    return priorities[p].give_way_s;
}

enum priority priority_granted(enum priority own, enum priority wished, bool may_raise)
{
    return may_raise || priority_weight(wished) < priority_weight(own) ? wished : own;
}
