/* SPDX-License-Identifier: Apache-2.0 */
/* POST /admin/v1/machines/NAME/cordon, drain or uncordon: what an operator says of a machine. */
#pragma once

#include "gateway/gateway.h"

page_fn machine_page;
