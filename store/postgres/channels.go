package postgres

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"pushgate/store"
)

// channelSelect describes the channels of c; %s is the number of subscriptions.
const channelSelect = `
SELECT c.name, ` + tailColumns + `, c.messages, c.bytes, oldest.published_at,
	c.removed < c.floor AND EXISTS (SELECT FROM messages m WHERE m.channel_id = c.id AND m.seq > c.removed AND m.seq <= c.floor),
	%s
FROM channels c
LEFT JOIN LATERAL (
	SELECT m.published_at FROM messages m
	WHERE m.channel_id = c.id AND m.seq > c.floor
	ORDER BY m.seq LIMIT 1
) oldest ON true
`

const (
	countSubscriptions = `(SELECT count(*) FROM subscriptions s WHERE s.channel_id = c.id)`
	countNothing       = `0::bigint`
)

// Channel describes one channel, subscriptions counted; the error wraps
// store.ErrNotFound if there is none.
func (s *Store) Channel(ctx context.Context, name string) (store.Channel, error) {
	channels, err := s.readChannels(ctx, "read a channel", fmt.Sprintf(channelSelect, countSubscriptions)+`WHERE c.name = $1`, name)
	if err != nil {
		return store.Channel{}, err
	}
	if len(channels) == 0 {
		return store.Channel{}, fmt.Errorf("postgres: channel: %w", store.ErrNotFound)
	}
	return channels[0], nil
}

// ListChannels is one page of channels in the byte order of their names.
func (s *Store) ListChannels(ctx context.Context, query store.ChannelQuery) ([]store.Channel, error) {
	count := countNothing
	if query.CountSubscriptions {
		count = countSubscriptions
	}
	sql := fmt.Sprintf(channelSelect, count) + `WHERE c.name > $1 AND c.name >= $2 AND c.name < $3 ORDER BY c.name LIMIT $4`
	arguments := []any{query.After, query.Prefix, prefixEnd(query.Prefix), int64(max(query.Limit, 0))}
	if arguments[2] == "" {
		sql = fmt.Sprintf(channelSelect, count) + `WHERE c.name > $1 AND c.name >= $2 ORDER BY c.name LIMIT $3`
		arguments = append(arguments[:2], arguments[3])
	}
	return s.readChannels(ctx, "list channels", sql, arguments...)
}

func (s *Store) readChannels(ctx context.Context, action, sql string, arguments ...any) (channels []store.Channel, err error) {
	err = s.do(ctx, action, func(ctx context.Context, conn *pgx.Conn) error {
		channels = nil
		rows, err := conn.Query(ctx, sql, arguments...)
		if err != nil {
			return err
		}
		var name string
		var tail tailRow
		var messages, bytes, subscriptions int64
		var oldest *time.Time
		var removable bool
		targets := append([]any{&name}, tail.targets()...)
		_, err = pgx.ForEachRow(rows, append(targets, &messages, &bytes, &oldest, &removable, &subscriptions), func() error {
			channel := store.Channel{Tail: tail.tail(name), Messages: uint64(messages), Bytes: uint64(bytes),
				Removable: removable, Subscriptions: uint64(subscriptions)}
			if oldest != nil {
				channel.OldestTime = instant(*oldest)
			}
			channels = append(channels, channel)
			return nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return channels, nil
}

// prefixEnd is the smallest name behind all that begin with prefix; "" when
// nothing is behind them.
func prefixEnd(prefix string) string {
	for prefix != "" {
		last, size := utf8.DecodeLastRuneInString(prefix)
		prefix = prefix[:len(prefix)-size]
		if next := last + 1; next <= utf8.MaxRune {
			if !utf8.ValidRune(next) {
				next = 0xE000 // behind the surrogates
			}
			return prefix + string(next)
		}
	}
	return ""
}
