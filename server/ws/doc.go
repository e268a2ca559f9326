// Package ws carries push sessions over WebSocket connections (RFC 6455).
//
// github.com/coder/websocket does the handshake, all reads, the protocol checks
// and the answers to control frames. Data frames are the engine's: encoded once
// and written raw to the connection by the type conn, which is the only place
// that writes. Every write of coder/websocket is one whole control frame, because
// its bufio.Writer holds the largest (127 bytes); so frames never interleave.
//
// Compressed messages (RFC 7692) are kept from coder/websocket too: a frame is
// compressed once for all connections, by the type compressor, and what a client
// has compressed comes to coder/websocket as a plain frame, by the type inflater.
//
// # Goroutines
//
// One goroutine per connection that waits for something to come, on the smallest
// stack there is, and while something comes a reader; all are joined by
// Server.Close. (TLS has no socket to wait on: there each connection has a reader.)
// GOMAXPROCS writers, owned by the Server: they drain the outboxes
// of the connections that have something to send, several frames in one write
// where several are there, and never block. A connection that does not take a
// write at once gets a goroutine of its own until it is in step again. One goroutine
// for the heartbeats of all connections, and one for each compression that may be
// under way.
//
// # Locks
//
// conn.mu, then the session's lock (in Drain), then writer.mu (in wake) or
// compressor.mu (in Form). No lock is held while a write may block, or something is
// being compressed.
package ws
