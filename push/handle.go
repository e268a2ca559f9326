package push

import (
	"context"
	"errors"
	"time"

	"pushgate/push/wire"
	"pushgate/store"
)

// maxMalformed is how many frames in a row may be no JSON objects before the
// connection is closed.
const maxMalformed = 10

// HandleFrame works on one text frame of the client, as Handle does.
func (s *Session) HandleFrame(ctx context.Context, frame []byte) {
	s.HandleInflated(ctx, frame, 0)
}

// HandleInflated is HandleFrame for one that was compressed. cost is what it counts
// for in the client's rate, in bytes, if that is more than its length.
func (s *Session) HandleInflated(ctx context.Context, frame []byte, cost int) {
	if !s.receive(ctx, len(frame), max(len(frame), cost)) {
		return
	}
	request, err := wire.Decode(frame)
	if bad, ok := errors.AsType[*wire.RequestError](err); ok {
		if bad.Malformed {
			s.Malformed(bad.Message)
			return
		}
		s.malformed = 0
		if !s.ready(ctx) {
			return
		}
		s.send(wire.Error{ID: bad.ID, Code: wire.CodeInvalidArgument, Message: bad.Message})
		return
	}
	s.handle(ctx, request)
}

// Handle works on one request of the client, which was so many bytes long. It
// blocks while the outbox is full, so a client that does not read is not read
// from, and while the client is above its rate. After the session's end it does
// nothing.
func (s *Session) Handle(ctx context.Context, r wire.Request, bytes int) {
	if s.receive(ctx, bytes, bytes) {
		s.handle(ctx, r)
	}
}

// receive counts a frame in, as soon as the client's rate lets it.
func (s *Session) receive(ctx context.Context, bytes, cost int) bool {
	if !s.throttle(ctx, cost) || !s.knock() {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over() {
		return false
	}
	s.received.frames++
	s.received.bytes += uint64(bytes)
	s.active = time.Now().UnixNano()
	s.stir()
	return true
}

// Malformed answers a frame that is not a JSON object; too many in a row end
// the session.
func (s *Session) Malformed(message string) {
	s.send(wire.Error{Code: wire.CodeInvalidArgument, Message: message})
	if s.malformed++; s.malformed >= maxMalformed {
		s.End(End{Cause: CauseProtocol, Code: wire.CloseProtocol, Reason: "protocol error"})
	}
}

func (s *Session) handle(ctx context.Context, r wire.Request) {
	s.malformed = 0
	if !s.ready(ctx) {
		return
	}
	began := time.Now()
	defer func() { s.engine.watchdog.handled(s, r, time.Since(began)) }()
	if err := s.work(ctx, r); err != nil {
		s.refuse(r.ID, err)
	}
}

func (s *Session) work(ctx context.Context, r wire.Request) error {
	if s.strange() && r.Type != wire.TypeAuth && r.Type != wire.TypePing {
		return refused(wire.CodeUnauthenticated, "send auth with a token first")
	}
	switch r.Type {
	case wire.TypeAck:
		return s.ack(r.Channel, r.Seq)
	case wire.TypeSubscribe:
		return s.subscribe(ctx, r)
	case wire.TypeUnsubscribe:
		return s.unsubscribe(ctx, r)
	case wire.TypePublish:
		return s.publish(ctx, r)
	case wire.TypePing:
		s.send(wire.Pong{ID: r.ID})
		return nil
	case wire.TypeAuth:
		return s.authenticate(ctx, r)
	default:
		return invalid("type", "unknown type %q", clip(r.Type))
	}
}

// clip keeps a client's own text short when it is sent back.
func clip(text string) string {
	if len(text) > 64 {
		return text[:64] + "…"
	}
	return text
}

func (s *Session) refuse(id wire.ID, err error) {
	e := AsError(err)
	if e.Code == wire.CodeInternal {
		s.engine.log.Error("request failed", "connection", s.id, "error", err)
	}
	s.send(wire.Error{ID: id, Code: e.Code, Message: e.Message, RetryAfter: e.RetryAfter})
}

// ack moves the cursor: here, at the subscriber's other sessions, and soon in
// the store.
func (s *Session) ack(channel string, seq uint64) error {
	s.mu.Lock()
	sub := s.subscriptions.of(channel)
	switch {
	case sub == nil:
		s.mu.Unlock()
		return refused(wire.CodeFailedPrecondition, "ack: channel %q is not open on this connection", clip(channel))
	case !sub.durable:
		s.mu.Unlock()
		return refused(wire.CodeFailedPrecondition, "ack: the subscription to %q is not durable", clip(channel))
	case seq > sub.sent:
		sent := sub.sent
		s.mu.Unlock()
		return invalid("seq", "ack: seq %d of %q was not sent; the newest that was is %d", seq, clip(channel), sent)
	}
	moved := sub.ack(seq)
	if moved {
		s.engine.cursors.move(sub.key(), seq)
	}
	s.mu.Unlock()
	if !moved {
		return nil
	}
	s.hub.metrics.acks.Inc()
	for _, other := range s.hub.sessions.of(s.subscriber) {
		if other != s {
			other.acked(channel, seq)
		}
	}
	return nil
}

// acked follows an ack that came over another session of the subscriber.
func (s *Session) acked(channel string, seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sub := s.subscriptions.of(channel); sub != nil && sub.durable {
		sub.ack(seq)
	}
}

// ack frees the window up to a seq. It says false when it was acked before. The
// session's lock is held.
func (s *subscription) ack(seq uint64) (moved bool) {
	if seq <= s.acked {
		return false
	}
	s.acked = seq
	s.flight.acked(seq)
	s.reconsider()
	return true
}

// reconsider goes on after the window has changed.
func (s *subscription) reconsider() {
	if s.state == awaitingAck {
		s.state = catchingUp
		s.session.hub.backlog.add(s)
	}
}

// publish takes a message from the client. The answer comes when it is stored;
// meanwhile the client's next frames are worked on.
func (s *Session) publish(ctx context.Context, r wire.Request) error {
	if err := ValidateChannel(r.Channel); err != nil {
		return err
	}
	if err := s.may(ActionPublish, r.Channel); err != nil {
		return err
	}
	if !s.hub.cfg.current().Namespaces.Of(r.Channel).ClientPublish {
		return refused(wire.CodePermissionDenied, "clients may not publish to %q", clip(r.Channel))
	}
	if err := s.beginPublish(ctx); err != nil {
		return err
	}
	err := s.engine.Submit(ctx, Publication{Channel: r.Channel, Data: r.Data, MessageID: r.MessageID}, true,
		func(p Published, err error) {
			if err != nil {
				s.refuse(r.ID, err)
			} else {
				s.send(wire.Published{ID: r.ID, Channel: r.Channel, Seq: p.Seq, Duplicate: p.Duplicate})
			}
			s.endPublish()
		})
	if err != nil {
		s.refuse(r.ID, err)
		s.endPublish()
	}
	return nil
}

// unsubscribe closes a subscription, and deletes it for good when asked to.
func (s *Session) unsubscribe(ctx context.Context, r wire.Request) error {
	if err := ValidateChannel(r.Channel); err != nil {
		return err
	}
	if r.Forget && s.subscriber == "" {
		return refused(wire.CodeFailedPrecondition, "forget needs a subscriber; this connection has none")
	}
	if r.Forget {
		if err := s.may(ActionSubscribe, r.Channel); err != nil {
			return err
		}
		if sub := s.open(r.Channel); sub != nil {
			s.close(sub)
		}
		key := store.SubscriptionKey{Subscriber: s.subscriber, Channel: r.Channel}
		if _, err := s.engine.forget(ctx, key, wire.UnsubscribeClient); err != nil {
			return err
		}
	}
	answer := wire.Encode(wire.Unsubscribed{ID: r.ID, Channel: r.Channel, Reason: wire.UnsubscribeClient})
	for {
		s.mu.Lock()
		sub := s.subscriptions.of(r.Channel)
		if sub == nil {
			s.push(answer)
			s.mu.Unlock()
			return nil
		}
		s.mu.Unlock()
		if s.close(sub, answer) {
			return nil
		}
	}
}
