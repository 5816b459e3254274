/* SPDX-License-Identifier: Apache-2.0 */
/* What the dashboard reads beside the lists: /admin/v1/fleet, /map and /settings. */
#pragma once

#include "gateway/gateway.h"

/* Their ctx is a struct live. */
page_fn fleet_page, map_page;

page_fn settings_page;
