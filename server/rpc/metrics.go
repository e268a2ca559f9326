package rpc

import (
	"context"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
)

// metrics counts calls by method. Those of methods that do not exist count as one, so
// there is a bounded number of label values.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMetrics(registry prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pushgate_grpc_requests_total", Help: "gRPC calls that ended, by method and status code; a stream counts once.",
		}, []string{"method", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "pushgate_grpc_request_seconds", Help: "Time of gRPC calls that are not streams.",
			Buckets: prometheus.ExponentialBuckets(0.0002, 2.5, 13),
		}, []string{"method"}),
	}
	registry.MustRegister(m.requests, m.seconds)
	return m
}

func (m *metrics) ended(method string, err error) {
	m.requests.WithLabelValues(labelOf(method), status.Code(err).String()).Inc()
}

func labelOf(method string) string {
	if _, known := rights[method]; !known {
		return unknownMethod
	}
	return strings.TrimPrefix(method, "/")
}

func (s *Server) measureUnary(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	start := time.Now()
	response, err := handler(ctx, request)
	s.metrics.seconds.WithLabelValues(labelOf(info.FullMethod)).Observe(time.Since(start).Seconds())
	s.metrics.ended(info.FullMethod, err)
	return response, err
}

func (s *Server) measureStream(service any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	err := handler(service, stream)
	s.metrics.ended(info.FullMethod, err)
	return err
}
