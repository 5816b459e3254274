/* SPDX-License-Identifier: Apache-2.0 */
/* /admin/v1/status and /admin/v1/ps: what is up, what is loaded, where. */
#pragma once

#include "gateway/gateway.h"

page_fn status_page, ps_page;
