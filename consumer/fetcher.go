package consumer

import (
	"context"
	"errors"
	"time"

	"pushgate/consumer/broker"
)

// fetcher reads ahead: one answer waits to be taken while nothing is asked for.
type fetcher struct {
	answers chan *broker.Records
	failure error // after answers was closed
	cancel  context.CancelFunc
}

// startFetcher reads on from begin, which it takes over.
func startFetcher(ctx context.Context, begin beginning, maxBytes int, wait time.Duration) *fetcher {
	ctx, cancel := context.WithCancel(ctx)
	f := &fetcher{answers: make(chan *broker.Records), cancel: cancel}
	request := broker.Fetch{
		Topic: begin.topic, Partition: begin.partition, Offset: begin.offset, MaxBytes: maxBytes, MaxWait: wait,
	}
	go func() {
		defer close(f.answers)
		defer begin.conn.Close()
		f.failure = f.run(ctx, begin.conn, request)
	}()
	return f
}

func (f *fetcher) run(ctx context.Context, conn *broker.Conn, request broker.Fetch) error {
	for {
		records, err := conn.Fetch(ctx, request)
		if err != nil {
			return err
		}
		if request.Offset, err = records.After(); err != nil {
			return err
		}
		select {
		case f.answers <- records:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stop ends it and waits for it.
func (f *fetcher) stop() {
	f.cancel()
	for range f.answers {
		continue // until it is closed
	}
}

// errNothing: no answer came in time.
var errNothing = errors.New("nothing came")

// take waits for the next answer; with a timeout of 0 it takes what is there.
// A negative timeout is none.
func (f *fetcher) take(ctx context.Context, timeout time.Duration) (*broker.Records, error) {
	var expired <-chan time.Time
	if timeout == 0 {
		select {
		case records, ok := <-f.answers:
			return f.taken(records, ok)
		default:
			return nil, errNothing
		}
	}
	if timeout > 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case records, ok := <-f.answers:
		return f.taken(records, ok)
	case <-expired:
		return nil, errNothing
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (f *fetcher) taken(records *broker.Records, ok bool) (*broker.Records, error) {
	if !ok {
		return nil, f.failure
	}
	return records, nil
}
