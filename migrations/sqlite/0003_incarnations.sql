-- Each incarnation of a topic has a position of its own, so a late batch of one
-- that was deleted cannot move the position of the next. What stood behind a #
-- becomes a column.
ALTER TABLE positions RENAME TO positions_2;

CREATE TABLE positions (
    source      TEXT    NOT NULL,
    topic       TEXT    NOT NULL,
    partition   INTEGER NOT NULL,
    incarnation TEXT    NOT NULL, -- the identity of the topic
    life        INTEGER NOT NULL, -- how often the log was cut back
    next_offset INTEGER NOT NULL,
    PRIMARY KEY (source, topic, partition, incarnation)
) STRICT, WITHOUT ROWID;

INSERT INTO positions (source, topic, partition, incarnation, life, next_offset)
SELECT source, topic, partition,
       substr(incarnation, 1, instr(incarnation || '#', '#') - 1),
       CAST(substr(incarnation, instr(incarnation || '#', '#') + 1) AS INTEGER),
       next_offset
FROM positions_2;

DROP TABLE positions_2;
