package rpc_test

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/server/rpc"
)

// process stands for the one that the server is part of.
type process struct {
	drained atomic.Int64
	broken  atomic.Bool
	panics  atomic.Bool
}

// Drain is part of rpc.Process.
func (p *process) Drain() time.Duration {
	if p.panics.Load() {
		panic("for a test")
	}
	p.drained.Add(1)
	return time.Minute
}

// Reload is part of rpc.Process.
func (p *process) Reload() (rpc.Reloaded, error) {
	if p.broken.Load() {
		return rpc.Reloaded{}, errors.New("pushgate.yaml:3: limits.max_payload: it is too much")
	}
	return rpc.Reloaded{Applied: []string{"limits.max_payload"}, Restart: []string{"http.address", "node"}, Problems: []string{"log.audit: it is full"}}, nil
}

func TestReloadConfiguration(t *testing.T) {
	n := start(t)
	r := got(n.control.ReloadConfiguration(patient(t), &pb.ReloadConfigurationRequest{}))(t)
	if !slices.Equal(r.GetApplied(), []string{"limits.max_payload"}) || !slices.Equal(r.GetRestartRequired(), []string{"http.address", "node"}) ||
		!slices.Equal(r.GetProblems(), []string{"log.audit: it is full"}) {
		t.Errorf("got %v", r)
	}
	n.process.broken.Store(true)
	_, err := n.control.ReloadConfiguration(patient(t), &pb.ReloadConfigurationRequest{})
	if s := wantCode(t, err, codes.FailedPrecondition); s.Message() != "pushgate.yaml:3: limits.max_payload: it is too much" {
		t.Errorf("got %q", s.Message())
	}
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
