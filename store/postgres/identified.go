package postgres

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"pushgate/store"
)

// appendIdentified stores messages some of which have an id of their own. It
// looks for duplicates behind the locks of the channels, so nobody can store
// one in between.
func appendIdentified(ctx context.Context, conn *pgx.Conn, batch store.Batch) ([]store.Appended, error) {
	d := newDuplicates(batch)
	results, err := d.store(ctx, conn)
	if err != nil && conn.PgConn().TxStatus() != 'I' && !conn.IsClosed() {
		if _, errRollback := conn.Exec(ctx, `ROLLBACK`); errRollback != nil {
			return nil, errRollback
		}
	}
	return results, err
}

// duplicates finds the messages of a batch that are stored already.
type duplicates struct {
	messages []store.Message
	plan     *plan
	channels []lockedChannel // per channel of the plan
	found    map[int]stored  // by index in the batch
	stale    []stored        // rows under the floor that still hold an id of the batch
}

type lockedChannel struct {
	id                   int64
	name, epoch          string
	lastSeq, floor, next uint64
	given                map[string]int // by id: index in the batch of the first that has it
	unnamed              map[uint64]int // by seq: index in the batch of those without an id
}

// stored is a message that is in the store already.
type stored struct {
	channel int64
	seq     uint64
	time    time.Time
}

func newDuplicates(batch store.Batch) *duplicates {
	d := &duplicates{messages: batch.Messages, plan: newPlan(len(batch.Messages), batch.Position), found: make(map[int]stored)}
	for i := range batch.Messages {
		d.plan.channel(batch.Messages[i].Channel)
	}
	return d
}

func (d *duplicates) store(ctx context.Context, conn *pgx.Conn) ([]store.Appended, error) {
	if err := d.lookUp(ctx, conn); err != nil {
		return nil, err
	}
	results, firsts := d.assign()
	fresh := d.plan.occupied()
	last := &pgx.Batch{}
	if len(d.stale) > 0 {
		ids, seqs := make([]int64, len(d.stale)), make([]int64, len(d.stale))
		for i, row := range d.stale {
			ids[i], seqs[i] = row.channel, int64(row.seq)
		}
		last.Queue(freeIDsSQL, ids, seqs)
	}
	if len(fresh.members) > 0 || fresh.position != nil {
		sql, arguments := fresh.statement()
		last.Queue(sql, arguments...).Query(func(rows pgx.Rows) error {
			return fresh.answer(rows, d.messages, results)
		})
	}
	last.Queue(`COMMIT`)
	if err := conn.SendBatch(ctx, last).Close(); err != nil {
		return nil, err
	}
	for i, first := range firsts {
		id := results[i].ID
		results[i] = results[first]
		results[i].ID, results[i].Duplicate = id, true
	}
	return results, nil
}

// lookUp begins a transaction, locks the channels and finds what is stored.
func (d *duplicates) lookUp(ctx context.Context, conn *pgx.Conn) error {
	d.channels = make([]lockedChannel, len(d.plan.names))
	locked := 0
	first := &pgx.Batch{}
	first.Queue(`BEGIN`)
	first.Queue(lockChannelsSQL, d.plan.names).Query(func(rows pgx.Rows) error {
		var ord, id, lastSeq, floor int64
		var epoch string
		_, err := pgx.ForEachRow(rows, []any{&ord, &id, &epoch, &lastSeq, &floor}, func() error {
			d.channels[ord-1] = lockedChannel{id: id, name: d.plan.names[ord-1], epoch: epoch, lastSeq: uint64(lastSeq), floor: uint64(floor),
				next: uint64(lastSeq) + 1, given: map[string]int{}, unnamed: map[uint64]int{}}
			locked++
			return nil
		})
		return err
	})
	d.queueLookUp(first)
	if err := conn.SendBatch(ctx, first).Close(); err != nil {
		return err
	}
	if locked < len(d.channels) {
		return errNothing
	}
	return nil
}

func (d *duplicates) queueLookUp(batch *pgx.Batch) {
	var given, generated []int // index in the batch
	var givenChannels, givenIDs, generatedChannels, generatedEpochs []string
	var generatedSeqs []int64
	for i := range d.messages {
		m := &d.messages[i]
		if m.ID == "" {
			continue
		}
		given, givenChannels, givenIDs = append(given, i), append(givenChannels, m.Channel), append(givenIDs, m.ID)
		if epoch, seq, ok := splitGeneratedID(m.Channel, m.ID); ok {
			generated, generatedChannels = append(generated, i), append(generatedChannels, m.Channel)
			generatedEpochs, generatedSeqs = append(generatedEpochs, epoch), append(generatedSeqs, bigint(seq))
		}
	}
	batch.Queue(givenSQL, givenChannels, givenIDs).Query(d.note(given))
	if len(generated) > 0 {
		batch.Queue(generatedSQL, generatedChannels, generatedEpochs, generatedSeqs).Query(d.note(generated))
	}
}

// note reads the rows of givenSQL or generatedSQL, whose ord counts in members.
func (d *duplicates) note(members []int) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		var ord, channel, seq int64
		var published time.Time
		_, err := pgx.ForEachRow(rows, []any{&ord, &channel, &seq, &published}, func() error {
			d.found[members[ord-1]] = stored{channel: channel, seq: uint64(seq), time: published}
			return nil
		})
		return err
	}
}

// assign adds what is not a duplicate to the plan, and answers the results of
// those that are: from the store, or (firsts) by index of the message in the
// batch that they repeat.
func (d *duplicates) assign() (results []store.Appended, firsts map[int]int) {
	results, firsts = make([]store.Appended, len(d.messages)), make(map[int]int)
	for i := range d.messages {
		m := &d.messages[i]
		g := d.plan.channel(m.Channel)
		c := &d.channels[g]
		if m.ID != "" {
			if row, ok := d.found[i]; ok && row.seq > c.floor {
				results[i] = store.Appended{Seq: row.seq, Epoch: c.epoch, ID: m.ID, Duplicate: true, Time: instant(row.time)}
				continue
			} else if ok {
				d.stale = append(d.stale, row)
			}
			if first, ok := c.repeats(m.ID); ok {
				results[i].ID, firsts[i] = m.ID, first
				continue
			}
			c.given[m.ID] = i
		} else {
			c.unnamed[c.next] = i
		}
		c.next = c.lastSeq + uint64(d.plan.add(i, g, m)) + 1
	}
	return results, firsts
}

// repeats finds an earlier message of the batch with this id, given or generated.
func (c *lockedChannel) repeats(id string) (first int, ok bool) {
	if first, ok = c.given[id]; ok {
		return first, true
	}
	seq, ok := store.ParseGeneratedID(c.epoch, c.name, id)
	if !ok {
		return 0, false
	}
	first, ok = c.unnamed[seq]
	return first, ok
}

// splitGeneratedID is store.ParseGeneratedID for an epoch that is not known yet.
func splitGeneratedID(channel, id string) (epoch string, seq uint64, ok bool) {
	last := strings.LastIndexByte(id, '-')
	if last < 0 {
		return "", 0, false
	}
	middle := strings.LastIndexByte(id[:last], '-')
	if middle < 0 {
		return "", 0, false
	}
	epoch = id[:middle]
	seq, ok = store.ParseGeneratedID(epoch, channel, id)
	return epoch, seq, ok
}

const lockChannelsSQL = `
SELECT w.ord, c.id, c.epoch, c.last_seq, c.floor
FROM unnest($1::text[]) WITH ORDINALITY AS w(name, ord)
JOIN channels c ON c.name = w.name
ORDER BY c.id
FOR NO KEY UPDATE OF c`

// givenSQL and generatedSQL join twice so that the planner, which knows nothing
// of a channel with a million messages, has no way to find one but by the whole key.
const givenSQL = `
WITH wanted AS MATERIALIZED (
	SELECT w.ord, w.message_id, c.id
	FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w(name, message_id, ord)
	JOIN channels c ON c.name = w.name
)
SELECT w.ord, m.channel_id, m.seq, m.published_at
FROM wanted w
JOIN messages m ON m.channel_id = w.id AND m.message_id = w.message_id`

const generatedSQL = `
WITH wanted AS MATERIALIZED (
	SELECT w.ord, w.seq, c.id
	FROM unnest($1::text[], $2::text[], $3::bigint[]) WITH ORDINALITY AS w(name, epoch, seq, ord)
	JOIN channels c ON c.name = w.name AND c.epoch = w.epoch AND w.seq > c.floor
)
SELECT w.ord, m.channel_id, m.seq, m.published_at
FROM wanted w
JOIN messages m ON m.channel_id = w.id AND m.seq = w.seq
WHERE m.message_id IS NULL`

// freeIDsSQL takes their ids from rows under the floor, which nobody will read
// again.
const freeIDsSQL = `
UPDATE messages m SET message_id = NULL
FROM unnest($1::bigint[], $2::bigint[]) AS w(channel_id, seq)
WHERE m.channel_id = w.channel_id AND m.seq = w.seq`
