/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer of a copy costs: its price, what the cloud would take for it, its energy. */
#pragma once

#include "fleet/view.h"
#include "ledger/price.h"

/* All zero on a machine of the fleet. */
struct price tariff_price(const struct copy *copy);

/* What stands in for it in the cloud: the first cloud model with a price of the first category that
 * the copy meets. False: none does. */
bool tariff_cloud(const struct view *view, const struct copy *copy, struct price *ret);

/* Millijoules for so long: the machine's watts, as if it did nothing else; 0: they are not known.
 */
uint64_t tariff_energy_mj(const struct copy *copy, uint64_t us);
