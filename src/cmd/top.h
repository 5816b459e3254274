/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `tampu top` shows, without a terminal: sheets made of a gateway's answers.
 *
 *     top_sheet(&grid, SHEET_machines, status, ps);
 *     top_head(line, sizeof line, status, &rate);
 *     top_details(&grid, "gtr9-pro", status, ps);
 *
 * The trees are what /admin/v1/status and /admin/v1/ps answer; what is missing there is shown as
 * unknown.
 */
#pragma once

#include "cmd/grid.h"
#include "wire/json.h"

enum sheet { SHEET_machines, SHEET_copies, SHEET_categories, SHEET_COUNT };

/* "machines" */
const char *sheet_name(enum sheet s);

/* Initialises the grid, which the caller ends. */
void top_sheet(struct grid *g, enum sheet sheet, yyjson_val *status, yyjson_val *ps);

/* One machine: its engines, then its copies. */
void top_details(struct grid *g, const char *machine, yyjson_val *status, yyjson_val *ps);

/* Requests of the last look, to know how many come in a second. */
struct top_rate {
    uint64_t total, at_us;
    double per_s; /* negative: not known yet */
};

/* "tampu 0.1.0 · homelab · up 2h · 1234 requests, 2 failed · 3.5/s" */
void top_head(char *out, size_t room, yyjson_val *status, struct top_rate *rate, uint64_t now_us);
