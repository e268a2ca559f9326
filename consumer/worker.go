package consumer

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"pushgate/store"
)

// worker reads one partition through one generation.
type worker struct {
	*Consumer
	source    *source
	committed int64 // what Kafka knows; negative: nothing
	share     int   // of Config.Memory
	progress  *progress
	logger    *slog.Logger
	backoff   backoff

	// incarnation and life are those of the topic's log that is read.
	incarnation string
	life        int
	// said is the last failure that was logged.
	said struct {
		text string
		at   time.Time
	}
}

// errHalted: a bad record has stopped the partition.
var errHalted = errors.New("a record cannot become a message")

// run reads until ctx ends; whatever fails is begun again from the position in
// the store.
func (w *worker) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := w.stream(ctx)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, errHalted) {
			w.progress.halt(err)
			w.logger.Error("the partition is stopped until the record is dealt with", "error", err)
			<-ctx.Done()
			return
		}
		w.retrying("read", err)
		w.backoff.wait(ctx)
	}
}

// retrying notes a failure that will be tried again.
func (w *worker) retrying(operation string, err error) {
	w.metrics.failures.WithLabelValues(operation).Inc()
	w.progress.failed(err)
	level := slog.LevelWarn
	if err.Error() == w.said.text && time.Since(w.said.at) < sayAgain {
		level = slog.LevelDebug
	} else {
		w.said.text, w.said.at = err.Error(), time.Now()
	}
	w.logger.Log(context.Background(), level, "it failed and is tried again", "operation", operation, "error", err)
}

// sayAgain is how often the same failure of a partition is logged.
const sayAgain = time.Minute

// stream finds the position, connects to the partition's leader, and stores what
// it sends, until something fails.
func (w *worker) stream(ctx context.Context) error {
	w.progress.begin("starting")
	begin, err := w.begin(ctx)
	if err != nil {
		return err
	}
	w.incarnation, w.life = begin.topic.String(), begin.life
	f := startFetcher(ctx, begin, w.fetchBytes(), w.cfg.timing.wait)
	defer f.stop()
	g := &gatherer{worker: w, fetcher: f, position: begin.offset}
	defer g.close()
	w.progress.found(begin.offset)
	for {
		b, failure := g.next(ctx)
		if err := w.store(ctx, b); err != nil {
			return err
		}
		if failure != nil {
			return failure
		}
		w.backoff.reset()
	}
}

// fetchBytes leaves room for two answers and a batch.
func (w *worker) fetchBytes() int { return min(max(w.share/4, 16<<10), 1<<20) }

// batchBytes bounds the records of one batch.
func (w *worker) batchBytes() int { return min(w.source.BatchBytes, max(w.share/2, 16<<10)) }

// store brings a batch into the store, however often it has to try. It answers
// an error when the partition is halted, or ctx ended first.
func (w *worker) store(ctx context.Context, b *batch) error {
	for b.next > b.first {
		if err := w.bury(ctx, b); err != nil {
			return err
		}
		if b.next == b.first {
			break
		}
		w.progress.begin("storing")
		began := time.Now()
		err := w.publisher.Ingest(ctx, b.messages, store.Position{
			SourceKey: w.key(w.progress.Partition), Incarnation: w.incarnation, Life: w.life, First: b.first, Next: b.next,
		})
		var refused *RefusedError
		var replayed *store.ReplayedError
		switch {
		case err == nil:
			w.metrics.done(w.source.Name, b, time.Since(began))
			w.progress.stored(b.next)
			w.backoff.reset()
			return w.halted(b)
		case errors.As(err, &refused) && b.refuse(refused):
		case errors.As(err, &replayed) && replayed.Stored.Life == w.life:
			w.metrics.replayed.WithLabelValues(w.source.Name).Add(float64(b.drop(replayed.Stored.Next)))
			w.progress.stored(min(b.next, replayed.Stored.Next))
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, store.ErrReplayed):
			return err // another member has found the log cut back
		default:
			w.retrying("store", err)
			if !w.backoff.wait(ctx) {
				return ctx.Err()
			}
		}
	}
	return w.halted(b)
}

func (w *worker) halted(b *batch) error {
	if b.halt == nil {
		return nil
	}
	return b.halt
}
