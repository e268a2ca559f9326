package push

import (
	"context"

	"pushgate/store"
)

// Wanted is a subscription that a client asks for, or that was stored for it.
type Wanted struct {
	Channel string
	Durable bool
	History bool // messages from before it
}

// Consent asks somebody outside whether a subscriber may have subscriptions. It answers
// a refusal, or nil, for each of them; or an error, when it cannot be known.
type Consent func(ctx context.Context, subscriber string, wanted []Wanted) (refusals []error, err error)

// consented asks for one subscription, if its namespace says so.
func (s *Session) consented(ctx context.Context, w Wanted) error {
	if s.consent == nil || !s.hub.cfg.current().Namespaces.Of(w.Channel).Authorize {
		return nil
	}
	refusals, err := s.consent(ctx, s.subscriber, []Wanted{w})
	if err != nil {
		return err
	}
	return refusals[0]
}

// consentOnce asks when it is first needed, and gives all sessions of a subscriber the
// same answer.
func consentOnce(ctx context.Context, stored store.Subscription) func(*Session) bool {
	asked, may := false, false
	return func(s *Session) bool {
		if s.consent == nil {
			return true
		}
		if !asked {
			asked, may = true, s.consented(ctx, Wanted{Channel: stored.Channel, Durable: true}) == nil
		}
		return may
	}
}

// consentedOf are those of the stored subscriptions that the client may have.
func (s *Session) consentedOf(ctx context.Context, stored []store.Subscription) ([]store.Subscription, error) {
	if s.consent == nil {
		return stored, nil
	}
	namespaces := s.hub.cfg.current().Namespaces
	var wanted []Wanted
	var kept, asked []store.Subscription
	for _, st := range stored {
		if !namespaces.Of(st.Channel).Authorize || !s.allows(ActionSubscribe, st.Channel) {
			kept = append(kept, st)
			continue
		}
		asked = append(asked, st)
		wanted = append(wanted, Wanted{Channel: st.Channel, Durable: true})
	}
	if len(wanted) == 0 {
		return kept, nil
	}
	refusals, err := s.consent(ctx, s.subscriber, wanted)
	if err != nil {
		return nil, err
	}
	for i, st := range asked {
		if refusals[i] == nil {
			kept = append(kept, st)
		}
	}
	return kept, nil
}
