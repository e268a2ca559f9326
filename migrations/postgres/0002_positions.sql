-- How far the records of each source have become messages. A few rows that
-- move with every batch: most of each page stays free for the next versions.
CREATE TABLE positions (
    next_offset bigint  NOT NULL,
    partition   integer NOT NULL,
    source      text COLLATE "C" NOT NULL,
    topic       text COLLATE "C" NOT NULL,
    incarnation text COLLATE "C" NOT NULL, -- the identity of the topic
    PRIMARY KEY (source, topic, partition)
) WITH (
    fillfactor = 10,
    autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.05
);
