package consumer

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"

	"pushgate/consumer/broker"
	"pushgate/store"
)

// beginning is where a partition is read from, with a connection to its leader.
type beginning struct {
	conn      *broker.Conn
	topic     broker.ID
	partition int
	life      int // of the topic's log, see store.Position
	offset    int64
}

// begin finds out where to start: at the position in the store; if there is none,
// where Kafka has committed; if nowhere, where the source says.
func (w *worker) begin(ctx context.Context) (_ beginning, err error) {
	p := w.progress.Partition
	stored, err := w.publisher.Positions(ctx, []store.SourceKey{w.key(p)})
	if err != nil {
		return beginning{}, fmt.Errorf("reading the position: %w", err)
	}
	topic, conn, err := w.connect(ctx, p)
	if err != nil {
		return beginning{}, err
	}
	defer func() {
		if err != nil {
			conn.Close()
		}
	}()
	begin := beginning{conn: conn, topic: topic.ID, partition: p.ID}
	log, err := w.ends(ctx, conn, p)
	if err != nil {
		return beginning{}, err
	}
	switch at := slices.IndexFunc(stored, of(topic)); {
	case at >= 0:
		begin.life, begin.offset, err = w.resume(ctx, conn, stored[at], log)
	case len(stored) > 0:
		w.logger.Warn("the topic was created anew: it is read from its beginning", "offset", log.first)
		begin.offset = log.first
	default:
		begin.offset, err = w.first(ctx, topic, log)
	}
	return begin, err
}

// of says whether a position is of this topic, not of one that had its name before.
func of(topic broker.Topic) func(store.Position) bool {
	return func(p store.Position) bool { return p.Incarnation == topic.ID.String() }
}

func (w *worker) key(p broker.Partition) store.SourceKey {
	return store.SourceKey{Source: w.cfg.GroupID, Topic: p.Topic, Partition: p.ID}
}

// connect connects to the leader of a partition.
func (w *worker) connect(ctx context.Context, p broker.Partition) (broker.Topic, *broker.Conn, error) {
	some, err := w.dialer.Any(ctx)
	if err != nil {
		return broker.Topic{}, nil, err
	}
	defer some.Close()
	cluster, err := some.Metadata(ctx, p.Topic)
	if err != nil {
		return broker.Topic{}, nil, err
	}
	address, err := cluster.Leader(p.Topic, p.ID)
	if err != nil {
		return broker.Topic{}, nil, err
	}
	conn, err := w.dialer.Dial(ctx, address)
	return cluster.Topics[p.Topic], conn, err
}

// extent is the part of a log that is there.
type extent struct{ first, end int64 }

func (w *worker) ends(ctx context.Context, conn *broker.Conn, p broker.Partition) (extent, error) {
	first, err := conn.First(ctx, p)
	if err != nil {
		return extent{}, err
	}
	end, err := conn.End(ctx, p)
	if err != nil {
		return extent{}, err
	}
	w.progress.measured(end[p])
	return extent{first[p], end[p]}, nil
}

// first is where a partition starts of which nothing is stored.
func (w *worker) first(ctx context.Context, topic broker.Topic, log extent) (int64, error) {
	if w.committed >= 0 && w.committed <= log.end {
		return w.reachable(w.committed, log), nil
	}
	if w.source.Start == Earliest {
		return log.first, nil
	}
	// A partition that was added to a topic which is read already is read from its
	// beginning: what came before it was noticed would be lost.
	keys := make([]store.SourceKey, len(topic.Leaders))
	for i := range keys {
		keys[i] = w.key(broker.Partition{Topic: topic.Name, ID: i})
	}
	others, err := w.publisher.Positions(ctx, keys)
	if err != nil {
		return 0, fmt.Errorf("reading positions: %w", err)
	}
	if slices.ContainsFunc(others, of(topic)) {
		return log.first, nil
	}
	// Stored at once, so that "latest" is the same after a crash.
	return log.end, w.publisher.Ingest(ctx, nil, store.Position{
		SourceKey: w.key(w.progress.Partition), Incarnation: topic.ID.String(), First: log.end, Next: log.end,
	})
}

// resume goes on at the stored position.
func (w *worker) resume(ctx context.Context, conn *broker.Conn, stored store.Position, log extent) (life int, offset int64, err error) {
	if stored.Next <= log.end {
		return stored.Life, w.reachable(stored.Next, log), nil
	}
	// A new leader may show less than there is for a moment.
	for deadline := time.Now().Add(w.cfg.timing.truncated); time.Now().Before(deadline); {
		w.progress.failed(kafka.OffsetOutOfRange)
		if !w.backoff.wait(ctx) {
			return 0, 0, ctx.Err()
		}
		if log, err = w.ends(ctx, conn, w.progress.Partition); err != nil {
			return 0, 0, err
		}
		if stored.Next <= log.end {
			return stored.Life, w.reachable(stored.Next, log), nil
		}
	}
	w.logger.Error("the partition has lost records that were read already (an unclean election, perhaps): what is written now is taken for new",
		"position", stored.Next, "end", log.end)
	// Stored at once, so that the same records are new after a crash.
	stored.Life, stored.First, stored.Next = stored.Life+1, log.end, log.end
	return stored.Life, log.end, w.publisher.Ingest(ctx, nil, stored)
}

// reachable is next, or the log's beginning where Kafka has deleted what was next.
func (w *worker) reachable(next int64, log extent) int64 {
	if next >= log.first {
		return next
	}
	missing := log.first - next
	w.metrics.missing.WithLabelValues(w.progress.Topic).Add(float64(missing))
	w.logger.Error("KAFKA HAS DELETED RECORDS THAT WERE NOT READ: the topic's retention is shorter than the time for which nothing was read",
		"missing", missing, "from", next, "to", log.first-1)
	return log.first
}
