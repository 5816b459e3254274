-- SPDX-License-Identifier: Apache-2.0
-- What a request cost, what a key may do, and days that are over, as sums.
ALTER TABLE exchanges ADD COLUMN endpoint TEXT NOT NULL DEFAULT '';
ALTER TABLE exchanges ADD COLUMN cached_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE exchanges ADD COLUMN money_micro INTEGER NOT NULL DEFAULT 0;
ALTER TABLE exchanges ADD COLUMN avoided_micro INTEGER NOT NULL DEFAULT 0;
ALTER TABLE exchanges ADD COLUMN energy_mj INTEGER NOT NULL DEFAULT 0;

ALTER TABLE keys ADD COLUMN rules TEXT NOT NULL DEFAULT '';             -- JSON; empty: anything
ALTER TABLE keys ADD COLUMN hash_kind INTEGER NOT NULL DEFAULT 0;       -- 0 pepper, 1 plain SHA-256
ALTER TABLE keys ADD COLUMN old_hash BLOB NOT NULL DEFAULT x'';         -- of before it was rotated
ALTER TABLE keys ADD COLUMN old_until_us INTEGER NOT NULL DEFAULT 0;    -- 0 there is none

CREATE TABLE days (
    day               INTEGER NOT NULL,    -- UTC days since 1970
    key_id            TEXT NOT NULL,
    machine           TEXT NOT NULL,
    model             TEXT NOT NULL,
    requests          INTEGER NOT NULL,
    failures          INTEGER NOT NULL,
    prompt_tokens     INTEGER NOT NULL,
    cached_tokens     INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    money_micro       INTEGER NOT NULL,
    avoided_micro     INTEGER NOT NULL,
    energy_mj         INTEGER NOT NULL,
    PRIMARY KEY (day, key_id, machine, model)
) STRICT, WITHOUT ROWID;

-- Counts changes of keys, whoever makes them.
INSERT INTO meta VALUES ('keys', 1);
CREATE TRIGGER key_added AFTER INSERT ON keys BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'keys';
END;
CREATE TRIGGER key_changed AFTER UPDATE ON keys BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'keys';
END;
CREATE TRIGGER key_removed AFTER DELETE ON keys BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'keys';
END;
