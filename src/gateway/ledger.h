/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway's books: the recorder, the accounts of keys, and what they say of themselves.
 *
 *     ledger_open(g, url, err);      what a process that died had begun is settled first
 *     ledger_close(g);
 */
#pragma once

#include "base/err.h"
#include "wire/json_out.h"

struct gateway;

MUST_USE int ledger_open(struct gateway *g, struct str store_url, struct err *err);
/* Before the workers are closed: they are told nothing more. */
void ledger_leave_workers(struct gateway *g);
/* After them. A ledger that was never opened is fine. */
void ledger_close(struct gateway *g);

/* Members "accounts" and "books" of an object that is open: what this process counts, to be
 * compared with the store's sums. */
void ledger_write(struct gateway *g, struct json_out *o);

/* Brings the gauges up to date; before somebody reads them. */
void ledger_show(struct gateway *g);
