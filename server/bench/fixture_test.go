package bench_test

import (
	"context"
	"fmt"
	"net"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/push"
	"pushgate/server/rpc"
	"pushgate/server/ws"
	"pushgate/store/postgres"
	"pushgate/store/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	rounds = 3               // of which the median counts
	span   = 2 * time.Second // of one measurement
)

var payload = []byte(`{"text":"` + string(make128()) + `"}`)

func make128() []byte {
	text := make([]byte, 117)
	for i := range text {
		text[i] = 'a' + byte(i%26)
	}
	return text
}

// node is a whole node on a database of its own.
type node struct {
	engine *push.Engine
	store  *postgres.Store
	http   *httptest.Server
	client pb.PublishServiceClient
}

func startNode(b *testing.B, url string, change ...func(*ws.Options)) *node {
	b.Helper()
	s, err := postgres.Open(b.Context(), url, postgres.Options{})
	if err != nil {
		b.Fatal(err)
	}
	if _, _, err := s.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	cfg := push.DefaultConfig()
	engine, err := push.New(s, cfg)
	if err != nil {
		b.Fatal(err)
	}
	engine.Start()
	api := rpc.New(engine, rpc.Options{Logger: cfg.Logger, Registry: prometheus.NewRegistry()})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- api.Serve(listener) }()
	options := ws.Options{MaxFrame: cfg.MaxFrame, Logger: cfg.Logger}
	for _, f := range change {
		f(&options)
	}
	sockets := ws.New(engine, options)
	web := httptest.NewServer(sockets)
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = conn.Close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		api.Stop(ctx, 0)
		if err := <-served; err != nil {
			b.Error(err)
		}
		sockets.Close()
		web.Close()
		engine.Stop()
		_ = s.Close()
	})
	return &node{engine: engine, store: s, http: web, client: pb.NewPublishServiceClient(conn)}
}

// compare measures ours and a reference in turns, and reports the medians and
// their ratio.
func compare(b *testing.B, unit, referenceName string, ours, reference func() float64) {
	b.Helper()
	var mine, theirs, ratios []float64
	for range rounds {
		r, o := reference(), ours()
		mine, theirs, ratios = append(mine, o), append(theirs, r), append(ratios, o/r)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(mine), unit)
	b.ReportMetric(median(theirs), fmt.Sprintf("%s:%s", referenceName, unit))
	b.ReportMetric(median(ratios), "ratio")
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}
