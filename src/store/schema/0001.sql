-- SPDX-License-Identifier: Apache-2.0
-- The keys of callers and operators, and what the store must remember about itself.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,     -- schema: the number of the last file run; pepper
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE keys (
    id         TEXT PRIMARY KEY,
    hash       BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    prefix     TEXT NOT NULL,
    last4      TEXT NOT NULL,
    name       TEXT NOT NULL,
    owner      TEXT NOT NULL,
    role       INTEGER NOT NULL,    -- 0 caller, 1 operator
    created_us INTEGER NOT NULL,
    expires_us INTEGER NOT NULL,    -- 0 never
    revoked_us INTEGER NOT NULL     -- 0 not
) STRICT;
