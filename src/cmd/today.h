/* SPDX-License-Identifier: Apache-2.0 */
/* The day, as facts that expire are judged by it. */
#pragma once

enum { DAY_ROOM = 32 };

/* UTC, "2026-11-23". */
void write_today(char out[DAY_ROOM]);
