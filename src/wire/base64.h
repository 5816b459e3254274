/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 (RFC 4648), as embeddings and images travel.
 *
 *     base64_put(&out, bytes);
 *     if (base64_take(&out, text) < 0)
 *         -EBADMSG: not base64; out is as before
 *
 * Strict: padding where it belongs, no spaces, no line ends. Pure.
 */
#pragma once

#include "base/buf.h"

/* -ENOMEM, -EMSGSIZE. */
MUST_USE int base64_put(struct buf *out, struct str bytes);
MUST_USE int base64_take(struct buf *out, struct str text);
