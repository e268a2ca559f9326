package rpc_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/push"
)

func TestHealth(t *testing.T) {
	n := start(t)
	health := healthv1.NewHealthClient(n.conn)
	want := func(state healthv1.HealthCheckResponse_ServingStatus) {
		t.Helper()
		for _, service := range []string{"", "pushgate.v1.PublishService", "pushgate.v1.ControlService", "pushgate.v1.SubscribeService"} {
			r := got(health.Check(patient(t), &healthv1.HealthCheckRequest{Service: service}))(t)
			if r.GetStatus() != state {
				t.Errorf("%q is %s, want %s", service, r.GetStatus(), state)
			}
		}
	}
	want(healthv1.HealthCheckResponse_SERVING)
	n.server.SetServing(false)
	want(healthv1.HealthCheckResponse_NOT_SERVING)
	n.server.SetServing(true)
	want(healthv1.HealthCheckResponse_SERVING)
	_, err := health.Check(patient(t), &healthv1.HealthCheckRequest{Service: "nobody"})
	wantCode(t, err, codes.NotFound)
}

func TestReflection(t *testing.T) {
	n := start(t)
	want := []string{"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection", "pushgate.v1.ControlService", "pushgate.v1.PublishService", "pushgate.v1.SubscribeService"}
	v1 := got(reflectionv1.NewServerReflectionClient(n.conn).ServerReflectionInfo(patient(t)))(t)
	must(t, v1.Send(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}}))
	var names []string
	for _, s := range receive(t, v1).GetListServicesResponse().GetService() {
		names = append(names, s.GetName())
	}
	for _, name := range want {
		if !slices.Contains(names, name) {
			t.Errorf("%s is not among %v", name, names)
		}
	}
	must(t, v1.CloseSend())
	_, err := v1.Recv()
	wantEOF(t, err)
}

// A stop waits for no stream: each is ended, those of others' services too.
func TestStopEndsStreams(t *testing.T) {
	n := start(t)
	c := n.open("alice")
	deliveries := got(n.control.WatchDeliveries(patient(t), &pb.WatchDeliveriesRequest{}))(t)
	got(deliveries.Header())(t)
	stats := got(n.control.WatchStats(patient(t), &pb.WatchStatsRequest{}))(t)
	receive(t, stats)
	publish := got(n.publish.PublishStream(patient(t)))(t)
	must(t, publish.Send(item(1, "news", "1")))
	receive(t, publish)
	reflection := got(reflectionv1.NewServerReflectionClient(n.conn).ServerReflectionInfo(patient(t)))(t)
	must(t, reflection.Send(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}}))
	receive(t, reflection)

	stopped := n.stop()
	closing := c.next().GetClosing()
	if closing.GetCode() != 1001 || closing.GetReason() != "draining" || !closing.GetReconnect() {
		t.Errorf("closing %v", closing)
	}
	_, err := c.stream.Recv()
	wantCode(t, err, codes.Unavailable)
	_, err = deliveries.Recv()
	if retryOf(wantCode(t, err, codes.Unavailable)) <= 0 {
		t.Errorf("no retry: %v", err)
	}
	_, err = publish.Recv()
	wantCode(t, err, codes.Unavailable)
	_, err = reflection.Recv()
	wantCode(t, err, codes.Unavailable)
	for err = nil; err == nil; {
		_, err = stats.Recv()
	}
	wantCode(t, err, codes.Unavailable)
	<-stopped
	if left := n.engine.Sessions(); left != 0 {
		t.Errorf("%d sessions are left", left)
	}
	n.server.Stop(patient(t), 0)
}

func TestStopAnswersWhatIsUnderWay(t *testing.T) {
	n := start(t)
	n.store.hold()
	answered := make(chan error, 1)
	go func() {
		_, err := n.publish.Publish(patient(t), publication)
		answered <- err
	}()
	<-n.store.blocked
	stopped := n.stop()
	select {
	case <-stopped:
		t.Error("the stop did not wait for the publish")
	default:
	}
	n.store.release()
	must(t, <-answered)
	<-stopped
}

// When time is up, what is left is cut off.
func TestStopCutsOff(t *testing.T) {
	n := start(t)
	n.store.hold()
	failed := make(chan error, 1)
	go func() {
		_, err := n.publish.Publish(patient(t), publication)
		failed <- err
	}()
	<-n.store.blocked
	over, cancel := context.WithCancel(context.Background())
	cancel()
	n.server.Stop(over, 0)
	wantCode(t, <-failed, codes.Unavailable)
}

func TestMetrics(t *testing.T) {
	n := start(t)
	n.send("news", "1", "2")
	_, err := n.control.GetChannel(patient(t), &pb.GetChannelRequest{Channel: "nothing"})
	wantCode(t, err, codes.NotFound)
	stream := got(n.publish.PublishStream(patient(t)))(t)
	must(t, stream.Send(item(1, "news", "3")))
	receive(t, stream)
	must(t, stream.CloseSend())
	_, err = stream.Recv()
	wantEOF(t, err)
	for _, c := range []struct {
		name, method, code string
		want               float64
	}{
		{"pushgate_grpc_requests_total", "pushgate.v1.PublishService/Publish", "OK", 2},
		{"pushgate_grpc_request_seconds", "pushgate.v1.PublishService/Publish", "", 2},
		{"pushgate_grpc_requests_total", "pushgate.v1.ControlService/GetChannel", "NotFound", 1},
		{"pushgate_grpc_requests_total", "pushgate.v1.PublishService/PublishStream", "OK", 1},
		{"pushgate_grpc_request_seconds", "pushgate.v1.PublishService/PublishStream", "", 0},
	} {
		if value := n.metric(c.name, c.method, c.code); value != c.want {
			t.Errorf("%s of %s with %q is %v, want %v", c.name, c.method, c.code, value, c.want)
		}
	}
}

// Subscribers are sent away over a period: until it is its turn, each gets what
// is published.
func TestStopSpreadsSubscribers(t *testing.T) {
	n := start(t)
	c := n.open("alice")
	c.subscribe("news")
	watch := got(n.control.WatchStats(patient(t), &pb.WatchStatsRequest{}))(t)
	receive(t, watch)
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		n.server.Stop(ctx, 1000*time.Hour)
	}()
	var err error
	for err == nil {
		_, err = watch.Recv()
	}
	wantCode(t, err, codes.Unavailable)
	got(n.engine.Publish(t.Context(), push.Publication{Channel: "news", Data: []byte(`1`)}))(t)
	c.messages(1, 1)
	cancel()
	<-stopped
}
