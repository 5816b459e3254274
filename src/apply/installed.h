/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tampu itself has put onto machines: a journal beside the state, so that a killed apply goes
 * on, and only what was put there is ever taken away.
 *
 *     installed_open(&i, "/var/lib/tampu/apply", err);
 *     installed_note(i, INSTALLED_begun, machine, engine, name, err);    on the disk when it
 * returns if (installed_has(i, machine, engine, name)) … installed_close(i);
 *
 * Any thread may call.
 */
#pragma once

#include "base/auto.h"
#include "base/err.h"
#include "base/str.h"

struct installed;

enum installed_mark {
    INSTALLED_begun, /* this name is about to come onto that engine */
    INSTALLED_gone,  /* it was taken away again */
};

struct installed_name {
    struct str machine, engine, name;
};

typedef int installed_fn(void *ctx, const struct installed_name *name);

MUST_USE int installed_open(struct installed **ret, const char *folder, struct err *err);
void installed_close(struct installed *i);
static inline void installed_free(struct installed *i)
{
    installed_close(i);
}
AUTO_FREE(installed)

/* -ENOSPC and the like: it may not be believed. */
MUST_USE int installed_note(struct installed *i, enum installed_mark mark,
                            const struct installed_name *name, struct err *err);

bool installed_has(struct installed *i, const struct installed_name *name);

/* All that are there, in the order they came. A negative result stops, and is returned. */
int installed_each(struct installed *i, installed_fn *fn, void *ctx);
