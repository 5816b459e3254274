/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies: who decides where a request goes, as the simulator plays them.
 *
 *     policy = policy_find(STR("latency"));     NULL: there is none of that name
 *
 * tampu's own runs the very code of route/; the others do what the code of those they are named
 * after does (docs/internals/routing.md says which). A name may end in "+keep": the engines then
 * keep for ever what they have loaded (OLLAMA_KEEP_ALIVE=-1).
 */
#pragma once

#include "sim/stage.h"

/* What a policy hears. Requests are sent with stage_send() or given up with stage_lose(), now or
 * later. */
struct policy {
    const char *name, *what;
    void *(*open)(struct stage *s, const struct policy *self);
    void (*close)(void *p);
    void (*arrived)(void *p, struct asker *a);
    void (*began)(void *p, struct asker *a); /* its first token is there */
    void (*ended)(void *p, struct asker *a, enum asker_end how);
    void (*loaded)(void *p, uint32_t copy, bool is_loaded); /* what stage_load() came to */
    void (*tick)(void *p);                                  /* every second */
    const void *rule;                                       /* for a shared open() */
    bool relaxed; /* plays on a stage where everything is loaded: a reference, not a rival */
    bool forgets; /* nobody tells it the hour: it has no habits */
};

const struct policy *policy_find(struct str name);

/* All of them, the i-th; NULL at the end. */
const struct policy *policy_at(unsigned i);

extern const struct policy policy_tampu;
extern const struct policy policy_relaxed;
extern const struct policy policy_forgetful;
extern const struct policy policy_rivals[];
extern const unsigned policy_rivals_count;
