-- SPDX-License-Identifier: Apache-2.0
-- How fast copies were measured to be; of each the newest stay.
CREATE TABLE measurements (
    machine  TEXT NOT NULL,
    engine   TEXT NOT NULL,
    artifact TEXT NOT NULL,
    at_us    INTEGER NOT NULL,
    found    TEXT NOT NULL,    -- JSON, as `tampu bench --json` says of one copy
    PRIMARY KEY (machine, engine, artifact, at_us)
) STRICT, WITHOUT ROWID;
