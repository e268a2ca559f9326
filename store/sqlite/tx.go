package sqlite

import (
	"cmp"
	"maps"
	"slices"
)

// tx is a transaction of the writer.
type tx struct {
	*conn
	epoch string
	known cache
	// used are the channels that this transaction has looked at.
	used map[string]*usedChannel
}

// usedChannel is a row as it is in the file, and as the transaction leaves it.
type usedChannel struct{ before, now channel }

// channel answers the row of a channel; changes to it are saved with the
// transaction. It fails with errNoRows if there is none.
func (t *tx) channel(name string) (*channel, error) {
	if ch, ok := t.used[name]; ok {
		return &ch.now, nil
	}
	ch, ok := t.known[name]
	if !ok {
		err := t.row("SELECT "+channelColumns+" FROM channels WHERE name = ?", []any{name}, ch.fields()...)
		if err != nil {
			return nil, err
		}
	}
	return t.use(ch), nil
}

// ensureChannel is channel, but creates what is missing.
func (t *tx) ensureChannel(name string) (*channel, error) {
	ch, err := t.channel(name)
	if err != errNoRows { //nolint:errorlint // never wrapped, and on the hot path
		return ch, err
	}
	created := channel{name: name, epoch: t.epoch}
	err = t.row("INSERT INTO channels (name, epoch) VALUES (?, ?) RETURNING id", []any{name, t.epoch}, &created.id)
	if err != nil {
		return nil, err
	}
	return t.use(created), nil
}

func (t *tx) use(ch channel) *channel {
	used := &usedChannel{before: ch, now: ch}
	t.used[ch.name] = used
	return &used.now
}

// saveChannels writes the rows that have changed, in the order in which they
// lie on the disk.
func (t *tx) saveChannels() error {
	byID := func(a, b *usedChannel) int { return cmp.Compare(a.now.id, b.now.id) }
	for _, used := range slices.SortedFunc(maps.Values(t.used), byID) {
		if used.now == used.before {
			continue
		}
		ch := &used.now
		_, err := t.exec("UPDATE channels SET last_seq = ?, floor = ?, floor_reason = ?, messages = ?, bytes = ? WHERE id = ?",
			ch.lastSeq, ch.floor, string(ch.reason), ch.messages, ch.bytes, ch.id)
		if err != nil {
			return err
		}
	}
	return nil
}
