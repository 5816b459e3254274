/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tampu itself answers: lists of models, health, metrics, status.
 *
 *     web_pages(&options.pages);        fills the rows of tables/endpoints.def that are pages
 */
#pragma once

#include "gateway/gateway.h"

void web_pages(struct pages *pages);
