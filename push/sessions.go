package push

import (
	"slices"
	"strings"
	"sync"
)

// sessions finds the sessions of this node.
type sessions struct {
	mu           sync.RWMutex
	byID         map[string]*Session
	bySubscriber map[string][]*Session
}

func (r *sessions) init() {
	r.byID = make(map[string]*Session)
	r.bySubscriber = make(map[string][]*Session)
}

func (r *sessions) add(s *Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.byID[s.id] = s
	r.name(s)
}

// identify makes a session, which was added without a subscriber, found by it.
func (r *sessions) identify(s *Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.name(s)
}

func (r *sessions) name(s *Session) {
	if s.subscriber != "" {
		r.bySubscriber[s.subscriber] = append(r.bySubscriber[s.subscriber], s)
	}
}

func (r *sessions) remove(s *Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.byID, s.id)
	if s.subscriber == "" {
		return
	}
	// Readers hold the old slice: make a new one.
	rest := make([]*Session, 0, len(r.bySubscriber[s.subscriber]))
	for _, other := range r.bySubscriber[s.subscriber] {
		if other != s {
			rest = append(rest, other)
		}
	}
	if len(rest) == 0 {
		delete(r.bySubscriber, s.subscriber)
		return
	}
	r.bySubscriber[s.subscriber] = rest
}

func (r *sessions) find(id string) *Session {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.byID[id]
}

// of answers the sessions of a subscriber; the slice is not to be changed.
func (r *sessions) of(subscriber string) []*Session {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Clip(r.bySubscriber[subscriber])
}

func (r *sessions) count() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.byID)
}

// page answers at most limit sessions in the order of their ids behind after.
func (r *sessions) page(after, subscriber string, limit int) []*Session {
	r.mu.RLock()
	var found []*Session
	if subscriber != "" {
		found = slices.Clone(r.bySubscriber[subscriber])
	} else {
		found = make([]*Session, 0, len(r.byID))
		for _, s := range r.byID {
			found = append(found, s)
		}
	}
	r.mu.RUnlock()
	found = slices.DeleteFunc(found, func(s *Session) bool { return s.id <= after })
	slices.SortFunc(found, func(a, b *Session) int { return strings.Compare(a.id, b.id) })
	return found[:min(limit, len(found))]
}

func (r *sessions) all() []*Session {
	r.mu.RLock()
	defer r.mu.RUnlock()
	found := make([]*Session, 0, len(r.byID))
	for _, s := range r.byID {
		found = append(found, s)
	}
	return found
}
