/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The LAN registry of this process: its shelf beside the state, and what is behind it.
 *
 *     lan_expect(&lan, fleet);                    before it is open, and whenever the file changes
 *     lan_open(&lan, &settings, store_url, err);  registry NULL when settings want none
 *     lan_close(&lan);                            when no loop visits it any more
 */
#pragma once

#include "apply/registry.h"
#include "config/settings.h"

struct lan {
    struct expected *expected; /* what may be pulled: nothing before lan_expect() */
    struct shelf *shelf;
    struct registry *registry;
};

struct fleet;

/* Everything that a fleet file names for an Ollama to pull is expected from now on. */
MUST_USE int lan_expect(struct lan *lan, const struct fleet *fleet);

/* 0, or negative with words and nothing open but what is expected. */
MUST_USE int lan_open(struct lan *lan, const struct settings *settings, struct str store_url,
                      struct err *err);
void lan_close(struct lan *lan);
