package push

import (
	"context"

	"pushgate/push/wire"
	"pushgate/store"
)

// subscribe opens a subscription, or repeats the answer for one that is open.
func (s *Session) subscribe(ctx context.Context, r wire.Request) error {
	if err := ValidateChannel(r.Channel); err != nil {
		return err
	}
	if err := s.may(ActionSubscribe, r.Channel); err != nil {
		return err
	}
	if r.From.Mode == wire.FromEarliest || r.From.Mode == wire.FromSeq {
		if err := s.may(ActionHistory, r.Channel); err != nil {
			return err
		}
	}
	ns := s.hub.cfg.current().Namespaces.Of(r.Channel)
	durable := ns.Durable && s.subscriber != ""
	if r.Durable != nil {
		durable = *r.Durable
	}
	switch {
	case durable && s.subscriber == "":
		return refused(wire.CodeFailedPrecondition, "a durable subscription needs a subscriber; this connection has none")
	case durable && !ns.Durable:
		return refused(wire.CodeFailedPrecondition, "the namespace of %q is not durable", clip(r.Channel))
	case !durable && ns.DurableOnly:
		return refused(wire.CodeFailedPrecondition, "channels as %q are for durable subscriptions only", clip(r.Channel))
	case !durable && r.From.Mode == wire.FromCursor:
		return invalid("from", `from "cursor" needs a durable subscription`)
	}
	if sub := s.open(r.Channel); sub != nil {
		return s.repeat(ctx, sub, r)
	}
	if s.engine.short.Load() {
		return errShort
	}
	history := startOf(r.From, durable, ns).Start != store.StartNew
	if err := s.consented(ctx, Wanted{Channel: r.Channel, Durable: durable, History: history}); err != nil {
		return err
	}
	if err := s.admit(1); err != nil {
		return err
	}
	sub := &subscription{
		session: s, channel: s.hub.acquire(r.Channel), durable: durable,
		window: uint64(ns.Window),
	}
	if r.Window > 0 {
		sub.window = uint64(r.Window)
	}
	answer, gap, err := s.place(ctx, sub, ns, r)
	if err != nil {
		s.hub.release(sub.channel)
		return err
	}
	announce := []*wire.Frame{wire.Encode(answer)}
	if gap != nil {
		announce = append(announce, wire.Encode(*gap))
	}
	if s.join(sub, announce...) || !s.ready(ctx) {
		return nil
	}
	// A backend opened it meanwhile (see adopt).
	return s.subscribe(ctx, r)
}

// repeat answers a subscribe to a channel that is open already. It repeats no
// message; a window that is asked for replaces the old one.
func (s *Session) repeat(ctx context.Context, sub *subscription, r wire.Request) error {
	if sub.channel.durable {
		if _, err := s.engine.tail(ctx, sub.channel); err != nil {
			return err
		}
	}
	if sub.repeat(r) || !s.ready(ctx) {
		return nil
	}
	return s.subscribe(ctx, r)
}

// admit checks that the session may open so many more subscriptions.
func (s *Session) admit(more int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if limit := s.hub.cfg.current().MaxSubscriptions; s.subscriptions.count()+more > limit {
		return refused(wire.CodeResourceExhausted, "a connection may have at most %d subscriptions", limit)
	}
	return nil
}

// join makes an acquired subscription part of the session, or lets go of its
// channel and says false if the session is over or has one to that channel already.
func (s *Session) join(sub *subscription, announce ...*wire.Frame) bool {
	if !sub.channel.join(sub, announce...) {
		s.hub.release(sub.channel)
		return false
	}
	s.hub.metrics.subscriptions.Inc()
	return true
}

// place finds where delivery starts. What it answers is the answer to the
// client, and a gap if the client's own position is of another numbering.
func (s *Session) place(ctx context.Context, sub *subscription, ns Namespace, r wire.Request) (wire.Subscribed, *wire.Gap, error) {
	answer := wire.Subscribed{ID: r.ID, Channel: r.Channel}
	if !ns.Durable {
		return answer, nil, nil
	}
	from := startOf(r.From, sub.durable, ns)
	var tail store.Tail
	var gap *wire.Gap
	if !sub.durable || from.Start == store.StartAfter {
		var err error
		if tail, err = s.engine.tail(ctx, sub.channel); err != nil {
			return answer, nil, err
		}
		from, gap = rebase(from, r, tail)
	}
	if sub.durable {
		stored, err := s.engine.subscribe(ctx, store.NewSubscription{
			Subscriber: s.subscriber, Channel: r.Channel, From: from, Now: s.engine.now(),
		})
		if err != nil {
			return answer, nil, err
		}
		tail = stored.Tail
		sub.channel.observe(tail)
		sub.startAt(max(stored.Cursor, s.engine.cursors.moved(sub.key())))
		if stored.Existed {
			gap = nil
		}
	} else {
		sub.startAt(position(from, tail))
	}
	answer.Epoch, answer.Seq, answer.Cursor = tail.Epoch, tail.LastSeq, sub.acked
	answer.Pending = tail.Pending(sub.acked)
	return answer, gap, nil
}

// startAt puts the subscription behind a position.
func (s *subscription) startAt(cursor uint64) { s.sent, s.acked = cursor, cursor }

// startOf brings the client's `from` into the store's terms.
func startOf(from wire.From, durable bool, ns Namespace) store.From {
	switch {
	case from.Mode == wire.FromEarliest:
		return store.From{Start: store.StartEarliest}
	case from.Mode == wire.FromSeq:
		return store.From{Start: store.StartAfter, Seq: from.Seq}
	case durable && from.Mode != wire.FromNew:
		return store.From{Start: ns.Start}
	default:
		return store.From{Start: store.StartNew}
	}
}

// rebase replaces a position of another numbering by the oldest message that is
// retained, and says so by a gap. A position beyond the newest seq is of a
// numbering that was lost, too.
func rebase(from store.From, r wire.Request, tail store.Tail) (store.From, *wire.Gap) {
	known := r.Epoch == "" || r.Epoch == tail.Epoch
	if from.Start != store.StartAfter || known && from.Seq <= tail.LastSeq {
		return from, nil
	}
	gap := &wire.Gap{Channel: r.Channel, From: min(1, tail.Floor), To: tail.Floor, Reason: wire.GapEpoch}
	return store.From{Start: store.StartEarliest}, gap
}

// position is where delivery to a subscription that is not durable starts.
func position(from store.From, tail store.Tail) uint64 {
	switch from.Start {
	case store.StartEarliest:
		return tail.Floor
	case store.StartAfter:
		return from.Seq
	default:
		return tail.LastSeq
	}
}

// repeat tells the client how its open subscription is now. It says false if that
// was closed meanwhile.
func (s *subscription) repeat(r wire.Request) bool {
	s.channel.mu.Lock()
	defer s.channel.mu.Unlock()
	s.session.mu.Lock()
	defer s.session.mu.Unlock()
	if s.state == ended {
		return false
	}
	if r.Window > 0 {
		s.window = uint64(r.Window)
		s.reconsider()
	}
	cursor := s.acked
	if !s.durable {
		cursor = s.sent
	}
	tail := max(s.channel.tail, s.sent, cursor)
	s.session.push(wire.Encode(wire.Subscribed{
		ID: r.ID, Channel: s.channel.name, Epoch: s.channel.epoch,
		Seq: tail, Cursor: cursor, Pending: tail - cursor,
	}))
	return true
}

// subscribeTo opens a subscription with the default options, as the connection's
// query asks for.
func (s *Session) subscribeTo(ctx context.Context, channel string) {
	if err := s.subscribe(ctx, wire.Request{Type: wire.TypeSubscribe, Channel: channel}); err != nil {
		s.refuse("", err)
	}
}

// reopen prepares a stored subscription for this session; false if its
// namespace is not durable any more, or the client may not have it.
func (s *Session) reopen(stored store.Subscription) (*subscription, wire.OpenSubscription, bool) {
	ns := s.hub.cfg.current().Namespaces.Of(stored.Channel)
	if !ns.Durable || !s.allows(ActionSubscribe, stored.Channel) {
		return nil, wire.OpenSubscription{}, false
	}
	sub := &subscription{
		session: s, channel: s.hub.acquire(stored.Channel), durable: true, window: uint64(ns.Window),
	}
	sub.startAt(max(stored.Cursor, s.engine.cursors.moved(stored.Key())))
	return sub, wire.OpenSubscription{
		Channel: stored.Channel, Epoch: stored.Epoch, Seq: stored.LastSeq,
		Cursor: sub.acked, Pending: stored.Tail.Pending(sub.acked),
	}, true
}

// adopt opens a durable subscription that a backend has created for the
// session's subscriber, if the client may have it. The client is told by subscribed,
// without an id.
func (s *Session) adopt(stored store.Subscription, consented func(*Session) bool) {
	s.mu.Lock()
	if !s.greeted {
		s.adopted = append(s.adopted, stored)
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	if s.open(stored.Channel) != nil || s.admit(1) != nil || !s.allows(ActionSubscribe, stored.Channel) || !consented(s) {
		return
	}
	sub, opened, ok := s.reopen(stored)
	if !ok {
		return
	}
	s.announce(sub, opened)
}

// announce joins a subscription that was reopened, and tells the client by
// subscribed, without an id.
func (s *Session) announce(sub *subscription, opened wire.OpenSubscription) {
	joined := s.join(sub, wire.Encode(wire.Subscribed{
		Channel: opened.Channel, Epoch: opened.Epoch, Seq: opened.Seq, Cursor: opened.Cursor, Pending: opened.Pending,
	}))
	if joined {
		s.expel(sub) // the grant may have been replaced since it was looked at
	}
}
