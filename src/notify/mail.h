/* SPDX-License-Identifier: Apache-2.0 */
/* A mail through the machine's own sendmail: a program that takes a message on its standard
 * input. */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum { MAIL_MAX = 60 << 10 }; /* bytes: what a pipe takes at once */

/* Runs `program -oi -t`. 0 when it ended with status 0; -EPERM when TAMPU_LOOPBACK_ONLY forbids it;
 * -ETIMEDOUT: it was killed; -EPROTO: another status; else what the system said; all with words. */
MUST_USE int mail_send(const char *program, struct str message, uint32_t timeout_ms,
                       struct err *err);
