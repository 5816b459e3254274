-- SPDX-License-Identifier: Apache-2.0
-- What schema/0005.sql has.
CREATE TABLE measurements (
    machine  text NOT NULL,
    engine   text NOT NULL,
    artifact text NOT NULL,
    at_us    bigint NOT NULL,
    found    text NOT NULL,    -- JSON, as `tampu bench --json` says of one copy
    PRIMARY KEY (machine, engine, artifact, at_us)
);
