package postgres

import (
	"github.com/jackc/pgx/v5"

	"pushgate/store"
)

// insertSQL stores a plan, or nothing if one of its channels does not exist:
// lock the channels in the order of their ids, move their tails, insert behind
// the old tails, and answer those. $1–$3 are per channel, the next eight per message.
const insertSQL = lockSQL + moveSQL + allLockedSQL + storeSQL

// insertAtSQL is insertSQL for the records of a source, whose position is
// $12–$18. It does nothing if some of them are stored already; if it does
// something, it answers a row with ord 0 too. The position is locked after the
// channels, by whichever statement.
const insertAtSQL = lockSQL + advanceSQL + moveSQL + `EXISTS (SELECT FROM advanced)` + storeSQL + `
UNION ALL SELECT 0, 0, '' FROM advanced`

const lockSQL = `
WITH locked AS MATERIALIZED (
	SELECT c.id, w.ord, w.messages, w.bytes
	FROM unnest($1::text[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS w(name, messages, bytes, ord)
	JOIN channels c ON c.name = w.name
	ORDER BY c.id
	FOR NO KEY UPDATE OF c
)`

const allLockedSQL = `(SELECT count(*) FROM locked) = cardinality($1)`

const advanceSQL = `, advanced AS (
	INSERT INTO positions AS p (source, topic, partition, incarnation, life, next_offset)
	SELECT $12::text, $13::text, $14::int, $15::text, $16::int, $17::bigint
	WHERE ` + allLockedSQL + `
	ON CONFLICT (source, topic, partition, incarnation) DO UPDATE
	SET life = EXCLUDED.life, next_offset = EXCLUDED.next_offset
	WHERE p.life < EXCLUDED.life OR p.life = EXCLUDED.life AND p.next_offset <= $18::bigint
	RETURNING true
)`

const moveSQL = `, moved AS (
	UPDATE channels c
	SET last_seq = c.last_seq + l.messages, messages = c.messages + l.messages, bytes = c.bytes + l.bytes
	FROM locked l
	WHERE c.id = l.id AND `

const storeSQL = `
	RETURNING l.ord, c.id, c.epoch, c.last_seq - l.messages AS base
), stored AS (
	INSERT INTO messages (channel_id, seq, published_at, data, expires_at, message_id, content_type, headers)
	SELECT t.ids[m.ord], t.bases[m.ord] + m.rank, m.published_at, m.data, m.expires_at, m.message_id, coalesce(m.content_type, ''), m.headers
	FROM (SELECT array_agg(id ORDER BY ord) AS ids, array_agg(base ORDER BY ord) AS bases FROM moved) t
	CROSS JOIN unnest($4::int[], $5::int[], $6::timestamptz[], $7::bytea[], $8::timestamptz[], $9::text[], $10::text[], $11::text[])
		AS m(ord, rank, published_at, data, expires_at, message_id, content_type, headers)
	WHERE t.ids IS NOT NULL
)
SELECT ord, base, epoch FROM moved`

// statement is insertSQL or insertAtSQL, with its arguments.
func (p *plan) statement() (sql string, arguments []any) {
	arguments = []any{p.names, p.counts, p.sizes,
		p.group, p.ranks, p.published, p.data, p.expires, p.ids, p.types, p.headers}
	if p.position == nil {
		return insertSQL, arguments
	}
	at := p.position
	return insertAtSQL, append(arguments, at.Source, at.Topic, at.Partition, at.Incarnation, at.Life, at.Next, at.First)
}

// answer reads the rows of the statement into the results of the stored messages.
func (p *plan) answer(rows pgx.Rows, messages []store.Message, results []store.Appended) error {
	type start struct {
		base  uint64
		epoch string
	}
	starts := make([]start, len(p.names))
	var ord, base int64
	var epoch string
	moved, advanced := 0, p.position == nil
	_, err := pgx.ForEachRow(rows, []any{&ord, &base, &epoch}, func() error {
		if ord == 0 {
			advanced = true
			return nil
		}
		moved++
		starts[ord-1] = start{uint64(base), epoch}
		return nil
	})
	if err != nil {
		return err
	}
	if !advanced || moved != len(p.names) {
		return errNothing
	}
	for n, i := range p.members {
		at := starts[p.group[n]-1]
		seq := at.base + uint64(p.ranks[n])
		id := messages[i].ID
		if id == "" {
			id = store.GeneratedID(at.epoch, messages[i].Channel, seq)
		}
		results[i] = store.Appended{Seq: seq, Epoch: at.epoch, ID: id, Time: instant(messages[i].Time)}
	}
	return nil
}
