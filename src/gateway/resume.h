/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer that is cut in its middle, and goes on from another copy.
 *
 *     resume_reset(x);                   a new attempt: what the caller is given is noted
 *     resume_note(x, delta);
 *     if (the attempt failed, and part of its answer is with the caller)
 *         switch (resume_begin(x))
 *             RESUME_again: take the next candidate; its answer comes through resume_put()
 *             RESUME_whole: nothing was missing but the end, and that has been said
 *             RESUME_no:    the caller gets an error
 *
 * The copy is given what the caller has as the beginning of its answer. It must hold the same
 * artifact or its equal, and its template must leave the turn open (gateway/turns.h). What a
 * beginning cannot stand for does not go on: tool calls, several choices, an answer in JSON. What
 * was thought before a word was said is thought anew.
 *
 * What is kept of a request for this while its answer streams is bounded, for each and for all.
 */
#pragma once

#include "gateway/exchange.h"

enum resumed { RESUME_no, RESUME_again, RESUME_whole };

/* How much of an answer was noted, to go back to. */
struct resume_mark {
    size_t said, thought;
    uint32_t said_tokens, thought_tokens;
    enum finish finish;
};

/* A new attempt. Without memory, or where nobody wants it, the answer will not go on. */
void resume_reset(struct exchange *x);

/* What passes to the caller, and what after all did not. */
void resume_note(struct exchange *x, const struct delta *delta);
struct resume_mark resume_mark(const struct exchange *x);
void resume_go_back(struct exchange *x, struct resume_mark mark);

/* The request's body is to stay while the answer streams. */
bool resume_keeps_body(struct exchange *x);

/* After a failure that exchange_fail() was told, when the attempt has ended. */
enum resumed resume_begin(struct exchange *x);

/* Whether it has become far slower than its copy is known to be, and could go on on an idle one.
 */
bool resume_is_slow(struct exchange *x, uint64_t now_us);

/* An attempt before this one was cut; from here on only then: */
bool resume_is_on(const struct exchange *x);

/* The writer that has written what the caller has. 0, -ENOMEM. */
MUST_USE int resume_writer(struct exchange *x, const struct reply_shape *shape);

/* What the copy is asked, in the arena; NULL without memory. */
struct chat *resume_chat(struct exchange *x);

/* The sink of its answer. */
int resume_put(struct exchange *x, const struct delta *delta);

/* It does not go on: the failure that cut it is what the caller is told. */
void resume_give_up(struct exchange *x);

/* Also when nothing was cut. Attempts made for what the caller already has; whether the caller
 * takes trailers, and which machines came after the first, with commas. */
unsigned resume_attempts(const struct exchange *x);
bool resume_takes_trailers(const struct exchange *x);
int resume_put_machines(const struct exchange *x, struct buf *out);

/* What the caller used: the prompt counts once. */
struct usage resume_told(const struct exchange *x);

/* What the attempts that were cut have spent, as far as the last one said; one after the other
 * while it returns true. */
bool resume_cut(const struct exchange *x, unsigned index, const struct copy **copy,
                struct usage *usage);

void resume_free(struct exchange *x);
