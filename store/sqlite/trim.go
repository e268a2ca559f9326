package sqlite

import (
	"context"
	"fmt"

	"pushgate/store"
)

// Trim does one step of removing a channel's head; ErrNotFound if there is no
// such channel.
func (s *Store) Trim(ctx context.Context, trim store.Trim) (store.Trimmed, error) {
	var result store.Trimmed
	err := s.write(ctx, "trim", func(t *tx) error {
		ch, err := t.channel(trim.Channel)
		if err != nil {
			return noRows(err)
		}
		ch.raise(min(trim.PurgeTo, ch.lastSeq), store.ReasonPurged)
		cut, err := t.findCut(*ch, trim)
		if err != nil {
			return fmt.Errorf("find the new floor: %w", err)
		}
		if cut.rows > 0 {
			if _, err := t.exec("DELETE FROM messages WHERE channel_id = ? AND seq <= ?", ch.id, cut.to); err != nil {
				return fmt.Errorf("delete messages: %w", err)
			}
		}
		ch.raise(cut.to, cut.reason)
		ch.messages -= uint64(cut.rows)
		ch.bytes -= cut.bytes
		result = store.Trimmed{Tail: ch.tail(), Deleted: cut.rows, More: cut.more}
		return nil
	})
	return result, err
}

// cut is the head that one step removes.
type cut struct {
	to     uint64 // the seq of the last row
	rows   int
	bytes  uint64
	reason store.Reason // why the last row goes
	more   bool         // the row after it would go too
}

// findCut walks the rows from the oldest until one stays, or the step is full.
func (t *tx) findCut(ch channel, trim store.Trim) (cut, error) {
	var c cut
	arguments := []any{ch.id, max(trim.Limit, 0) + 1}
	err := t.rows("SELECT seq, published_at, length(data) FROM messages WHERE channel_id = ? ORDER BY seq LIMIT ?", arguments,
		func(scan func(...any) error) (bool, error) {
			var seq, size uint64
			var published int64
			if err := scan(&seq, &published, &size); err != nil {
				return false, err
			}
			reason := leaves(trim, ch, seq, published)
			if reason == "" || c.rows >= trim.Limit {
				c.more = reason != ""
				return true, nil
			}
			c.to, c.reason = seq, reason
			c.rows++
			c.bytes += size
			ch.messages--
			ch.bytes -= size
			return false, nil
		})
	return c, err
}

// leaves says why the oldest row of ch has to go; "" if it stays.
func leaves(trim store.Trim, ch channel, seq uint64, published int64) store.Reason {
	switch {
	case seq <= ch.floor:
		return ch.reason
	case !trim.Before.IsZero() && published < trim.Before.UnixMilli():
		return store.ReasonExpired
	case trim.KeepMessages > 0 && ch.messages > trim.KeepMessages:
		return store.ReasonLimit
	case trim.KeepBytes > 0 && ch.bytes > trim.KeepBytes && ch.messages > 1:
		return store.ReasonLimit
	}
	return ""
}
