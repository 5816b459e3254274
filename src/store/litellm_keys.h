/* SPDX-License-Identifier: Apache-2.0 */
/* A key of LiteLLM's, as its database has it, and as ours. Pure; inside the import of its books. */
#pragma once

#include "store/rows.h"

/* Numbers that are not there are -1. Slices are borrowed. */
struct litellm_key {
    struct str token; /* SHA-256 of the key, in hexadecimal */
    struct str alias, masked, user, team;
    struct str models;              /* "gpt-4o,claude"; empty: all */
    struct str duration;            /* "30d"; empty: for ever */
    int64_t expires_us, created_us; /* 0: never */
    int64_t requests_per_minute, tokens_per_minute, parallel;
    int64_t budget_micro, spent_micro;
    bool is_blocked;
};

/* The row's texts stand here and in the key. */
struct litellm_key_made {
    struct key_row row;
    char rules[4096];
    char words[600]; /* what is not as it was; "exact" when nothing is */
    bool is_exact;
};

/* 0, or -EINVAL with words: it has no hash, or more names than fit. */
int litellm_key_read(struct litellm_key_made *ret, const struct litellm_key *key, int64_t now_us);

/* The id that a key with that hash gets, always the same; empty when it is no hash. */
void litellm_key_id(char out[KEY_ID_SIZE + 1], struct str token);
