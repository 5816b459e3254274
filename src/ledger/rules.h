/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a key may do: limits, names, machines, dialects; the JSON text that stores keep of it.
 *
 *     rules_read(&rules, text, &arena, err);      an empty text: anything
 *     allowance = rules_allowance(&rules);        its limits, as account_reserve() wants them
 *     rules_list_has(rules.machines, name)
 *
 * The rows are tables/key_rules.def. Pure. A rule that this program does not know is an error: a
 * limit that is not understood must not be passed over.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "ledger/allowance.h"
#include "ledger/priority.h"

typedef uint64_t rule_count;
typedef uint64_t rule_money;
typedef bool rule_flag;
typedef struct str rule_list; /* "a,b"; empty: all */
typedef enum priority rule_priority;

struct rules {
#define KEY_RULE(field, kind, option, argument, words) rule_##kind field;
#include "tables/key_rules.def"
};

extern const struct rules rules_none; /* limits nothing */

/* Texts live in the arena. -EINVAL with words; -ENOMEM. */
MUST_USE int rules_read(struct rules *ret, struct str text, struct arena *arena, struct err *err);

/* The rules that are not as in rules_none, as JSON; nothing when all are. */
MUST_USE int rules_write(struct buf *out, const struct rules *rules);

/* By the option's name ("tokens-per-day"), as a person writes it; the text is borrowed. -ENOENT,
 * -EINVAL with words. */
MUST_USE int rules_set(struct rules *rules, struct str option, struct str text, struct err *err);

/* The rule of that row as a person reads it ("5.50", "a,b"), nothing when it is not said; false
 * behind the last row. */
bool rules_show(const struct rules *rules, size_t row, const char **ret_option, struct buf *out);

struct allowance rules_allowance(const struct rules *rules);

/* Does any item match? * and ? are wildcards; an empty list matches everything. */
bool rules_list_has(struct str list, struct str name);
