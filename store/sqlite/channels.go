package sqlite

import (
	"context"
	"database/sql"

	"pushgate/store"
)

const describeChannels = "SELECT " + channelColumns + `,
	(SELECT m.published_at FROM messages m WHERE m.channel_id = c.id AND m.seq > c.floor ORDER BY m.seq LIMIT 1),
	coalesce((SELECT min(m.seq) FROM messages m WHERE m.channel_id = c.id) <= c.floor, 0),
	iif(?1, (SELECT count(*) FROM subscriptions s WHERE s.channel_id = c.id), 0)
	FROM channels c `

func scanChannel(scan func(...any) error) (store.Channel, error) {
	var ch channel
	var oldest sql.NullInt64
	var described store.Channel
	err := scan(append(ch.fields(), &oldest, &described.Removable, &described.Subscriptions)...)
	described.Tail, described.Messages, described.Bytes = ch.tail(), ch.messages, ch.bytes
	if oldest.Valid {
		described.OldestTime = moment(oldest.Int64)
	}
	return described, err
}

// Channel describes one channel.
func (s *Store) Channel(ctx context.Context, name string) (store.Channel, error) {
	var found store.Channel
	err := s.read(ctx, "describe a channel", func(c *conn) error {
		err := store.ErrNotFound
		failed := c.rows(describeChannels+"WHERE name = ?2", []any{true, name}, func(scan func(...any) error) (bool, error) {
			found, err = scanChannel(scan)
			return true, nil
		})
		if failed != nil {
			return failed
		}
		return err
	})
	return found, err
}

// ListChannels is one page of channels.
func (s *Store) ListChannels(ctx context.Context, query store.ChannelQuery) ([]store.Channel, error) {
	var found []store.Channel
	text, arguments := describeChannels, []any{query.CountSubscriptions, query.After, query.Limit}
	if query.After < query.Prefix {
		text += "WHERE name >= ?2 "
		arguments[1] = query.Prefix
	} else {
		text += "WHERE name > ?2 "
	}
	if end, ok := prefixEnd(query.Prefix); ok {
		text += "AND name < ?4 "
		arguments = append(arguments, end)
	}
	text += "ORDER BY name LIMIT ?3"
	err := s.read(ctx, "list channels", func(c *conn) error {
		return c.rows(text, arguments, func(scan func(...any) error) (bool, error) {
			ch, err := scanChannel(scan)
			found = append(found, ch)
			return false, err
		})
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// prefixEnd is the least string behind all that start with prefix; false if
// there is none.
func prefixEnd(prefix string) (string, bool) {
	end := []byte(prefix)
	for len(end) > 0 {
		last := len(end) - 1
		if end[last] < 0xff {
			end[last]++
			return string(end), true
		}
		end = end[:last]
	}
	return "", false
}
