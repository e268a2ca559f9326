package rpc_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/server/auth/caller"
)

// A batch that is too large for its caller's rate gets on whenever it is tried again,
// because what is there already costs nothing.
func TestBatchesThatAreTriedAgain(t *testing.T) {
	const size = 12
	slow := caller.Settings{Name: "slow", Keys: hashes(publishKey), Publish: []string{"*"}, Messages: 5}
	n, _ := guarded(t, caller.Options{Callers: []caller.Settings{slow}})
	channels := make([]string, size)
	for i := range channels {
		channels[i] = fmt.Sprint("c", i)
	}
	batch := &pb.PublishBatchRequest{}
	for i := range size {
		batch.Requests = append(batch.Requests, &pb.PublishRequest{Channel: "one", Data: []byte("1"), MessageId: fmt.Sprint(i)})
	}
	p := n.as(publishKey).publish
	for name, test := range map[string]struct {
		try func() []*pb.PublishResult
		seq func(item int) uint64
	}{
		"broadcast": {
			func() []*pb.PublishResult {
				return got(p.Broadcast(patient(t), &pb.BroadcastRequest{Channels: channels, Data: []byte("1"), MessageId: "x"}))(t).GetResults()
			},
			func(int) uint64 { return 1 },
		},
		"batch": {
			func() []*pb.PublishResult { return got(p.PublishBatch(patient(t), batch))(t).GetResults() },
			func(item int) uint64 { return uint64(item) + 1 },
		},
	} {
		t.Run(name, func(t *testing.T) {
			done := 0
			for tries := 0; done < size; tries++ {
				taken, wait := 0, time.Duration(0)
				for i, r := range test.try() {
					if r.GetError() == nil {
						if taken++; taken != i+1 || r.GetResponse().GetSeq() != test.seq(i) {
							t.Fatalf("item %d, behind one that is refused or with a wrong seq: %v", i, r)
						}
						continue
					}
					wait = max(wait, retryOf(status.FromProto(r.GetError())))
				}
				if tries > 0 && taken <= done {
					t.Fatalf("try %d: %d are there, before it were %d", tries, taken, done)
				}
				done = taken
				select {
				case <-time.After(wait): // as it was told
				case <-t.Context().Done():
				}
			}
		})
	}
}

// However unlike its messages are, a batch gets on for whoever comes again when told to.
func TestUnlikeMessages(t *testing.T) {
	for name, test := range map[string]struct {
		messages, bytes int
		sizes           []int
	}{
		"small and large":                 {0, 1000, []int{100, 950}},
		"small and larger than a second":  {0, 1000, []int{100, 2000}},
		"large, small and large":          {0, 1000, []int{2000, 100, 950}},
		"few messages, the last is large": {2, 0, []int{10, 10, 100}},
		"both":                            {2, 1000, []int{10, 10, 900, 10}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			slow := caller.Settings{Name: "slow", Keys: hashes(publishKey), Publish: []string{"*"}, Messages: test.messages, Bytes: test.bytes}
			n, _ := guarded(t, caller.Options{Callers: []caller.Settings{slow}})
			batch := &pb.PublishBatchRequest{}
			for i, size := range test.sizes {
				batch.Requests = append(batch.Requests, &pb.PublishRequest{
					Channel: "a", Data: bytes.Repeat([]byte("x"), size), ContentType: "text/plain", MessageId: fmt.Sprint(i),
				})
			}
			p := n.as(publishKey).publish
			for tries := 0; ; tries++ {
				wait := time.Duration(0)
				for _, r := range got(p.PublishBatch(patient(t), batch))(t).GetResults() {
					if r.GetError() != nil {
						wait = max(wait, retryOf(status.FromProto(r.GetError())))
					}
				}
				if wait == 0 {
					break
				}
				if tries > 3*len(test.sizes) {
					t.Fatalf("it is not done after %d tries", tries)
				}
				select {
				case <-time.After(wait):
				case <-t.Context().Done():
				}
			}
		})
	}
}

// What a caller may not is told it, behind what has to wait too.
func TestForbiddenBehindWhatWaits(t *testing.T) {
	slow := caller.Settings{Name: "slow", Keys: hashes(publishKey), Publish: []string{"mine"}, Messages: 2}
	n, _ := guarded(t, caller.Options{Callers: []caller.Settings{slow}})
	batch := &pb.PublishBatchRequest{}
	want := []codes.Code{codes.OK, codes.OK, codes.ResourceExhausted, codes.PermissionDenied, codes.InvalidArgument, codes.ResourceExhausted}
	for _, channel := range []string{"mine", "mine", "mine", "foreign", "", "mine"} {
		batch.Requests = append(batch.Requests, &pb.PublishRequest{Channel: channel, Data: []byte("1")})
	}
	for i, r := range got(n.as(publishKey).publish.PublishBatch(patient(t), batch))(t).GetResults() {
		if code := codes.Code(r.GetError().GetCode()); code != want[i] {
			t.Errorf("item %d is answered %v, want %v", i, code, want[i])
		}
	}
}
