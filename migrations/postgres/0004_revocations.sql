-- Which tokens of clients are not good any more. A change gives a row a new
-- number, so a node reads those behind the last that it has seen.
CREATE TABLE revocations (
    number        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    issued_before timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    created_at    timestamptz NOT NULL,
    subscriber    text COLLATE "C" NOT NULL, -- '' is anybody
    token_id      text COLLATE "C" NOT NULL, -- '' is any token
    UNIQUE (subscriber, token_id)
);

CREATE INDEX revocations_expires ON revocations (expires_at);
