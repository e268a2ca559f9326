package crashtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"pushgate/cmd/pushgate/pushgatetest"
	pb "pushgate/proto/gen/pushgate/v1"
)

// publisher publishes until it is told to stop, and tries what was not answered
// again with the same message id until it is.
type publisher struct {
	t        *testing.T
	name     string
	ledger   *ledger
	channels []string
	by       way
	random   *rand.Rand
	// unordered: a batch or a stream whose first part was refused and whose second
	// was not is stored in another order than it was sent.
	unordered bool
	// strict: refusals have to come from the server, with a hint when to retry.
	strict bool
	// padding is the greatest length of a payload's filling.
	padding int
	// pause is how long it waits between two rounds.
	pause time.Duration

	count int
	last  map[string]uint64 // the newest seq of each channel
}

// refusalPause is how long a publisher waits after a refusal: much less than it
// is asked to, so that it meets every state of the server.
const refusalPause = 10 * time.Millisecond

// run publishes until stop is closed. What it has begun, it finishes.
func (p *publisher) run(ctx context.Context, stop <-chan struct{}) {
	p.last = make(map[string]uint64)
	for {
		select {
		case <-stop:
			return
		case <-time.After(p.pause):
		}
		if err := p.round(ctx); err != nil {
			p.t.Errorf("publisher %s: %v", p.name, err)
			return
		}
	}
}

// round publishes some messages until all are answered OK.
func (p *publisher) round(ctx context.Context) error {
	items := p.items()
	answers := make([]*pb.PublishResponse, len(items))
	tries := 0
	for open := indices(items); len(open) > 0; open = unanswered(answers) {
		tries++
		requests := make([]*pb.PublishRequest, len(open))
		for i, index := range open {
			requests[i] = items[index]
		}
		err := p.by.publish(ctx, requests, func(i int, r *pb.PublishResponse, refusal error) error {
			if refusal != nil {
				return p.refused(refusal)
			}
			answers[open[i]] = r
			p.ledger.answer(r)
			return nil
		})
		if err != nil {
			err = p.refused(err)
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if len(unanswered(answers)) > 0 {
			time.Sleep(refusalPause)
		}
	}
	for _, a := range answers {
		if a.GetSeq() <= p.last[a.GetChannel()] && (tries == 1 || !p.unordered) {
			return fmt.Errorf("%s got seq %d after %d", a.GetMessageId(), a.GetSeq(), p.last[a.GetChannel()])
		}
		p.last[a.GetChannel()] = max(p.last[a.GetChannel()], a.GetSeq())
	}
	return nil
}

func (p *publisher) items() []*pb.PublishRequest {
	items := make([]*pb.PublishRequest, 1+p.random.IntN(p.by.most))
	for i := range items {
		p.count++
		id := fmt.Sprintf("%s-%d", p.name, p.count)
		filling := strings.Repeat("x", p.random.IntN(p.padding+1))
		items[i] = &pb.PublishRequest{
			Channel: p.channels[p.random.IntN(len(p.channels))], MessageId: id,
			Data: fmt.Appendf(nil, `{"id": "%s", "filling":"%s"}`, id, filling),
		}
		p.ledger.send(items[i])
	}
	return items
}

// refused answers nil for a refusal after which one tries again.
func (p *publisher) refused(err error) error {
	p.ledger.refused()
	s := status.Convert(err)
	if s.Code() != codes.Unavailable {
		return fmt.Errorf("refused with %s: %s", s.Code(), s.Message())
	}
	if p.strict && !hasRetryInfo(s) {
		return fmt.Errorf("refused without RetryInfo: %s", s.Message())
	}
	return nil
}

func hasRetryInfo(s *status.Status) bool {
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok && info.GetRetryDelay().AsDuration() > 0 {
			return true
		}
	}
	return false
}

func indices(items []*pb.PublishRequest) []int {
	all := make([]int, len(items))
	for i := range all {
		all[i] = i
	}
	return all
}

func unanswered(answers []*pb.PublishResponse) []int {
	var open []int
	for i, a := range answers {
		if a == nil {
			open = append(open, i)
		}
	}
	return open
}

// load is how much a test publishes: less with the race detector, under which
// SQLite above all is slow.
func load(messages int) int {
	if pushgatetest.Raced() {
		return messages / 5
	}
	return messages
}

// press runs publishers, and answers a function that stops them when all they
// have begun is answered.
func press(t *testing.T, publishers ...*publisher) (finish func()) {
	t.Helper()
	stop := make(chan struct{})
	var running sync.WaitGroup
	for _, p := range publishers {
		running.Go(func() { p.run(t.Context(), stop) })
	}
	finish = sync.OnceFunc(func() {
		close(stop)
		running.Wait()
	})
	t.Cleanup(finish)
	return finish
}
