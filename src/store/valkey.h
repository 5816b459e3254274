/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection to Valkey or Redis whose every answer comes by a deadline, or not at all.
 *
 *     valkey_open(&v, STR("redis://127.0.0.1:6379/0"), err);       looks at the URL; connects later
 *     r = valkey_call(v, argc, argv, lengths, deadline_us, &reply);
 *     freeReplyObject(reply);
 *     valkey_close(v);
 *
 * An answer that is late is waited for by the next call, which goes on with the same connection
 * once it is there; one that does not come (VALKEY_OWED_MS), and any failure, ends the connection:
 * it is made anew at the next call. Who has waited in vain, or failed, lets calls fail at once for
 * VALKEY_REST_MS. What was sent may have been done or not. One thread at a time.
 */
#pragma once

#include <hiredis/hiredis.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/str.h"

struct valkey;

enum { VALKEY_REST_MS = 100, VALKEY_OWED_MS = 3000 };

/* "redis://HOST:PORT/NUMBER", "valkey://…", or unix:PATH; the password, if one is needed, in
 * TAMPU_VALKEY_PASSWORD. -EINVAL, -EPERM (the door, net/door.h), -ENOMEM. */
MUST_USE int valkey_open(struct valkey **ret, struct str url, struct err *err);
void valkey_close(struct valkey *v);

/* deadline_us: of the monotonic clock. An error that the server says is *ret, too. -ENOTCONN:
 * nothing was sent; -ETIMEDOUT, -EIO: it may have been done. */
MUST_USE int valkey_call(struct valkey *v, int argc, const char **argv, const size_t *lengths,
                         uint64_t deadline_us, redisReply **ret);
