/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Videos, as OpenAI's API has them, made by engines that have an API of their own for it.
 *
 * Engines answer with the id of a job that is polled. sd-server's jobs and OpenAI's videos say the
 * same in other words; both are read here.
 */
#pragma once

#include "base/arena.h"
#include "dialect/ask.h"
#include "wire/json_out.h"

/* What is told of a video whatever the engine says. */
struct video_facts {
    struct str id, model, size;
    uint64_t seconds;
    int64_t created_s;
};

/* What was asked for: size and seconds, with what holds when they were not said. */
void video_read_wish(struct video_facts *ret, const struct ask *ask);

/* sd-server's request for it. -ENOTSUP with words, -ENOMEM, -EMSGSIZE. */
MUST_USE int video_write_job(struct buf *out, const struct ask *ask, struct err *err);

/* The engine's own id of it, a slice of the arena. -EBADMSG: there is none; -ENOMEM. */
MUST_USE int video_read_job(struct str *ret, struct str body, struct arena *arena);

/* The video object. -EBADMSG: the engine's answer says nothing of a video. */
MUST_USE int video_write_state(struct buf *out, const struct video_facts *facts, struct str body);

/* The file out of sd-server's job, and its type, a slice of the arena. -EAGAIN: it is not made yet;
 * -EBADMSG. */
MUST_USE int video_take_file(struct buf *out, struct str *ret_type, struct str body,
                             struct arena *arena);
