package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pushgate/store"
)

// Append stores a batch.
func (s *Store) Append(ctx context.Context, batch store.Batch) ([]store.Appended, error) {
	if len(batch.Messages) == 0 && batch.Position == nil {
		return nil, nil
	}
	results := make([]store.Appended, len(batch.Messages))
	err := s.write(ctx, "append", func(t *tx) error {
		if batch.Position != nil {
			if err := t.advance(batch.Position); err != nil {
				return err
			}
		}
		for i := range batch.Messages {
			var err error
			if results[i], err = t.append(&batch.Messages[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

func (t *tx) append(m *store.Message) (store.Appended, error) {
	ch, err := t.ensureChannel(m.Channel)
	if err != nil {
		return store.Appended{}, fmt.Errorf("find the channel: %w", err)
	}
	if m.ID != "" {
		first, err := t.generated(ch, m.ID)
		if err != nil || first.Duplicate {
			return first, err
		}
	}
	stored, err := t.insert(ch, m)
	if err != nil {
		return store.Appended{}, fmt.Errorf("insert a message: %w", err)
	}
	if stored {
		return appended(ch, m), nil
	}
	first, err := t.given(ch, m.ID)
	if err != nil || first.Duplicate {
		return first, err
	}
	// The first one is below the floor, and its row is in the way.
	if err := t.deleteMessage(ch, first.Seq); err != nil {
		return store.Appended{}, err
	}
	if stored, err = t.insert(ch, m); err == nil && !stored {
		err = errors.New("the id is taken by a message that is not there")
	}
	if err != nil {
		return store.Appended{}, fmt.Errorf("insert a message: %w", err)
	}
	return appended(ch, m), nil
}

// appended is the result for a message that has just been inserted.
func appended(ch *channel, m *store.Message) store.Appended {
	id := m.ID
	if id == "" {
		id = store.GeneratedID(ch.epoch, ch.name, ch.lastSeq)
	}
	return store.Appended{Seq: ch.lastSeq, Epoch: ch.epoch, ID: id, Time: moment(m.Time.UnixMilli())}
}

// insert gives m the next seq. It answers false if the channel holds a row with
// its given id.
func (t *tx) insert(ch *channel, m *store.Message) (bool, error) {
	n, err := t.exec(`INSERT INTO messages (channel_id, seq, published_at, expires_at, message_id, content_type, headers, data)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (channel_id, message_id) WHERE message_id IS NOT NULL DO NOTHING`,
		ch.id, ch.lastSeq+1, m.Time.UnixMilli(), orNull(m.Expires), textOrNull(m.ID), m.ContentType, blobOrNull(m.Headers), blob(m.Data))
	if err != nil || n == 0 {
		return false, err
	}
	ch.lastSeq++
	ch.messages++
	ch.bytes += uint64(len(m.Data))
	return true, nil
}

// generated finds a retained message that got id from the store.
func (t *tx) generated(ch *channel, id string) (store.Appended, error) {
	seq, ok := store.ParseGeneratedID(ch.epoch, ch.name, id)
	if !ok || seq <= ch.floor || seq > ch.lastSeq {
		return store.Appended{}, nil
	}
	var at int64
	err := t.row("SELECT published_at FROM messages WHERE channel_id = ? AND seq = ? AND message_id IS NULL", []any{ch.id, seq}, &at)
	switch {
	case errors.Is(err, errNoRows):
		return store.Appended{}, nil
	case err != nil:
		return store.Appended{}, fmt.Errorf("find a generated id: %w", err)
	}
	return store.Appended{Seq: seq, Epoch: ch.epoch, ID: id, Duplicate: true, Time: moment(at)}, nil
}

// given finds the row that has id from its publisher; Duplicate says whether it
// is retained.
func (t *tx) given(ch *channel, id string) (store.Appended, error) {
	var seq uint64
	var at int64
	err := t.row("SELECT seq, published_at FROM messages WHERE channel_id = ? AND message_id = ?", []any{ch.id, id}, &seq, &at)
	if err != nil {
		return store.Appended{}, fmt.Errorf("find a given id: %w", err)
	}
	return store.Appended{Seq: seq, Epoch: ch.epoch, ID: id, Duplicate: seq > ch.floor, Time: moment(at)}, nil
}

func (t *tx) deleteMessage(ch *channel, seq uint64) error {
	var size uint64
	err := t.row("DELETE FROM messages WHERE channel_id = ? AND seq = ? RETURNING length(data)", []any{ch.id, seq}, &size)
	if err != nil {
		return fmt.Errorf("delete a message: %w", err)
	}
	ch.messages--
	ch.bytes -= size
	return nil
}

// moment is the time of a column.
func moment(milliseconds int64) time.Time { return time.UnixMilli(milliseconds).UTC() }

func orNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

func textOrNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func blobOrNull(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

// blob is never NULL: a payload may be empty.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
