/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tampu itself answers: lists of models, health, metrics, status.
 *
 *     web_pages(&options.pages);        fills the rows of tables/endpoints.def that are pages
 */
#pragma once

#include "dialect/dialect.h"
#include "gateway/gateway.h"

void web_pages(struct pages *pages);

/* A page that cannot be given: counts it, writes the error in that dialect, returns its status. */
int page_failure(const struct page_request *r, struct buf *out, enum dialect_id dialect,
                 enum failure why, struct str found);
