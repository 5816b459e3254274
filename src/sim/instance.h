/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON value that a schema allows, and the dice it is drawn with. Pure. */
#pragma once

#include "wire/json_out.h"

/* type, enum, const, properties, items, anyOf and minimum are respected. The first string is *text
 * when that is not empty; it is then empty. */
void instance_write(struct json_out *o, yyjson_val *schema, struct str *text, uint64_t seed);

/* The next number of a sequence that *state begins. */
uint64_t dice_draw(uint64_t *state);
struct str dice_word(uint64_t *state);
