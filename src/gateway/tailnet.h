/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks through `tailscale serve`, as its headers say: a person of the tailnet, and what that
 * person may do by the fleet file's `tailnet`.
 *
 *     tailnet_read(&rows, fleet, &arena, err);        a scene's rows
 *     admission = tailnet_check(&ask, who, body);     a request that came by
 * gateway.tailscale.socket
 *
 * Only that socket is believed: whoever may open it may say to be anybody, so it is open to the
 * gateway's own user and root alone. The same headers on any other listener give nothing. A key
 * that is sent counts instead of the person.
 */
#pragma once

#include "base/arena.h"
#include "fleet/fleet.h"
#include "gateway/admission.h"

struct tailnet_row {
    struct str login;     /* "ana@example.com", "*@example.com" */
    struct str key;       /* id of the key whose rights and account they have; empty: */
    struct key_entry own; /* ... the row's own rules, and one account for all of them */
};

struct tailnet {
    struct tailnet_row *rows;
    size_t count;
};

struct tailnet_ask {
    const struct request *request;
    const struct tailnet *tailnet;
    const struct keyring *ring;
    const struct settings *settings;
    int64_t now_us;
};

/* What was handed on by tailscale serve says so, also where that is not believed. */
bool tailnet_is_named(const struct request *r);

/* -EINVAL with the place of a rule that there is not; -ENOMEM. Texts are borrowed of the fleet. */
MUST_USE int tailnet_read(struct tailnet *ret, const struct fleet *fleet, struct arena *arena,
                          struct err *err);

/* The key that it names lives as long as the ring, or the rows. */
struct admission tailnet_check(const struct tailnet_ask *ask, enum who who, enum body_kind body);
