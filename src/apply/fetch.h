/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bringing a blob from where it is published: once over the WAN, on from where the last try ended.
 *
 *     fetch_new(&f, &(struct fetch_request){loop, client, blob, url, &ceiling}, on_end, ctx, err);
 *     fetch_begin(f);
 *     fetch_cancel(f);                        at once; on_end is not called
 *
 * Redirects are followed, also to other hosts; connections that break and servers that are busy are
 * tried again, longer and longer apart, as long as each few tries bring something. The fetch claims
 * the blob and ends when all of it is there; whether the digest is right the shelf says later.
 * Everything happens on the loop, but for fetch_new(), and fetch_cancel() of what never began: any
 * thread may call these.
 */
#pragma once

#include <stdatomic.h>

#include "apply/ceiling.h"
#include "apply/shelf.h"
#include "http/client.h"

enum {
    FETCH_FRUITLESS_MAX = 6, /* tries in a row that bring nothing */
    FETCH_REDIRECTS_MAX = 5,
    FETCH_URL_MAX = 4096, /* presigned ones are long */
};

struct fetch;

struct fetch_request {
    struct loop *loop;
    struct client *client;
    struct blob *blob; /* borrowed until the end */
    struct str url;
    struct ceiling *ceiling;        /* may be NULL */
    atomic_uint_least64_t *brought; /* counts the bytes that came, until the end */
};

/* r: 0; -ENOENT it is not there; -EACCES; -EMSGSIZE it has another size; -ENOSPC, -EIO here;
 * -ETIMEDOUT nothing came any more; words say what was found. The fetch is gone when this is
 * called. */
typedef void fetch_fn(void *ctx, int r, const char *words);

/* 0; -EBUSY: somebody brings it, or it is here; -EINVAL: no such URL; -ENOMEM. */
MUST_USE int fetch_new(struct fetch **ret, const struct fetch_request *request, fetch_fn *on_end,
                       void *ctx, struct err *err);
void fetch_begin(struct fetch *f);
void fetch_cancel(struct fetch *f);
