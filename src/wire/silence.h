/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second of silence, as a form that asks for its transcript: what engines that listen are asked
 * to show that they do.
 *
 *     silence_write_form(&body, STR("whisper-large-v3"));     sent with the type SILENCE_TYPE
 */
#pragma once

#include "base/buf.h"

#define SILENCE_BOUNDARY "tampu-silence"
#define SILENCE_TYPE     "multipart/form-data; boundary=" SILENCE_BOUNDARY

/* 0, -ENOMEM, -EMSGSIZE: about 32 KB. */
MUST_USE int silence_write_form(struct buf *out, struct str model);
