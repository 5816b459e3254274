/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Videos that are being made somewhere: asked for in one request, looked at and fetched in others.
 *
 * Nothing is kept: the id that the caller gets says itself which copy makes the video, under a seal
 * that nobody but this gateway (or one that shares its state) can make. So it outlives a restart,
 * and it is good for the key that asked for it only.
 */
#pragma once

#include "gateway/exchange.h"

/* A request about a video: who makes it becomes the only candidate. FAILURE_none, or unknown_video
 * or no_candidate with words. */
enum failure video_find(struct exchange *x, struct err *err);

/* The path at that engine, written; -ENOMEM. And the body of a request for a video: FAILURE_none
 * with *count pieces, or why not. */
MUST_USE int video_write_target(struct exchange *x, struct buf *out);
enum failure video_write_body(struct exchange *x, size_t *count);

/* Is this attempt's body made by video_write_body()? */
bool video_has_body(const struct exchange *x);

/* The engine's whole answer becomes the caller's. FAILURE_none, or what it says of the engine. */
enum failure video_answer(struct exchange *x);

/* Is it about a video that was asked for before? */
bool video_is_asked_about(enum task task);
