/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tampu itself answers: lists of models, health, metrics, status.
 *
 *     web_pages(&options.pages, settings, store_url);     fills the rows of tables/endpoints.def
 *     web_close(&options.pages);        when the gateway is closed
 */
#pragma once

#include "dialect/dialect.h"
#include "gateway/gateway.h"

/* settings must outlive the pages. Aborts without memory: made at start. */
void web_pages(struct pages *pages, const struct settings *settings, struct str store_url);
void web_close(struct pages *pages);

/* A page that cannot be given: counts it, writes the error in that dialect, returns its status. */
int page_failure(const struct page_request *r, struct buf *out, enum dialect_id dialect,
                 enum failure why, struct str found);
