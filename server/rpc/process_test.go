package rpc_test

import (
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	pb "pushgate/proto/gen/pushgate/v1"
)

// process stands for the one that the server is part of.
type process struct {
	drained atomic.Int64
}

// Drain is part of rpc.Process.
func (p *process) Drain() time.Duration {
	p.drained.Add(1)
	return time.Minute
}

func TestDrain(t *testing.T) {
	n := start(t)
	n.open("alice")
	r := got(n.control.Drain(patient(t), &pb.DrainRequest{}))(t)
	if n.process.drained.Load() != 1 || r.GetConnections() != 1 || r.GetPeriod().AsDuration() != time.Minute {
		t.Errorf("%d times: %v", n.process.drained.Load(), r)
	}
}

// From the beginning of a drain nobody new is taken; calls go on being answered.
func TestBeginDrain(t *testing.T) {
	n := start(t)
	c := n.open("alice")
	n.server.BeginDrain()
	n.server.SetServing(true)
	r := got(healthv1.NewHealthClient(n.conn).Check(patient(t), &healthv1.HealthCheckRequest{}))(t)
	if r.GetStatus() != healthv1.HealthCheckResponse_NOT_SERVING {
		t.Errorf("health is %s", r.GetStatus())
	}
	refused := got(n.subscribe.Subscribe(patient(t)))(t)
	_, err := refused.Recv()
	if retryOf(wantCode(t, err, codes.Unavailable)) <= 0 {
		t.Errorf("no retry: %v", err)
	}
	c.subscribe("chat:1")
	n.send("chat:1", "1")
	c.message()
}
