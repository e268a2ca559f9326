package storetest

import (
	"fmt"
	"sync"

	"pushgate/store"
)

var sharedCases = map[string]func(*fixture, *fixture){
	"one sees what the other did": func(f, g *fixture) {
		f.fill("a", 3)
		equal(f, "Seq", g.append(text("a", "x"))[0].Seq, uint64(4))
		equal(f, "Seq", f.append(named("a", "same"))[0].Seq, uint64(5))
		equal(f, "Duplicate", g.append(named("a", "same"))[0].Duplicate, true)
		f.subscribe("s", "a", store.From{Start: store.StartEarliest})
		equal(f, "Existed", g.subscribe("s", "a", store.From{}).Existed, true)
		g.ack("s", "a", 4)
		f.ack("s", "a", 3)
		equal(f, "cursor", f.cursor("s", "a"), uint64(4))
		f.trimAll(store.Trim{Channel: "a", PurgeTo: 5, Limit: 2})
		g.ends("a", 5, 5, store.ReasonPurged)
		equal(f, "Seq", g.append(named("a", "same"))[0].Seq, uint64(6))
		f.holds("a", 6)
		equal(f, "epochs agree", f.tail("none").Epoch, g.tail("none").Epoch)
	},
	"writers over the same channels, readers see no hole": func(f, g *fixture) {
		writersAndReaders(f, []Store{f.store, g.store})
	},
	"owners of the same partitions": func(f, g *fixture) {
		f.appendAt(records(9, 0, 2), text("a", "x"))
		g.refused(records(9, 1, 3), 2, text("a", "x"))
		rivals(f, []Store{f.store, g.store})
	},
	"the same ids at the same moment": func(f, g *fixture) {
		const ids = 40
		var group sync.WaitGroup
		stored := make([]int, 4)
		for w := range stored {
			group.Go(func() {
				s := []*fixture{f, g}[w%2].store
				for i := range ids {
					results, err := s.Append(f.ctx, store.Batch{Messages: []store.Message{named("a", fmt.Sprint(i)), named("b", fmt.Sprint(i))}})
					if err != nil {
						f.Errorf("append: %v", err)
						return
					}
					for _, result := range results {
						if !result.Duplicate {
							stored[w]++
						}
					}
				}
			})
		}
		group.Wait()
		sum := 0
		for _, n := range stored {
			sum += n
		}
		equal(f, "stored", sum, 2*ids)
		g.holds("a", span(1, ids)...)
		f.holds("b", span(1, ids)...)
	},
}
