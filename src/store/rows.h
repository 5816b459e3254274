/* SPDX-License-Identifier: Apache-2.0 */
/* What a store keeps: keys, requests, sums of requests, measurements. Texts are borrowed UTF-8,
 * times UTC microseconds since 1970. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum { KEY_HASH_SIZE = 32, KEY_ID_SIZE = 16 };

enum key_role { KEY_caller, KEY_operator };

/* How a key's hash is made of its text. */
enum key_hash {
    KEY_HASH_pepper, /* HMAC-SHA-256 under the store's pepper: every key that tampu makes */
    KEY_HASH_sha256, /* plain SHA-256: keys that another gateway made */
};

/* A key as it is kept: never the key itself. Slices are borrowed. */
struct key_row {
    char id[KEY_ID_SIZE + 1]; /* random, names the key in commands: "k3f9…" */
    unsigned char hash[KEY_HASH_SIZE];
    enum key_hash hash_kind;
    struct str prefix, last4; /* "tampu-3fa9", "x7Qd": shown in lists */
    struct str name, owner;
    struct str rules; /* what it may do: JSON as store/rules.h reads it; empty: anything */
    enum key_role role;
    int64_t created_us, expires_us, revoked_us; /* 0: never */
    unsigned char old_hash[KEY_HASH_SIZE];      /* of before it was rotated, of the same kind, */
    int64_t old_until_us;                       /* ... good until then; 0: there is none */
};

/* That are not revoked. The keyring of a gateway has room for somewhat more: of two that are put at
 * the same moment both may see the last place. */
enum { STORE_KEYS_MAX = 100000 };

typedef int key_fn(void *ctx, const struct key_row *row);

/* One request, as `why` and `usage` read it. Slices are borrowed; texts beyond 256 bytes are cut.
 */
struct exchange_row {
    struct str id; /* the request id that the caller was told */
    int64_t started_us;
    struct str endpoint, asked, machine, model, parity, key_id;
    struct str failure; /* a name of tables/failures.def, "none" when there was none */
    int status;
    unsigned attempts;
    uint64_t prompt_tokens, completion_tokens;
    uint64_t cached_tokens;           /* of the prompt's */
    uint64_t money_micro;             /* what it cost, in millionths of a dollar */
    uint64_t avoided_micro;           /* what the cloud would have taken for it */
    uint64_t energy_mj;               /* millijoules, where the machine's watts are known */
    int64_t first_token_us, total_us; /* durations; -1: it never came */
};

typedef int exchange_fn(void *ctx, const struct exchange_row *row);

/* What sums are kept apart by. */
enum usage_by {
    USAGE_by_day = 1,
    USAGE_by_key = 2,
    USAGE_by_owner = 4,
    USAGE_by_model = 8,
    USAGE_by_machine = 16,
};

struct usage_query {
    int64_t from_us, until_us; /* requests that began in [from, until); days that are sums count
                                  whole, by where they begin */
    unsigned by;               /* of enum usage_by */
};

/* Sums of requests. What is not kept apart is empty, and day -1. */
struct usage_row {
    int64_t day; /* UTC days since 1970 */
    struct str key_id, key_name, owner, model, machine;
    uint64_t requests, failures;
    uint64_t prompt_tokens, cached_tokens, completion_tokens;
    uint64_t money_micro, avoided_micro, energy_mj;
};

typedef int usage_fn(void *ctx, const struct usage_row *row);

/* How fast a copy was measured to be, once. */
struct measurement_row {
    struct str machine, engine, artifact; /* as the fleet file names them */
    int64_t at_us;
    struct str found; /* JSON, as `tampu bench --json` says of one copy */
};

enum { MEASUREMENTS_KEPT = 50 }; /* of each copy, the newest */

typedef int measurement_fn(void *ctx, const struct measurement_row *row);

/* What is kept of requests. */
struct retention {
    int64_t
        rows_before_us;  /* rows before the first that began then or later become sums of days; */
    uint64_t rows_max;   /* ... so do the oldest beyond so many; */
    int64_t days_before; /* sums of earlier days are removed */
};
