package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"pushgate/store"
)

// Pages reads one page per request.
func (s *Store) Pages(ctx context.Context, now time.Time, requests []store.PageRequest) ([]store.Page, error) {
	if len(requests) == 0 {
		return nil, nil
	}
	pages := make([]store.Page, len(requests))
	err := s.read(ctx, "read pages", func(c *conn) error {
		for i, request := range requests {
			if err := ctx.Err(); err != nil {
				return err
			}
			ch, err := s.find(c, request.Channel)
			if err != nil {
				return err
			}
			if pages[i], err = page(c, ch, now, request); err != nil {
				return fmt.Errorf("read messages: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return pages, nil
}

// Tails answers where channels end.
func (s *Store) Tails(ctx context.Context, channels []string) ([]store.Tail, error) {
	if len(channels) == 0 {
		return nil, nil
	}
	tails := make([]store.Tail, len(channels))
	err := s.read(ctx, "read tails", func(c *conn) error {
		for i, name := range channels {
			if err := ctx.Err(); err != nil {
				return err
			}
			ch, err := s.find(c, name)
			if err != nil {
				return err
			}
			tails[i] = ch.tail()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return tails, nil
}

// FindMessage finds a retained message by its id.
func (s *Store) FindMessage(ctx context.Context, now time.Time, name, id string) (store.Message, error) {
	var m store.Message
	err := s.read(ctx, "find a message", func(c *conn) error {
		ch, err := s.find(c, name)
		if err != nil {
			return err
		}
		where, position := "message_id = ?", any(id)
		if seq, ok := store.ParseGeneratedID(ch.epoch, ch.name, id); ok {
			err := c.row("SELECT 1 FROM messages WHERE channel_id = ? AND seq = ? AND message_id IS NULL", []any{ch.id, seq}, new(int))
			if err == nil {
				where, position = "seq = ?", seq
			} else if !errors.Is(err, errNoRows) {
				return err
			}
		}
		var r row
		err = c.row("SELECT "+rowColumns+" FROM messages WHERE channel_id = ? AND "+where+
			" AND seq > ? AND (expires_at IS NULL OR expires_at > ?)",
			[]any{ch.id, position, ch.floor, now.UnixMilli()}, r.fields()...)
		if err != nil {
			return noRows(err)
		}
		m = r.message(ch)
		return nil
	})
	return m, err
}

// find reads a channel; one that is not there has id 0 and no messages.
func (s *Store) find(c *conn, name string) (channel, error) {
	var ch channel
	err := c.row("SELECT "+channelColumns+" FROM channels WHERE name = ?", []any{name}, ch.fields()...)
	switch {
	case errors.Is(err, errNoRows):
		return channel{name: name, epoch: s.epoch}, nil
	case err != nil:
		return channel{}, fmt.Errorf("find a channel: %w", err)
	}
	return ch, nil
}

func page(c *conn, ch channel, now time.Time, request store.PageRequest) (store.Page, error) {
	p := store.Page{Tail: ch.tail()}
	after := max(request.After, ch.floor)
	if after >= ch.lastSeq {
		return p, nil
	}
	size := 0
	var r row // scanning leaves its slices to the message, and makes new ones
	fields := r.fields()
	// One row more than asked for tells whether there is more.
	arguments := []any{ch.id, after, now.UnixMilli(), request.Limit + 1}
	err := c.rows("SELECT "+rowColumns+` FROM messages
		WHERE channel_id = ? AND seq > ? AND (expires_at IS NULL OR expires_at > ?) ORDER BY seq LIMIT ?`, arguments,
		func(scan func(...any) error) (bool, error) {
			if len(p.Messages) == request.Limit {
				p.More = true
				return true, nil
			}
			if err := scan(fields...); err != nil {
				return false, err
			}
			if len(p.Messages) > 0 && size+len(r.data) > request.Bytes {
				p.More = true
				return true, nil
			}
			size += len(r.data)
			p.Messages = append(p.Messages, r.message(ch))
			return false, nil
		})
	return p, err
}

// row is a row of messages as it is read.
type row struct {
	seq           uint64
	published     int64
	expires       sql.NullInt64
	id            sql.NullString
	contentType   string
	headers, data []byte
}

const rowColumns = "seq, published_at, expires_at, message_id, content_type, headers, data"

// fields are the destinations for rowColumns.
func (r *row) fields() []any {
	return []any{&r.seq, &r.published, &r.expires, &r.id, &r.contentType, &r.headers, &r.data}
}

func (r *row) message(ch channel) store.Message {
	m := store.Message{
		Channel: ch.name, Seq: r.seq, ID: r.id.String, Data: r.data, ContentType: r.contentType, Headers: r.headers,
		Time: moment(r.published),
	}
	if !r.id.Valid {
		m.ID = store.GeneratedID(ch.epoch, ch.name, r.seq)
	}
	if r.expires.Valid {
		m.Expires = moment(r.expires.Int64)
	}
	return m
}
