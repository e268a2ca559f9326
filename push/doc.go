// Package push is the delivery engine: it takes messages, stores them, hands them
// to live sessions, and brings those that are behind up to date. It knows no
// gRPC, no SQL and no HTTP; it speaks in the frames of package wire.
//
// A message is stored once, with its channel's next seq; a durable subscription
// is a cursor. The store is the truth, what goes from memory to live sessions is
// a hint: every subscription knows the last seq that it sent, so a hint that is
// lost, late or doubled can only delay.
//
// # Goroutines
//
// Engine.Start launches them and Engine.Stop joins them: one committer per
// Config.Committers (appender), backlogWorkers that feed who is behind (backlog),
// one that writes acks (cursors), one that compares tails (sweep), one that
// removes what is not kept (retention), one that pings the store (health), and
// loaderWorkers for each kind of look-up (loader). A Session has none: its
// transport gives it requests and drains its outbox.
//
// # Locks
//
// In this order: channelShard.mu, channel.mu, Session.mu, then the leaves:
// backlog.mu, cursors.mu, gatherer.mu, sessions.mu, watchers.mu, and whatever a
// transport's wake takes. No two channels, and no two sessions, are locked at
// once. No lock is held while the store is called or a connection is written to.
//
// # A subscription's states
//
// live: its position is the channel's tail, and new messages go straight into the
// session's outbox. catchingUp: the backlog feeds it from the channel's ring or
// the store; it goes live under the channel's lock, when it has reached a tail
// that is verified. awaitingAck, awaitingRoom: its window or its session's outbox
// is full; nothing is held for it.
//
// # Memory
//
// Bounded in number and bytes: the ingest queue, each outbox, each window, each
// ring and all rings together, the pages under way, the publishes of one client,
// the look-ups that wait, each watch.
package push
