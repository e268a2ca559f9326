package limittest

import (
	"context"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"pushgate/cmd/pushgate/pushgatetest"
	pb "pushgate/proto/gen/pushgate/v1"
)

// greet opens a connection for gRPC and says nothing but hello.
func (n *node) greet() net.Conn {
	n.t.Helper()
	c, err := net.Dial("tcp", n.GRPC)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = c.Close() })
	const hello = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	_, _ = c.Write([]byte(hello)) // the node may have closed it already
	return c
}

// caller opens a connection for gRPC.
func (n *node) caller() *grpc.ClientConn {
	n.t.Helper()
	conn, err := grpc.NewClient(n.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// Who connects for gRPC and shows nothing takes few files, and keeps nobody out.
func TestStrangersOfGRPC(t *testing.T) {
	t.Parallel()
	n := start(t, with("--limits-grpc-sockets=32"))
	n.send("news", `1`)
	ctx, cancel := context.WithTimeout(t.Context(), 2*pushgatetest.Patience)
	defer cancel()
	for range 3 {
		for range 30 {
			n.greet()
		}
		conn := n.caller()
		if _, err := pb.NewPublishServiceClient(conn).Publish(ctx, &pb.PublishRequest{Channel: "news", Data: []byte(`1`)}); err != nil {
			t.Fatal(err)
		}
		if _, err := healthv1.NewHealthClient(n.caller()).Check(ctx, &healthv1.HealthCheckRequest{}); err != nil {
			t.Fatal(err)
		}
		n.send("news", `1`)
		if strangers := n.metric(`pushgate_grpc_sockets{whose="strangers"}`); strangers > 16 {
			t.Errorf("%d strangers", strangers)
		}
	}
	if n.refused("grpc_stranger") == 0 || n.metric(`pushgate_grpc_sockets{whose="callers"}`) != 4 {
		t.Error("the metrics do not show it")
	}
}

// BenchmarkStrangers: the resident memory of a socket of gRPC on which nobody is known, as
// admission.CapacityOf reckons with it: bare, and with as many watches as there may be.
//
//	go test -run '^$' -bench Strangers -benchtime 1x ./cmd/pushgate/limittest
func BenchmarkStrangers(b *testing.B) {
	const sockets, watches = 256, 4
	for b.Loop() {
		n := start(b, with("--limits-grpc-sockets=4096"))
		before := n.anonymous()
		for range sockets {
			n.greet()
		}
		n.eventually("all are there", func() bool { return n.metric(`pushgate_grpc_sockets{whose="strangers"}`) == sockets })
		bare := n.anonymous()
		b.ReportMetric(float64(bare-before)/sockets/1024, "KiB/bare-socket")
		for range sockets {
			client := healthv1.NewHealthClient(n.caller())
			for range watches {
				stream, err := client.Watch(b.Context(), &healthv1.HealthCheckRequest{})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := stream.Recv(); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64(n.anonymous()-bare)/sockets/1024, "KiB/watching-socket")
		b.ReportMetric(0, "ns/op")
		n.Kill()
	}
}
