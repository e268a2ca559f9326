package postgres

import (
	"context"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"pushgate/store"
)

// Pages reads one page per request, in order, all in one query and therefore
// from one snapshot.
func (s *Store) Pages(ctx context.Context, now time.Time, requests []store.PageRequest) ([]store.Page, error) {
	if len(requests) == 0 {
		return nil, nil
	}
	names := make([]string, len(requests))
	after, limits, bytes := make([]int64, len(requests)), make([]int64, len(requests)), make([]int64, len(requests))
	for i, r := range requests {
		names[i], after[i] = r.Channel, bigint(r.After)
		limits[i], bytes[i] = int64(min(max(r.Limit, 1), math.MaxInt32)), int64(r.Bytes)
	}
	var pages []store.Page
	err := s.do(ctx, "read pages", func(ctx context.Context, conn *pgx.Conn) error {
		pages = make([]store.Page, len(requests))
		rows, err := conn.Query(ctx, pagesSQL, names, after, limits, bytes, moment(now))
		if err != nil {
			return err
		}
		return readPages(rows, requests, pages)
	})
	if err != nil {
		return nil, err
	}
	return pages, nil
}

// maxPresized bounds the messages that space is made for in advance.
const maxPresized = 256

func readPages(rows pgx.Rows, requests []store.PageRequest, pages []store.Page) error {
	var ord int64
	var tail tailRow
	var message messageRow
	spent := make([]int, len(pages)) // bytes of payloads on each page
	targets := append([]any{&ord}, tail.targets()...)
	_, err := pgx.ForEachRow(rows, append(targets, message.targets()...), func() error {
		page, request := &pages[ord-1], &requests[ord-1]
		if page.Epoch == "" {
			page.Tail = tail.tail(request.Channel)
			if message.seq != nil {
				page.Messages = make([]store.Message, 0, min(max(request.Limit, 1), int(min(page.Pending(request.After), maxPresized))))
			}
		}
		switch {
		case message.seq == nil || page.More:
		case len(page.Messages) == max(request.Limit, 1), message.data == nil,
			len(page.Messages) > 0 && spent[ord-1]+len(message.data) > request.Bytes:
			page.More = true
		default:
			spent[ord-1] += len(message.data)
			page.Messages = append(page.Messages, message.message(page.Channel, page.Epoch))
			if spent[ord-1] > request.Bytes {
				page.More = page.Messages[0].Seq < page.LastSeq
			}
		}
		return nil
	})
	return err
}

// pagesSQL reads one row more than a page holds, to know whether more follows.
// The sum looks at lengths only: a payload that does not fit is never read, and
// its row comes without it. The rows of a channel come in order, for a lateral
// join with a limit can only be a loop.
const pagesSQL = `
SELECT w.ord, coalesce(c.epoch, ` + epochSQL + `), coalesce(c.last_seq, 0), coalesce(c.floor, 0), coalesce(c.floor_reason, ''),
	m.seq, m.message_id, CASE WHEN m.total <= w.bytes OR m.total = octet_length(m.data) THEN m.data END,
	m.content_type, m.headers, m.published_at, m.expires_at
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[]) WITH ORDINALITY AS w(name, after, size, bytes, ord)
LEFT JOIN channels c ON c.name = w.name
LEFT JOIN LATERAL (
	SELECT r.*, sum(octet_length(r.data)) OVER (ORDER BY r.seq ROWS UNBOUNDED PRECEDING) AS total
	FROM (
		SELECT m.*
		FROM messages m
		WHERE m.channel_id = c.id AND m.seq > greatest(w.after, c.floor)
			AND (m.expires_at IS NULL OR m.expires_at > $5)
		ORDER BY m.seq
		LIMIT w.size + 1
	) r
) m ON m.total - octet_length(m.data) <= w.bytes`

// messageColumns are the columns of a messageRow.
const messageColumns = `m.seq, m.message_id, m.data, m.content_type, m.headers, m.published_at, m.expires_at`

// messageRow is a Message as it is read; seq is nil when an outer join found none.
type messageRow struct {
	seq                *int64
	id, contentType    *string
	data, headers      []byte
	published, expires *time.Time
}

func (r *messageRow) targets() []any {
	return []any{&r.seq, &r.id, &r.data, &r.contentType, &r.headers, &r.published, &r.expires}
}

func (r *messageRow) message(channel, epoch string) store.Message {
	m := store.Message{Channel: channel, Seq: uint64(*r.seq), Data: r.data, ContentType: *r.contentType,
		Headers: r.headers, Time: instant(*r.published)}
	if r.id != nil {
		m.ID = *r.id
	} else {
		m.ID = store.GeneratedID(epoch, channel, m.Seq)
	}
	if r.expires != nil {
		m.Expires = instant(*r.expires)
	}
	return m
}
