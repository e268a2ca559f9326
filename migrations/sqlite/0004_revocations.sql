-- Which tokens of clients are not good any more. A change gives a row a new
-- number, so a node reads those behind the last that it has seen.
CREATE TABLE revocations (
    number        INTEGER PRIMARY KEY AUTOINCREMENT,
    subscriber    TEXT    NOT NULL, -- '' is anybody
    token_id      TEXT    NOT NULL, -- '' is any token
    issued_before INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    UNIQUE (subscriber, token_id)
) STRICT;

CREATE INDEX revocations_expires ON revocations (expires_at);
