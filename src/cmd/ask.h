/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking a running gateway: what status, ps and their like are made of.
 *
 *     return ask_and_show(argc, argv, "/admin/v1/ps", ps_write);
 *
 * The commands' options are --gateway URL and --json; the operator's key comes from TAMPU_KEY.
 */
#pragma once

#include <stdbool.h>

#include "wire/json.h"

enum { ANSWER_MAX = 16 << 20 };

/* The gateway that is asked where --gateway says no other. */
extern const char ask_default_url[];

/* The answer's body. Waits at most a few seconds. Negative errno and words that say what to do. */
MUST_USE int ask_gateway(struct buf *answer, const char *url, const char *target, struct err *err);

/* The same with a POST of that JSON: something is to be done. */
MUST_USE int ask_gateway_to(struct buf *answer, const char *url, const char *target,
                            struct str json, struct err *err);

/* What has no end: each piece of a 200's body as it comes, until the gateway ends it. What `fn`
 * returns below 0 ends it, too, and is returned with words. */
typedef int piece_fn(void *ctx, struct str piece);
MUST_USE int ask_gateway_on(const char *url, const char *target, piece_fn *fn, void *ctx,
                            struct err *err);

/* The same of an engine: a POST with that JSON, or a GET when there is none. No key is sent.
 * -ENOENT when it answers 404. */
MUST_USE int ask_engine(struct buf *answer, const char *url, const char *target, struct str json,
                        struct err *err);

/* What the answer says, for people. */
typedef int show_fn(struct buf *out, yyjson_val *root, bool colors);

/* A whole command: an exit status. */
int ask_and_show(int argc, char **argv, const char *target, show_fn *show);

/* The same about what the command's one operand names: it is put behind the target. */
int ask_about_and_show(int argc, char **argv, const char *target, show_fn *show);

/* Exported for their tests; missing members are shown as unknown, never an error. */
show_fn status_write, ps_write, why_write;
