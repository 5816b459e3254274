/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenAI's endpoints for sound, images, ranking and moderation: their answers go through as they
 * came. openai.c puts these in beside the rest.
 */
#pragma once

#include "dialect/dialect.h"

struct form;

/* NULL: not a task of these. */
const char *openai_media_target(enum task task);

int openai_media_scan(struct ask *ret, enum task task, struct str body, struct err *err);
int openai_scan_form(struct ask *ret, enum task task, const struct form *form, struct err *err);

/* The reader of such an answer looks at nothing but the frames of a stream, its errors and its
 * usage: here at one event, or at the first bytes of anything else. */
int openai_take_passed(struct reader *r, struct str name, struct str data);
int openai_begin_passed(struct reader *r);

int openai_as_stream(struct buf *out, enum task task, struct str body);
