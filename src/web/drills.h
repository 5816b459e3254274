/* SPDX-License-Identifier: Apache-2.0 */
/* /admin/v1/drills: what drills have proven; begins one. */
#pragma once

#include "gateway/gateway.h"

page_fn drills_page, drills_begin_page;
