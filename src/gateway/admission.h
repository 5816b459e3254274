/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Admission: who may call what. Decided from the request's head and the endpoint's row, before a
 * byte of the body is read.
 *
 * A browser is an attacker: Host must be one of ours (against DNS rebinding), Origin must be the
 * same host, and what changes state takes JSON only, which no form can send, but for the endpoints
 * whose files travel in forms; what it marks as asked for by another site gets only what is for
 * anyone. Who asks through a proxy on this machine does not count as this machine. Credentials may
 * stand in Authorization, x-api-key, x-goog-api-key or ?key=; two that differ are refused.
 */
#pragma once

#include "base/failure.h"
#include "config/settings.h"
#include "http/server.h"
#include "store/keyring.h"

enum who {
    WHO_anyone,
    WHO_caller,
    WHO_operator,
    WHO_loopback,
};

/* What may be in the body. */
enum body_kind {
    BODY_json,
    BODY_form, /* multipart/form-data */
    BODY_either,
};

struct admission {
    enum failure why;            /* FAILURE_none: come in */
    const char *found;           /* words for why; a constant */
    const struct key_entry *key; /* NULL: none was needed */
};

/* Whether any key was given, right or wrong. */
bool admission_has_key(const struct request *r);

struct admission admission_check(const struct request *r, enum who who, enum body_kind body,
                                 const struct keyring *ring, const struct settings *settings,
                                 int64_t now_us);
