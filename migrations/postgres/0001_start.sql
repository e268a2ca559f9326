CREATE TABLE meta (
    key   text PRIMARY KEY,
    value text NOT NULL
);

-- The identity of this database's numbering; channels copy it when they are created.
INSERT INTO meta (key, value)
VALUES ('epoch', substr(replace(gen_random_uuid()::text, '-', ''), 17, 16));

-- Each append rewrites its channels' rows: half of every page stays free for
-- the next version, so that no index is touched (HOT).
CREATE TABLE channels (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    last_seq     bigint NOT NULL DEFAULT 0,
    floor        bigint NOT NULL DEFAULT 0,
    -- No row at or below this is left; at most floor.
    removed      bigint NOT NULL DEFAULT 0,
    -- The rows above floor, and the sum of their payloads.
    messages     bigint NOT NULL DEFAULT 0,
    bytes        bigint NOT NULL DEFAULT 0,
    floor_reason text   COLLATE "C" NOT NULL DEFAULT '',
    epoch        text   COLLATE "C" NOT NULL,
    name         text   COLLATE "C" NOT NULL UNIQUE
) WITH (
    fillfactor = 50,
    autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_analyze_threshold = 5000, autovacuum_analyze_scale_factor = 0.2
);

CREATE TABLE messages (
    channel_id   bigint      NOT NULL,
    seq          bigint      NOT NULL,
    published_at timestamptz NOT NULL,
    expires_at   timestamptz,          -- NULL: no time to live of its own
    message_id   text COLLATE "C",     -- NULL: generated from epoch and seq
    content_type text COLLATE "C" NOT NULL,
    headers      text COLLATE "C",
    data         bytea NOT NULL,
    PRIMARY KEY (channel_id, seq)
) WITH (
    autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_insert_threshold = 100000, autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_analyze_threshold = 10000, autovacuum_analyze_scale_factor = 0.05,
    toast.autovacuum_vacuum_threshold = 10000, toast.autovacuum_vacuum_scale_factor = 0.02
);

CREATE UNIQUE INDEX messages_id ON messages (channel_id, message_id) WHERE message_id IS NOT NULL;
CREATE INDEX messages_expiry ON messages (expires_at) WHERE expires_at IS NOT NULL;

-- Cursors move all the time: neither cursor nor active_at is indexed, so that
-- their updates stay HOT.
CREATE TABLE subscriptions (
    channel_id bigint      NOT NULL,
    cursor     bigint      NOT NULL,
    start_seq  bigint      NOT NULL,
    created_at timestamptz NOT NULL,
    active_at  timestamptz NOT NULL,
    subscriber text COLLATE "C" NOT NULL,
    PRIMARY KEY (subscriber, channel_id)
) WITH (
    fillfactor = 70,
    autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_analyze_threshold = 5000, autovacuum_analyze_scale_factor = 0.1
);

CREATE INDEX subscriptions_channel ON subscriptions (channel_id, subscriber);
