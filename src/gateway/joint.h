/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What several gateways count together: keys' limits and budgets in Valkey, on a request's path.
 *
 *     joint_open(&j, &parts, err);                    *ret NULL: gateway.shared is not set
 *     joint_reserve(j, &ask, &refusal);               an answer within 5 ms, or none
 *     joint_settle(j, &use);                          any thread; never waits
 *     joint_settle_late(j, &row);                     of a gateway that died, by the next one
 *     joint_close(j);                                 sends what waits, if it can be sent
 *
 * One thread of its own says that this gateway lives, sends what requests came to, and tells and
 * hears which machines fail (gateway/hearsay).
 */
#pragma once

#include "config/settings.h"
#include "gateway/hearsay.h"
#include "ledger/accounts.h"
#include "store/rows.h"
#include "store/shared.h"

struct joint;

enum joint_state {
    JOINT_not_asked, /* no shared limits */
    JOINT_reserved,
    JOINT_unanswered, /* let through, or to be refused: gateway.shared_policy */
    JOINT_unasked,    /* the same, and nothing is reserved there */
    JOINT_refused,
};

/* All must outlive it. */
struct joint_parts {
    const struct settings *settings;
    struct accounts *accounts;
    struct hearsay hearsay;
};

MUST_USE int joint_open(struct joint **ret, const struct joint_parts *parts, struct err *err);
void joint_close(struct joint *j);

/* After the gateway's own accounts have said yes. JOINT_refused: *ret says why. */
enum joint_state joint_reserve(struct joint *j, struct str key_id, struct str request_id,
                               const struct allowance *allowance, struct amount most,
                               const struct reservation *reservation, struct refusal *ret);

/* What a request came to that a gateway which died had reserved, or had settled already. */
void joint_settle_late(struct joint *j, const struct exchange_row *row);

void joint_settle(struct joint *j, struct str key_id, struct str request_id,
                  const struct allowance *allowance, const struct reservation *reservation,
                  struct amount used, enum joint_state state);
