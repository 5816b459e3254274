/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings that point other programs at this gateway: the rows of tables/clients.def, filled in.
 *
 *     client = client_find("claude-code");                NULL: not known
 *     client_write(&out, client, &values);
 */
#pragma once

#include "base/buf.h"

struct client_row {
    const char *name; /* as typed: "claude-code" */
    const char *title, *where, *text, *calls;
    const char *note; /* or NULL */
};

struct client_values {
    struct str url, key, model, embed; /* embed: empty when there is none */
};

extern const struct client_row client_rows[];
extern const size_t client_count;

const struct client_row *client_find(const char *name);

/* The text with its places filled in; lines whose place has no value are left out. */
MUST_USE int client_write(struct buf *out, const struct client_row *client,
                          const struct client_values *values);
