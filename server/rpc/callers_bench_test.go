package rpc_test

import (
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/server/auth/caller"
	"pushgate/server/rpc"
)

// What a key costs: rounds of unary calls without callers in the configuration and with
// one that has a key, a right by pattern and a rate, in turns. key/open is the ratio of
// their times.
func BenchmarkCallers(b *testing.B) {
	const channel = "orders:1"
	open := start(b)
	key := caller.NewKey()
	directory, err := caller.NewDirectory(caller.Options{Callers: []caller.Settings{{
		Name: "shop", Keys: []caller.Hash{caller.HashOf(key)}, Publish: []string{"invoices:*", "orders:*"}, Messages: 1e9,
	}}})
	if err != nil {
		b.Fatal(err)
	}
	keyed := startWith(b, func(_ *node, o *rpc.Options) { o.Callers = directory })
	clients := map[string]pb.PublishServiceClient{
		"open": pb.NewPublishServiceClient(open.connect()), "key": pb.NewPublishServiceClient(keyed.connect(grpc.WithPerRPCCredentials(bearer(key)))),
	}
	round := func(client pb.PublishServiceClient, calls int) time.Duration {
		const callers = 16
		began := time.Now()
		var wait sync.WaitGroup
		for range callers {
			wait.Go(func() {
				for range calls / callers {
					if _, err := client.Publish(b.Context(), &pb.PublishRequest{Channel: channel, Data: []byte("1"), Ephemeral: true}); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wait.Wait()
		return time.Since(began)
	}
	spent := map[string]time.Duration{}
	for b.Loop() {
		for _, name := range []string{"open", "key"} {
			spent[name] += round(clients[name], 8_000)
		}
	}
	b.ReportMetric(spent["key"].Seconds()/spent["open"].Seconds(), "key/open")
	b.ReportMetric(float64(spent["open"].Microseconds())/float64(b.N)/8_000, "µs/open-call")
}
