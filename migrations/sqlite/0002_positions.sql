-- How far the records of each source have become messages.
CREATE TABLE positions (
    source      TEXT    NOT NULL,
    topic       TEXT    NOT NULL,
    partition   INTEGER NOT NULL,
    incarnation TEXT    NOT NULL, -- the identity of the topic
    next_offset INTEGER NOT NULL,
    PRIMARY KEY (source, topic, partition)
) STRICT, WITHOUT ROWID;
