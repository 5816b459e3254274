/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON written piece by piece; commas are set here, and the first error sticks.
 *
 *     struct json_out o = {.out = &body};
 *     json_open(&o, '{');
 *     json_text(json_key(&o, "model"), model);
 *     json_bool(json_key(&o, "stream"), true);
 *     json_close(&o, '}');
 *     return o.error;                        0, -EMSGSIZE or -ENOMEM
 *
 * After an error nothing more is written. What is open must be closed by the caller. Pure.
 */
#pragma once

#include "wire/json.h"

struct json_out {
    struct buf *out;
    int error;
    bool comma; /* something stands before: the next value needs one */
};

/* Both return o, so that the value can be written around the call. The first takes a plain word of
 * ours, with nothing in it that JSON escapes; the second takes anything. */
struct json_out *json_key(struct json_out *o, const char *key);
struct json_out *json_key_str(struct json_out *o, struct str key);

void json_open(struct json_out *o, char bracket);
void json_close(struct json_out *o, char bracket);
void json_text(struct json_out *o, struct str s);
void json_joined(struct json_out *o, struct str first, struct str second); /* one string */
void json_number(struct json_out *o, uint64_t value);
void json_double(struct json_out *o, double value);
void json_bool(struct json_out *o, bool value);
void json_value(struct json_out *o, yyjson_val *value);

/* JSON text as it is: null, or what was written elsewhere. */
void json_raw(struct json_out *o, struct str text);
