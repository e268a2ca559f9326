package config

import "pushgate/server/ws"

// Compression is what WebSocket clients are offered; nil: nothing.
func (f *Flags) Compression() *ws.Compression {
	if !f.HTTP.Compression {
		return nil
	}
	return &ws.Compression{
		Level:       f.HTTP.CompressionLevel,
		Threshold:   int(f.HTTP.CompressionThreshold),
		Concurrency: f.HTTP.CompressionConcurrency,
	}
}
