package push

import (
	"iter"
	"maps"
	"slices"
)

// opened are the open subscriptions of a session, by their channels. Most sessions
// have a few: for those a list takes less memory than a map and is no slower.
// Guarded by its session's lock.
type opened struct {
	few  []*subscription // while there are at most maxFew
	many map[string]*subscription
}

const maxFew = 8

// of answers the one to a channel, or nil.
func (o *opened) of(channel string) *subscription {
	if o.many != nil {
		return o.many[channel]
	}
	for _, s := range o.few {
		if s.channel.name == channel {
			return s
		}
	}
	return nil
}

// add adds one to a channel that has none yet.
func (o *opened) add(s *subscription) {
	switch {
	case o.many != nil:
		o.many[s.channel.name] = s
	case len(o.few) < maxFew:
		o.few = append(o.few, s)
	default:
		o.many = make(map[string]*subscription, 2*maxFew)
		for _, old := range append(o.few, s) {
			o.many[old.channel.name] = old
		}
		o.few = nil
	}
}

// remove takes one out, if it is there.
func (o *opened) remove(s *subscription) {
	if o.many != nil {
		if o.many[s.channel.name] == s {
			delete(o.many, s.channel.name)
		}
		return
	}
	if i := slices.Index(o.few, s); i >= 0 {
		o.few = slices.Delete(o.few, i, i+1)
	}
}

func (o *opened) count() int { return len(o.few) + len(o.many) }

func (o *opened) all() iter.Seq[*subscription] {
	if o.many != nil {
		return maps.Values(o.many)
	}
	return slices.Values(o.few)
}
