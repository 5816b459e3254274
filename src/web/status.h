/* SPDX-License-Identifier: Apache-2.0 */
/* /admin/v1/status and /admin/v1/ps: what is up, what is loaded, where. */
#pragma once

#include "gateway/gateway.h"
#include "wire/json_out.h"

page_fn status_page, ps_page;

/* The same documents. is_steady: without what grows by itself, so that two that say the same are
 * the same. */
void status_document(struct json_out *o, const struct page_request *r, bool is_steady);
void ps_document(struct json_out *o, const struct page_request *r, bool is_steady);
