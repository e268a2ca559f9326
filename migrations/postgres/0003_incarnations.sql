-- Each incarnation of a topic has a position of its own, so a late batch of one
-- that was deleted cannot move the position of the next. What stood behind a #
-- becomes a column.
ALTER TABLE positions
    DROP CONSTRAINT positions_pkey,
    ADD COLUMN life integer NOT NULL DEFAULT 0; -- how often the log was cut back

UPDATE positions
SET incarnation = split_part(incarnation, '#', 1), life = split_part(incarnation, '#', 2)::integer
WHERE incarnation LIKE '%#%';

ALTER TABLE positions ADD PRIMARY KEY (source, topic, partition, incarnation);
