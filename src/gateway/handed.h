/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream that was handed over to a module: the STREAM rows of tables/endpoints.def.
 *
 *     h = handed_new(w, stream, request, id);      the row's streamer begins
 *     handed_on_…(h, …)                            what the server says, passed on
 *     handed_drain(w); handed_leave(w);            the worker ends
 */
#pragma once

#include "gateway/worker.h"

struct handed; /* its first member is VISIT_stream; gone after handed_on_gone() */

/* NULL: no memory. */
struct handed *handed_new(struct worker *w, struct stream *s, const struct request *r,
                          enum endpoint_id id);
void handed_on_body(struct handed *h, struct str chunk);
void handed_on_body_end(struct handed *h);
void handed_on_writable(struct handed *h);
void handed_on_gone(struct handed *h);

/* Tells every stream of the worker that it should end. */
void handed_drain(struct worker *w);

/* Every streamer lets go of the worker's loop and client. */
void handed_leave(struct worker *w);
