/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every store must do: one suite, run for each driver.
 *
 * A driver's test defines nothing but where its stores live: suite_setup() makes an empty folder,
 * suite_url names the store in it; or suite_empty() empties the store that suite_url names.
 */
#pragma once

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/keyring.h"
#include "store/store.h"

static char suite_folder[64], suite_path[128], suite_url[160];
static struct err suite_err;
static void (*suite_empty)(void); /* of a driver whose stores are no files */

static inline int suite_setup(void **state)
{
    (void)state;
    snprintf(suite_folder, sizeof suite_folder, "/tmp/tampu-store-XXXXXX");
    assert_non_null(mkdtemp(suite_folder));
    suite_err = (struct err){0};
    if (suite_empty) {
        suite_empty();
        return 0;
    }
    snprintf(suite_path, sizeof suite_path, "%s/state/tampu.db", suite_folder);
    snprintf(suite_url, sizeof suite_url, "sqlite:%s", suite_path);
    return 0;
}

static inline int suite_remove_one(const char *path, const struct stat *unused, int kind,
                                   struct FTW *ftw)
{
    (void)unused, (void)kind, (void)ftw;
    return remove(path);
}

static inline int suite_teardown(void **state)
{
    (void)state;
    return nftw(suite_folder, suite_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline struct store *suite_open(void)
{
    struct store *s = NULL;

    if (store_open(&s, str_from(suite_url), &suite_err) < 0)
        fail_msg("%s", suite_err.text);
    return s;
}

static inline struct key_row suite_key(const char *id, const char *name, unsigned char hash)
{
    struct key_row row = {
        .prefix = STR("tampu-abcd"),
        .last4 = STR("wxyz"),
        .name = str_from(name),
        .owner = STR("ana"),
        .role = KEY_operator,
        .created_us = 1000 + hash,
        .expires_us = 5000,
        .rules = STR("{\"parallel\":3}"),
        .hash_kind = KEY_HASH_sha256,
    };

    snprintf(row.id, sizeof row.id, "%s", id);
    memset(row.hash, hash, sizeof row.hash);
    return row;
}

static inline void suite_put_key(struct store *s, const char *id, const char *name,
                                 unsigned char hash)
{
    struct key_row row = suite_key(id, name, hash);

    assert_int_equal(store_key_put(s, &row, &suite_err), 0);
}

static inline int suite_count_key(void *ctx, const struct key_row *row)
{
    (void)row;
    ++*(int *)ctx;
    return 0;
}

static inline int suite_keys(struct store *s)
{
    int count = 0;

    assert_int_equal(store_key_each(s, suite_count_key, &count, &suite_err), 0);
    return count;
}

static inline struct exchange_row suite_exchange(const char *id, int64_t started_us)
{
    return (struct exchange_row){
        .id = str_from(id),
        .started_us = started_us,
        .endpoint = STR("openai_chat"),
        .asked = STR("xl-code"),
        .machine = STR("gtr9-pro"),
        .model = STR("qwen2.5-coder:32b"),
        .parity = STR("identical"),
        .key_id = STR("k1"),
        .failure = STR("none"),
        .status = 200,
        .attempts = 2,
        .prompt_tokens = 12,
        .completion_tokens = 34,
        .cached_tokens = 5,
        .money_micro = 1500,
        .avoided_micro = 2500,
        .energy_mj = 3500,
        .first_token_us = 56,
        .total_us = 78,
    };
}

static inline void suite_put_exchange(struct store *s, const char *id, int64_t started_us)
{
    struct exchange_row row = suite_exchange(id, started_us);

    assert_int_equal(store_exchange_put(s, &row, 1, &suite_err), 0);
}

static inline int suite_any_exchange(void *ctx, const struct exchange_row *row)
{
    (void)ctx, (void)row;
    return 0;
}

static inline int suite_has(struct store *s, const char *id)
{
    int r = store_exchange_find(s, str_from(id), suite_any_exchange, NULL, &suite_err);

    assert_true(r == 0 || r == -ENOENT);
    return r == 0;
}
