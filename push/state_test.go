package push

import (
	"slices"
	"testing"
)

func TestTransitions(t *testing.T) {
	arrows := map[State][]State{
		Handshaking: {Connected, Closing, Closed},
		Connected:   {Active, Idle, Closing, Closed},
		Active:      {Idle, Closing, Closed},
		Idle:        {Active, Closing, Closed},
		Closing:     {Closed},
		Closed:      {},
	}
	e := startEngine(t, openStore(t))
	for from, to := range arrows {
		for next := range stateCount {
			s := &Session{hub: e.hub, state: from}
			before := e.hub.population.entered[next].Load()
			moved, want := s.become(next), slices.Contains(to, next)
			if moved != want || (s.state == next) != (want || from == next) {
				t.Errorf("%s to %s: %v", from, next, moved)
			}
			if counted := e.hub.population.entered[next].Load() > before; counted != want {
				t.Errorf("%s to %s was counted: %v", from, next, counted)
			}
		}
	}
}

// Every connection that began is counted in exactly one state, and in none when
// it has ended.
func TestPopulation(t *testing.T) {
	e := startEngine(t, openStore(t))
	count := func() (sum int64) {
		for state := range Closed {
			sum += e.hub.population.now[state].Load()
		}
		return sum
	}
	first, second := connect(t, e, Connection{}), connect(t, e, Connection{Subscriber: "ada"})
	if _, err := e.Connect(t.Context(), Connection{Subscriber: " "}); err == nil {
		t.Fatal("a bad name was taken")
	}
	first.session.Opened()
	second.session.End(Draining())
	if p := &e.hub.population; count() != 2 || p.now[Connected].Load() != 1 || p.now[Closing].Load() != 1 {
		t.Errorf("%d in all", count())
	}
	first.session.Detach(CauseLost)
	first.session.Detach(CauseLost)
	second.session.Detach(CauseLost)
	if count() != 0 {
		t.Errorf("%d are left", count())
	}
}
