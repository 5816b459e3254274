/* SPDX-License-Identifier: Apache-2.0 */
/* /admin/v1/requests: the last requests, those under way too. */
#pragma once

#include "gateway/gateway.h"
#include "gateway/recent.h"
#include "wire/json_out.h"

page_fn requests_page;

void request_write(struct json_out *o, const struct recent_row *row);
