/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the report: the greedy plan, and counting loads. */
#pragma once

#include "plan/certificate.h"
#include "plan/declared.h"

/* Every machine for itself: for each category the largest model that fits whole. */
int greedy_make(struct declared **ret, const struct plan_wish *wish);

/* Loads of models on all machines, while requests come by chance as often as demand says and each
 * goes to who serves its category. */
double loads_a_day(const struct plan *plan, const struct certificate *certificate, unsigned days);

extern const char report_notes[];
