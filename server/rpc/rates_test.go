package rpc_test

import (
	"fmt"
	"testing"
	"time"

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
