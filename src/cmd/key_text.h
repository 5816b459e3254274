/* SPDX-License-Identifier: Apache-2.0 */
/* A key as people and programs read it. */
#pragma once

#include "store/rows.h"
#include "wire/json_out.h"

enum { KEY_TIME_ROOM = 32 };

/* Members of an object that is open. */
void key_write(struct json_out *o, const struct key_row *row, int64_t now_us);

/* "good", "expired", "revoked" */
const char *key_state(const struct key_row *row, int64_t now_us);
const char *key_role_name(enum key_role role);

/* UTC, to the second: "2026-11-23T10:21:07Z"; "never" for 0. */
void key_time(char out[KEY_TIME_ROOM], int64_t us);
