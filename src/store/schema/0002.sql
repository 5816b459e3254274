-- SPDX-License-Identifier: Apache-2.0
-- What became of each request; old ones are trimmed by time and by number.
CREATE TABLE exchanges (
    id                TEXT PRIMARY KEY,
    started_us        INTEGER NOT NULL,
    asked             TEXT NOT NULL,
    machine           TEXT NOT NULL,
    model             TEXT NOT NULL,
    parity            TEXT NOT NULL,
    key_id            TEXT NOT NULL,
    failure           TEXT NOT NULL,
    status            INTEGER NOT NULL,
    attempts          INTEGER NOT NULL,
    prompt_tokens     INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    first_token_us    INTEGER NOT NULL,    -- -1 none
    total_us          INTEGER NOT NULL
) STRICT;

CREATE INDEX exchanges_by_start ON exchanges (started_us);
