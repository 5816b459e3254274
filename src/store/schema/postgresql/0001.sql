-- SPDX-License-Identifier: Apache-2.0
-- Everything a store keeps: what schema/0004.sql has, in PostgreSQL's words, in a schema of its own.
CREATE TABLE meta (
    name   text PRIMARY KEY,     -- schema: the number of the last file run; pepper; keys: how often they changed
    number bigint NOT NULL DEFAULT 0,
    value  bytea NOT NULL DEFAULT ''
);

CREATE TABLE keys (
    id           text PRIMARY KEY,
    hash         bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    prefix       text NOT NULL,
    last4        text NOT NULL,
    name         text NOT NULL,
    owner        text NOT NULL,
    role         integer NOT NULL,            -- 0 caller, 1 operator
    created_us   bigint NOT NULL,
    expires_us   bigint NOT NULL,             -- 0 never
    revoked_us   bigint NOT NULL,             -- 0 not
    rules        text NOT NULL,               -- JSON; empty: anything
    hash_kind    integer NOT NULL,            -- 0 pepper, 1 plain SHA-256
    old_hash     bytea NOT NULL,              -- of before it was rotated
    old_until_us bigint NOT NULL              -- 0 there is none
);

CREATE TABLE exchanges (
    number            bigint GENERATED ALWAYS AS IDENTITY UNIQUE,    -- the order of writing
    id                text PRIMARY KEY,
    started_us        bigint NOT NULL,
    asked             text NOT NULL,
    machine           text NOT NULL,
    model             text NOT NULL,
    parity            text NOT NULL,
    key_id            text NOT NULL,
    failure           text NOT NULL,
    status            integer NOT NULL,
    attempts          bigint NOT NULL,
    prompt_tokens     bigint NOT NULL,
    completion_tokens bigint NOT NULL,
    first_token_us    bigint NOT NULL,    -- -1 none
    total_us          bigint NOT NULL,
    endpoint          text NOT NULL,
    cached_tokens     bigint NOT NULL,
    money_micro       bigint NOT NULL,
    avoided_micro     bigint NOT NULL,
    energy_mj         bigint NOT NULL
);

CREATE TABLE days (
    day               bigint NOT NULL,    -- UTC days since 1970
    key_id            text NOT NULL,
    machine           text NOT NULL,
    model             text NOT NULL,
    requests          bigint NOT NULL,
    failures          bigint NOT NULL,
    prompt_tokens     bigint NOT NULL,
    cached_tokens     bigint NOT NULL,
    completion_tokens bigint NOT NULL,
    money_micro       bigint NOT NULL,
    avoided_micro     bigint NOT NULL,
    energy_mj         bigint NOT NULL,
    PRIMARY KEY (day, key_id, machine, model)
);
