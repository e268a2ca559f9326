CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The identity of this database's numbering; channels copy it when they are created.
INSERT INTO meta (key, value) VALUES ('epoch', lower(hex(randomblob(8))));

CREATE TABLE channels (
    id           INTEGER PRIMARY KEY,
    name         TEXT    NOT NULL UNIQUE,
    epoch        TEXT    NOT NULL,
    last_seq     INTEGER NOT NULL DEFAULT 0,
    floor        INTEGER NOT NULL DEFAULT 0,
    floor_reason TEXT    NOT NULL DEFAULT '',
    -- Rows of this channel, and the sum of their payloads.
    messages     INTEGER NOT NULL DEFAULT 0,
    bytes        INTEGER NOT NULL DEFAULT 0
) STRICT;

-- A rowid table: messages of many channels land side by side on the newest
-- page, instead of each dirtying the page of its own channel.
CREATE TABLE messages (
    channel_id   INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    published_at INTEGER NOT NULL, -- milliseconds since 1970
    expires_at   INTEGER,          -- milliseconds since 1970; NULL: no time to live of its own
    message_id   TEXT,             -- NULL: generated from epoch and seq
    content_type TEXT    NOT NULL,
    headers      BLOB,
    data         BLOB    NOT NULL
) STRICT;

CREATE UNIQUE INDEX messages_seq ON messages (channel_id, seq);
CREATE UNIQUE INDEX messages_id ON messages (channel_id, message_id) WHERE message_id IS NOT NULL;
CREATE INDEX messages_expiry ON messages (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE subscriptions (
    subscriber TEXT    NOT NULL,
    channel_id INTEGER NOT NULL,
    cursor     INTEGER NOT NULL,
    start_seq  INTEGER NOT NULL,
    created_at INTEGER NOT NULL, -- milliseconds since 1970
    active_at  INTEGER NOT NULL, -- milliseconds since 1970
    PRIMARY KEY (subscriber, channel_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX subscriptions_channel ON subscriptions (channel_id, subscriber);
CREATE INDEX subscriptions_idle ON subscriptions (channel_id, active_at);
