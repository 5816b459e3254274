/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `tampu plan` is told: the fleet, the questions, what is there, how much is asked.
 *
 *     if (!plan_input_read(&in, argc, argv, &status)) return status;
 *     plan_make(&plan, &in.wish, &err);
 *     plan_input_fini(&in);
 */
#pragma once

#include "cmd/option.h"
#include "cmd/today.h"
#include "plan/diff.h"
#include "plan/whatif.h"
#include "wire/json.h"

struct plan_input {
    struct options options;
    struct catalog *catalog;
    struct fleet *base, *other; /* as the file says; with what --what-if adds, or NULL */
    struct whatif what;
    bool has_what; /* anything is asked that is not as the file says */
    struct plan_wish base_wish, wish;
    struct presence presence, base_presence;
    struct arena arena; /* holdings and demand */
    char day[DAY_ROOM];
};

/* False: *status is the exit status, and what is wrong was said. */
bool plan_input_read(struct plan_input *in, int argc, char **argv, int *status);
void plan_input_fini(struct plan_input *in);

/* A file of JSON. 0, or negative with words. */
MUST_USE int plan_input_json(struct json *ret, const char *path, struct err *err);

/* --measured, else what the state holds: machines of that fleet that are slow are planned as
 * such. */
MUST_USE int plan_measured_read(struct plan_input *in, struct fleet *f, struct err *err);

/* Milliseconds; while a person waits, it also says so on stderr. */
uint64_t plan_clock_ms(void);
void plan_clock_done(void);
