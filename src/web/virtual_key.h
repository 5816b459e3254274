/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, rows and models in the words of a LiteLLM proxy, to and from ours. */
#pragma once

#include "fleet/view.h"
#include "ledger/price.h"
#include "ledger/rules.h"
#include "store/rows.h"
#include "wire/json_out.h"

struct virtual_key {
    struct arena arena;
    struct buf rules_text; /* as a store keeps it */
    struct rules rules;
    struct str alias, owner;
    int64_t expires_us;
};

/* The body of /key/generate. -EINVAL with words: also for what would limit the key and is no rule
 * here; -ENOMEM. virtual_key_fini() either way. */
MUST_USE int virtual_key_read(struct virtual_key *ret, struct str body, int64_t now_us,
                              struct err *err);
void virtual_key_fini(struct virtual_key *key);

/* Members of an open object. */
void virtual_key_write(struct json_out *o, const struct key_row *row, const struct rules *rules,
                       uint64_t spent_micro);
void litellm_log_write(struct json_out *o, const struct exchange_row *row);
void litellm_model_write(struct json_out *o, struct str name, const struct copy *copy,
                         const struct price *price);
