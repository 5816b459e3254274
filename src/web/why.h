/* SPDX-License-Identifier: Apache-2.0 */
/* GET /admin/v1/why/ID: the decision about one request. */
#pragma once

#include "gateway/gateway.h"

page_fn why_page;
