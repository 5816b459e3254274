/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carrying out the fleet file from the dashboard: /admin/v1/plan looks and says what would change
 * and what that costs, /admin/v1/apply does it. Looking asks every engine, so both run on threads
 * of their own; one at a time.
 *
 *     c = carrier_new(settings, store_url);      the pages' ctx
 *     carrier_free(c);
 *
 * What a step does and how it is resumed is apply/apply's.
 */
#pragma once

#include "gateway/gateway.h"

struct carrier;

/* settings must outlive it. Aborts without memory: made at start. */
struct carrier *carrier_new(const struct settings *settings, struct str store_url);

/* Does not wait for what is being carried out: the program ends, and the next apply goes on. */
void carrier_free(struct carrier *c);

page_fn plan_page, plan_begin_page, apply_page, apply_begin_page;
