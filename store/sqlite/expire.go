package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pushgate/store"
)

// ExpireMessages deletes messages whose own time to live has ended.
func (s *Store) ExpireMessages(ctx context.Context, now time.Time, limit int) (deleted int, more bool, err error) {
	err = s.write(ctx, "expire messages", func(t *tx) error {
		ended, err := t.ended(now, limit+1)
		if err != nil {
			return fmt.Errorf("find messages: %w", err)
		}
		more = len(ended) > limit
		deleted = min(len(ended), limit)
		touched := map[int64]*channel{}
		for _, e := range ended[:deleted] {
			ch := touched[e.channelID]
			if ch == nil {
				if ch, err = t.channelByID(e.channelID); err != nil {
					return fmt.Errorf("find a channel: %w", err)
				}
				touched[e.channelID] = ch
			}
			if err := t.deleteMessage(ch, e.seq); err != nil {
				return err
			}
		}
		for _, ch := range touched {
			if err := t.raiseOverHole(ch); err != nil {
				return fmt.Errorf("find the new floor: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return 0, false, err
	}
	return deleted, more, nil
}

type endedMessage struct {
	channelID int64
	seq       uint64
}

func (t *tx) ended(now time.Time, limit int) ([]endedMessage, error) {
	var found []endedMessage
	err := t.rows("SELECT channel_id, seq FROM messages WHERE expires_at <= ? ORDER BY expires_at LIMIT ?",
		[]any{now.UnixMilli(), limit},
		func(scan func(...any) error) (bool, error) {
			var e endedMessage
			err := scan(&e.channelID, &e.seq)
			found = append(found, e)
			return false, err
		})
	return found, err
}

func (t *tx) channelByID(id int64) (*channel, error) {
	var name string
	if err := t.row("SELECT name FROM channels WHERE id = ?", []any{id}, &name); err != nil {
		return nil, err
	}
	return t.channel(name)
}

// raiseOverHole moves the floor to just below the oldest message that is left.
func (t *tx) raiseOverHole(ch *channel) error {
	var oldest uint64
	err := t.row("SELECT seq FROM messages WHERE channel_id = ? AND seq > ? ORDER BY seq LIMIT 1", []any{ch.id, ch.floor}, &oldest)
	if errors.Is(err, errNoRows) {
		oldest, err = ch.lastSeq+1, nil
	}
	if err != nil {
		return err
	}
	ch.raise(oldest-1, store.ReasonExpired)
	return nil
}
