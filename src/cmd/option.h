/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command's options and operands, read as tables/options.def and commands.def say.
 *
 *     if (!options_read(&o, argc, argv, &status))
 *         return status;                         --help was printed, or what is wrong
 *     url = option_value(&o, "gateway");         NULL: not given
 *     if (option_given(&o, "json")) …
 *     fleet = o.operands[0];
 *
 * --name VALUE, --name=VALUE, flags; `--` ends the options. The last of two wins, unless all are
 * asked for one by one. Everything is borrowed from argv.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

enum {
    OPERANDS_MAX = 16,
    VALUES_MAX = 64, /* options given, repeated ones too */
    OPTIONS_MAX = 0
#define OPTION(command, name, argument, what) +1
#include "tables/options.def"
};

/* For options without a row: a setting, say. -ENOENT: not known here either; other failures are
 * told with the words in err. */
typedef int option_fn(void *ctx, struct str name, struct str value, struct err *err);

struct options {
    option_fn *other; /* set before options_read(), or NULL */
    void *ctx;

    const char *command;
    const char *values[OPTIONS_MAX]; /* by row */
    struct option_given {
        size_t row;
        const char *value;
    } given[VALUES_MAX]; /* in the order of argv */
    size_t given_count;
    const char *operands[OPERANDS_MAX];
    size_t operand_count;
};

/* `other` and `ctx` are kept, everything else is overwritten. */
bool options_read(struct options *o, int argc, char **argv, int *status);

/* The row must exist: asking for another is a bug. */
const char *option_value(const struct options *o, const char *name);
bool option_given(const struct options *o, const char *name);

/* The value that was given first, second …; NULL behind the last. */
const char *option_value_at(const struct options *o, const char *name, size_t index);
