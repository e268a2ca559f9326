package ws

import "github.com/prometheus/client_golang/prometheus"

// compressionMetrics count what compression costs and what it gains.
type compressionMetrics struct {
	connections          prometheus.Gauge
	messages, seconds    prometheus.Counter
	before, after        prometheus.Counter
	busy, incompressible prometheus.Counter
	inflated             prometheus.Counter
}

func newCompressionMetrics(registry prometheus.Registerer) *compressionMetrics {
	counter := func(name, help string, labels prometheus.Labels) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels})
		registry.MustRegister(c)
		return c
	}
	bytes := func(form string) prometheus.Counter {
		return counter("pushgate_compression_bytes_total",
			"Bytes of the frames that were compressed, before and after.", prometheus.Labels{"form": form})
	}
	skipped := func(reason string) prometheus.Counter {
		return counter("pushgate_compression_skipped_total",
			"Frames above the threshold that go out as they are: busy (too many to compress), incompressible.",
			prometheus.Labels{"reason": reason})
	}
	m := &compressionMetrics{
		connections: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "pushgate_compressed_connections", Help: "Connections that negotiated permessage-deflate.",
		}),
		messages: counter("pushgate_compressed_messages_total", "Frames that were compressed, each once for all connections.", nil),
		seconds:  counter("pushgate_compression_seconds_total", "Time spent on compressing.", nil),
		before:   bytes("plain"), after: bytes("compressed"),
		busy: skipped("busy"), incompressible: skipped("incompressible"),
		inflated: counter("pushgate_inflated_frames_total", "Clients' frames that came compressed.", nil),
	}
	registry.MustRegister(m.connections)
	return m
}
