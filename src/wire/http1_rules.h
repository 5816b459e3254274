/* SPDX-License-Identifier: Apache-2.0 */
/* What a complete head must hold to: first line, framing, Host, target. Inside wire/http1 only. */
#pragma once

#include "wire/http1.h"

/* The first line with its CR LF: method, target and version, or version and status. */
bool http1_read_request_line(struct http1 *h, struct str line);
bool http1_read_status_line(struct http1 *h, struct str line);

/* h->target and h->method are taken from the line, which must not move any more. Fills what follows
 * from the headers (path, host, content_length, keep_alive …). False: h->wrong and h->words are
 * set. */
bool http1_check_request(struct http1 *h);
bool http1_check_response(struct http1 *h);

/* Returns false, for `return http1_refuse(…)`. */
bool http1_refuse(struct http1 *h, int status, const char *words);
