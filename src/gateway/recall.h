/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last requests of before: who watches a gateway that was started again sees them, too.
 *
 *     recall_requests(recent, store_url, err);      before anybody asks
 */
#pragma once

#include "base/err.h"
#include "gateway/recent.h"

MUST_USE int recall_requests(struct recent *recent, struct str store_url, struct err *err);
