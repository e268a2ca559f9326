package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"pushgate/store"
)

// records is the position of a batch of the records first to next-1.
func records(partition int, first, next int64) *store.Position {
	key := store.SourceKey{Source: "cluster", Topic: "orders", Partition: partition}
	return &store.Position{SourceKey: key, First: first, Next: next, Incarnation: "one"}
}

func (f *fixture) appendAt(position *store.Position, messages ...store.Message) []store.Appended {
	f.Helper()
	results, err := f.store.Append(f.ctx, store.Batch{Messages: messages, Position: position})
	f.must(err)
	equal(f, "number of results", len(results), len(messages))
	return results
}

// refused checks that a batch is refused because the store has come to next,
// and that the position did not move.
func (f *fixture) refused(position *store.Position, next int64, messages ...store.Message) {
	f.Helper()
	results, err := f.store.Append(f.ctx, store.Batch{Messages: messages, Position: position})
	failure, ok := errors.AsType[*store.ReplayedError](err)
	if !ok || !errors.Is(err, store.ErrReplayed) || errors.Is(err, store.ErrUnavailable) {
		f.Fatalf("append = %v, %v, want ErrReplayed", results, err)
	}
	want := *position
	want.Next = next
	f.stands(want)
	want.First = next
	equal(f, "Stored", failure.Stored, want)
}

// stands checks where an incarnation of a source stands, by the Next of want.
func (f *fixture) stands(want store.Position) {
	f.Helper()
	want.First = want.Next
	positions, err := f.store.Positions(f.ctx, []store.SourceKey{want.SourceKey})
	f.must(err)
	if !slices.Contains(positions, want) {
		f.Fatalf("positions are %v, want %v", positions, want)
	}
}

// unknown checks that nothing is known of a source.
func (f *fixture) unknown(key store.SourceKey) {
	f.Helper()
	positions, err := f.store.Positions(f.ctx, []store.SourceKey{key})
	f.must(err)
	equal(f, "positions", len(positions), 0)
}

var positionCases = map[string]func(*fixture){
	"unknown sources": func(f *fixture) {
		positions, err := f.store.Positions(f.ctx, nil)
		f.must(err)
		equal(f, "positions of no keys", len(positions), 0)
		f.unknown(records(0, 0, 0).SourceKey)
	},
	"moves with its messages": func(f *fixture) {
		f.append(text("a", "before"))
		for i, result := range f.appendAt(records(0, 0, 3), text("a", "0"), text("b", "1"), text("a", "2")) {
			equal(f, "Seq", result.Seq, []uint64{2, 1, 3}[i])
		}
		f.appendAt(records(0, 3, 4), text("a", "3"))
		f.stands(*records(0, 0, 4))
		f.holds("a", span(1, 4)...)
		f.holds("b", 1)
	},
	"replay": func(f *fixture) {
		f.appendAt(records(0, 0, 2), text("a", "0"), text("a", "1"))
		f.refused(records(0, 0, 2), 2, text("a", "0"), text("a", "1"))
		f.refused(records(0, 0, 2), 2, text("new", "0"))
		f.refused(records(0, 0, 2), 2)
		f.holds("a", 1, 2)
		f.ends("new", 0, 0, "")
	},
	"replay with ids": func(f *fixture) {
		batch := []store.Message{named("a", "0"), text("a", "1"), named("b", "2")}
		f.appendAt(records(0, 0, 3), batch...)
		f.refused(records(0, 0, 3), 3, batch...)
		f.refused(records(0, 2, 4), 3, named("b", "2"), named("b", "3"), named("new", "3"))
		f.holds("a", 1, 2)
		f.holds("b", 1)
		f.ends("new", 0, 0, "")
		f.append(named("b", "4"))
		f.holds("b", 1, 2)
	},
	"overlap": func(f *fixture) {
		f.appendAt(records(0, 0, 5), text("a", "x"))
		f.refused(records(0, 4, 9), 5, text("a", "y"))
		f.refused(records(0, 1, 3), 5, text("a", "y"))
		f.appendAt(records(0, 5, 9), text("a", "y"))
		f.holds("a", 1, 2)
	},
	"gap": func(f *fixture) {
		f.appendAt(records(0, 100, 101), text("a", "x"))
		f.appendAt(records(0, 1<<40, 1<<40+1), text("a", "y"))
		f.refused(records(0, 101, 102), 1<<40+1, text("a", "z"))
		f.holds("a", 1, 2)
	},
	"no messages": func(f *fixture) {
		f.appendAt(records(0, 0, 7))
		f.stands(*records(0, 0, 7))
		f.refused(records(0, 6, 8), 7, text("a", "x"))
		f.appendAt(records(0, 7, 7))
		f.appendAt(records(0, 7, 9))
		f.stands(*records(0, 0, 9))
	},
	"duplicates only": func(f *fixture) {
		f.append(named("a", "0"))
		equal(f, "Duplicate", f.appendAt(records(0, 0, 1), named("a", "0"))[0].Duplicate, true)
		f.stands(*records(0, 0, 1))
		f.refused(records(0, 0, 1), 1, named("a", "0"))
		f.holds("a", 1)
	},
	"another incarnation": func(f *fixture) {
		f.appendAt(records(0, 0, 9), text("a", "x"))
		anew := records(0, 0, 2)
		anew.Incarnation = "two"
		f.appendAt(anew, text("a", "y"))
		f.stands(*anew)
		f.refused(anew, 2, text("a", "y"))
		anew.Incarnation = ""
		f.appendAt(anew, named("a", "z"))
		f.stands(*anew)
		f.refused(anew, 2, named("a", "z"))
		f.holds("a", 1, 2, 3)
		// Batches of the first come late.
		f.refused(records(0, 8, 11), 9, text("a", "x"))
		f.appendAt(records(0, 9, 11), text("a", "x"))
		f.refused(anew, 2, named("a", "z"))
		f.holds("a", 1, 2, 3, 4)
		positions, err := f.store.Positions(f.ctx, []store.SourceKey{anew.SourceKey})
		f.must(err)
		equal(f, "positions", len(positions), 3)
		for i, incarnation := range []string{"", "one", "two"} {
			equal(f, "Incarnation", positions[i].Incarnation, incarnation)
		}
	},
	"a log that was cut back": func(f *fixture) {
		f.appendAt(records(0, 0, 9), text("a", "x"))
		cut := records(0, 4, 6)
		cut.Life = 1
		f.appendAt(cut, text("a", "y"))
		f.stands(*cut)
		f.refused(cut, 6, text("a", "y"))
		// Nothing of the life that is over is taken.
		results, err := f.store.Append(f.ctx, store.Batch{Messages: []store.Message{text("a", "z")}, Position: records(0, 9, 10)})
		if failure, ok := errors.AsType[*store.ReplayedError](err); !ok || failure.Stored.Life != 1 || failure.Stored.Next != 6 {
			f.Fatalf("append = %v, %v, want ErrReplayed", results, err)
		}
		cut.First, cut.Next, cut.Life = 0, 1, 1<<31-1
		f.appendAt(cut, named("a", "z"))
		f.stands(*cut)
		f.holds("a", 1, 2, 3)
	},
	"each key has its own": func(f *fixture) {
		keys := []store.SourceKey{
			{Source: "a", Topic: "b", Partition: 0}, {Source: "a", Topic: "b", Partition: 1}, {Source: "a", Topic: "B", Partition: 0},
			{Source: "b", Topic: "a", Partition: 0}, {Source: "ä ", Topic: "'; --", Partition: 1<<31 - 1},
		}
		for i, key := range keys {
			f.appendAt(&store.Position{SourceKey: key, Next: int64(i + 1)}, text("a", "x"))
		}
		asked := append(slices.Clone(keys), store.SourceKey{Source: "a", Topic: "b", Partition: 2}, keys[0])
		positions, err := f.store.Positions(f.ctx, asked)
		f.must(err)
		asked = slices.Delete(asked, len(keys), len(keys)+1) // of which nothing is known
		equal(f, "number of positions", len(positions), len(asked))
		for i, want := range []int64{1, 2, 3, 4, 5, 1} {
			equal(f, "position", positions[i], store.Position{SourceKey: asked[i], First: want, Next: want})
		}
		f.holds("a", span(1, 5)...)
	},
	"owners of the same partitions": func(f *fixture) { rivals(f, []Store{f.store}) },
}

// rivals has owners of the same partitions store the same records, in batches
// of their own choice, beside a publisher to the same channels: each record is
// stored once, and in order.
func rivals(f *fixture, stores []Store) {
	const partitions, last = 3, 200
	var group sync.WaitGroup
	for owner := range 4 {
		s := stores[owner%len(stores)]
		for partition := range partitions {
			group.Go(func() {
				random := rand.New(rand.NewPCG(uint64(owner), uint64(partition)))
				for next := int64(0); next < last; {
					batch := store.Batch{Position: records(partition, next, min(next+1+random.Int64N(8), last))}
					for i := next; i < batch.Position.Next; i++ {
						m := text(channelName(partition), fmt.Sprint(i))
						if owner%2 == 0 {
							m.ID = fmt.Sprint(i)
						}
						batch.Messages = append(batch.Messages, m, text(channelName(random.IntN(partitions)), "beside"))
					}
					_, err := s.Append(f.ctx, batch)
					if failure, ok := errors.AsType[*store.ReplayedError](err); ok {
						next = failure.Stored.Next
					} else if err == nil {
						next = batch.Position.Next
					} else {
						f.Errorf("append: %v", err)
						return
					}
				}
			})
		}
		group.Go(func() {
			for i := range 50 {
				batch := store.Batch{}
				for p := range partitions {
					batch.Messages = append(batch.Messages, text(channelName((i+p)%partitions), "beside"))
				}
				if _, err := s.Append(f.ctx, batch); err != nil {
					f.Errorf("append: %v", err)
					return
				}
			}
		})
	}
	group.Wait()
	if f.Failed() {
		f.FailNow()
	}
	beside := 0
	for partition := range partitions {
		f.stands(*records(partition, 0, last))
		want := 0
		for _, m := range f.page(channelName(partition), 0, 10*last).Messages {
			if string(m.Data) == "beside" {
				beside++
				continue
			}
			equal(f, "record", string(m.Data), fmt.Sprint(want))
			want++
		}
		equal(f, "records", want, last)
	}
	equal(f, "messages beside", beside, partitions*(last+4*50))
}
