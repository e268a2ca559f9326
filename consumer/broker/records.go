package broker

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// Errors of a record batch that cannot be read. Reading it again leads to the
// same, unless the answer was damaged on its way.
var (
	// ErrCorrupt: the batch is not what its checksum or its lengths say.
	ErrCorrupt = errors.New("corrupt record batch")
	// ErrFormat: the batch has the message format of Kafka before 0.11, or a codec
	// that is not known.
	ErrFormat = errors.New("unknown format of a record batch")
)

// Record is a record as it was produced. Its bytes are its own.
type Record struct {
	Offset int64
	Time   time.Time
	Key    []byte // nil: none
	Value  []byte // nil: a tombstone, unless TooLong
	// Headers may have a name several times.
	Headers []Header
	// TooLong: the key, the value or the headers are longer than a Records reads,
	// and were left out.
	TooLong bool
}

// Header is a record's header.
type Header struct {
	Name  string
	Value []byte
}

// Size is what the record takes in memory, about; bytes.
func (r Record) Size() int {
	size := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		size += len(h.Name) + len(h.Value)
	}
	return size
}

// transaction is one that was aborted.
type transaction struct{ producer, first int64 }

// Records are the records of one answer, read one by one.
type Records struct {
	// End is the offset behind the newest record that could be read then.
	End int64

	set     []byte // what is left of the answer
	from    int64  // records below it were not asked for
	next    int64
	aborted []transaction // not begun yet, in the order of their first offsets
	// rolledBack are the producers whose records are left out now.
	rolledBack map[int64]bool

	batch *batch // being read
}

func newRecords(from int64) *Records {
	return &Records{from: from, next: from, rolledBack: map[int64]bool{}}
}

// Next answers the next record, or io.EOF behind the last. maxBytes bounds each
// of a record's key, value and headers: a longer part is left out, and marked.
func (r *Records) Next(maxBytes int) (Record, error) {
	for {
		if r.batch == nil {
			if err := r.open(); err != nil {
				return Record{}, err
			}
			continue
		}
		record, err := r.batch.record(maxBytes)
		if errors.Is(err, io.EOF) {
			r.next = max(r.next, r.batch.last+1)
			r.batch.close()
			r.batch = nil
			continue
		}
		if err != nil {
			return Record{}, err
		}
		if record.Offset < r.from {
			continue
		}
		r.next = record.Offset + 1
		return record, nil
	}
}

// After is the offset to fetch next: behind all that this answer holds. It reads
// nothing but lengths.
func (r *Records) After() (int64, error) {
	next := r.from
	for set := r.set; ; {
		b, rest, err := openBatch(set)
		if errors.Is(err, io.EOF) || err != nil && next > r.from {
			break // what comes before a bad batch is read first
		}
		if err != nil {
			return 0, err
		}
		next, set = max(next, b.last+1), rest
	}
	if len(r.set) > 0 && next == r.from {
		return 0, fmt.Errorf("no whole batch in %d bytes: %w", len(r.set), ErrCorrupt)
	}
	return next, nil
}

// Position is the offset to go on at, behind what Next has answered or passed over.
func (r *Records) Position() int64 { return r.next }

// open begins the next batch, or passes over one that has nothing for a reader.
func (r *Records) open() error {
	b, rest, err := openBatch(r.set)
	if err != nil {
		return err
	}
	r.set = rest
	for len(r.aborted) > 0 && r.aborted[0].first <= b.last {
		r.rolledBack[r.aborted[0].producer] = true
		r.aborted = r.aborted[1:]
	}
	switch {
	case b.control():
		// Whatever it ended, committed or aborted, what the producer sends next is new.
		delete(r.rolledBack, b.producer)
	case b.transactional() && r.rolledBack[b.producer]:
	default:
		if err := b.decompress(); err != nil {
			return err
		}
		r.batch = b
		return nil
	}
	r.next = max(r.next, b.last+1)
	return nil
}

// Close gives back what reading took; an answer that was read to its end needs none.
func (r *Records) Close() {
	if r.batch != nil {
		r.batch.close()
		r.batch = nil
	}
	r.set = nil
}
