package consumer

import (
	"fmt"
	"slices"

	"pushgate/consumer/broker"
)

// batch is a run of records of one partition on their way into the store.
type batch struct {
	first, next int64 // the offsets that it stands for: first to next-1
	entries     []entry
	messages    []Message // of all entries, in order
	bad         []badEntry

	records, bytes, tombstones int
	halt                       error // what stops the partition behind this batch
}

// entry is a record that became messages.
type entry struct {
	record   broker.Record
	messages int
}

// badEntry is one that could not.
type badEntry struct {
	record broker.Record
	why    *badRecord
}

// add puts a record at the end.
func (b *batch) add(r broker.Record, messages []Message, bad *badRecord) {
	b.records++
	b.bytes += r.Size()
	b.next = r.Offset + 1
	if bad != nil {
		b.bad = append(b.bad, badEntry{r, bad})
		return
	}
	b.entries = append(b.entries, entry{r, len(messages)})
	b.messages = append(b.messages, messages...)
}

// tombstone counts a record without a value.
func (b *batch) tombstone(r broker.Record) {
	b.records++
	b.tombstones++
	b.bytes += r.Size()
	b.next = r.Offset + 1
}

// refuse takes the record whose message the engine refused out, as a bad one. It
// answers false if there is no such message.
func (b *batch) refuse(e *RefusedError) bool {
	first := 0
	for i, entry := range b.entries {
		if e.Index < first+entry.messages {
			b.bad = append(b.bad, badEntry{entry.record, &badRecord{reasonRefused, e.Reason}})
			b.entries = slices.Delete(b.entries, i, i+1)
			b.messages = slices.Delete(b.messages, first, first+entry.messages)
			return true
		}
		first += entry.messages
	}
	return false
}

// drop takes away what is stored: all offsets before next. It answers how many
// records that were.
func (b *batch) drop(next int64) int {
	entries, messages := 0, 0
	for entries < len(b.entries) && b.entries[entries].record.Offset < next {
		messages += b.entries[entries].messages
		entries++
	}
	b.entries, b.messages = b.entries[entries:], b.messages[messages:]
	b.first = min(max(b.first, next), b.next)
	return entries
}

// cut ends the batch before an offset.
func (b *batch) cut(offset int64) {
	entries, messages := 0, 0
	for entries < len(b.entries) && b.entries[entries].record.Offset < offset {
		messages += b.entries[entries].messages
		entries++
	}
	b.entries, b.messages = b.entries[:entries], b.messages[:messages]
	b.next = offset
}

// stopAtBad ends the batch before its first bad record, and says why.
func (b *batch) stopAtBad() {
	worst := slices.MinFunc(b.bad, func(x, y badEntry) int { return int(x.record.Offset - y.record.Offset) })
	b.cut(worst.record.Offset)
	b.halt = fmt.Errorf("%w: offset %d: %s", errHalted, worst.record.Offset, worst.why.text)
	b.bad = nil
}
