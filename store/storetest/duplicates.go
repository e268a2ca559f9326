package storetest

import (
	"fmt"
	"strings"
	"sync"

	"pushgate/store"
)

func named(channel, id string) store.Message {
	m := text(channel, "x")
	m.ID = id
	return m
}

var duplicateCases = map[string]func(*fixture){
	"within a batch": func(f *fixture) {
		first := named("a", "1")
		first.Time, first.Data = at(5), []byte("first")
		second := named("a", "1")
		second.Time, second.Data = at(6), []byte("second")
		results := f.append(text("a", "x"), first, second, named("a", "2"), second)
		for i, want := range []struct {
			seq       uint64
			duplicate bool
		}{{1, false}, {2, false}, {2, true}, {3, false}, {2, true}} {
			equal(f, fmt.Sprintf("Seq of %d", i), results[i].Seq, want.seq)
			equal(f, fmt.Sprintf("Duplicate of %d", i), results[i].Duplicate, want.duplicate)
		}
		equal(f, "ID", results[2].ID, "1")
		f.sameTime("Time", results[2].Time, at(5))
		f.holds("a", 1, 2, 3)
		equal(f, "Data", string(f.page("a", 1, 1).Messages[0].Data), "first")
	},
	"across batches": func(f *fixture) {
		first := f.append(named("a", "1"))[0]
		again := named("a", "1")
		again.Time, again.Data = at(50), []byte("longer")
		got := f.append(named("a", "0"), again, named("a", "2"))
		equal(f, "Seq", got[1].Seq, first.Seq)
		equal(f, "Epoch", got[1].Epoch, first.Epoch)
		equal(f, "Duplicate", got[1].Duplicate, true)
		f.sameTime("Time", got[1].Time, first.Time)
		equal(f, "Seq of the next", got[2].Seq, uint64(3))
		f.holds("a", 1, 2, 3)
	},
	"a batch of nothing else": func(f *fixture) {
		f.append(named("a", "1"))
		equal(f, "Duplicate", f.append(named("a", "1"))[0].Duplicate, true)
		f.holds("a", 1)
	},
	"each channel has its own": func(f *fixture) {
		for _, result := range f.append(named("a", "1"), named("b", "1"), named("c", "1")) {
			equal(f, "Seq", result.Seq, uint64(1))
			equal(f, "Duplicate", result.Duplicate, false)
		}
	},
	"ids are bytes": func(f *fixture) {
		for i, result := range f.append(named("a", "x"), named("a", "X"), named("a", "x "), named("a", "ä"), named("a", "a\u0308")) {
			equal(f, "Seq", result.Seq, uint64(i+1))
		}
	},
	"a generated id that is sent again": func(f *fixture) {
		first := f.append(text("a", "x"), text("a", "y"))[1]
		got := f.append(named("a", first.ID), named("a", "other"))
		equal(f, "Seq", got[0].Seq, uint64(2))
		equal(f, "ID", got[0].ID, first.ID)
		equal(f, "Duplicate", got[0].Duplicate, true)
		f.sameTime("Time", got[0].Time, first.Time)
		equal(f, "Seq of the next", got[1].Seq, uint64(3))
	},
	"a generated id within its batch": func(f *fixture) {
		id := store.GeneratedID(f.tail("a").Epoch, "a", 1)
		got := f.append(text("a", "x"), named("a", id))
		equal(f, "Seq", got[1].Seq, uint64(1))
		equal(f, "Duplicate", got[1].Duplicate, true)
		f.holds("a", 1)
	},
	"an id that only looks generated": func(f *fixture) {
		f.append(text("a", "x"), named("a", "given"))
		epoch := f.tail("a").Epoch
		prefix := strings.TrimSuffix(store.GeneratedID(epoch, "a", 1), "1")
		for i, id := range []string{
			prefix + "2" /* given */, prefix + "99", prefix + "01", prefix + "+1", prefix, epoch, "x" + prefix + "1",
			prefix + "0", prefix + "18446744073709551615", epoch + "-1", store.GeneratedID(epoch, "b", 1),
		} {
			got := f.append(named("a", id))[0]
			equal(f, "Duplicate of "+id, got.Duplicate, false)
			equal(f, "Seq of "+id, got.Seq, uint64(3+i))
			equal(f, "Duplicate of "+id, f.append(named("a", id))[0].Duplicate, true)
		}
	},
	"a generated id is another channel's": func(f *fixture) {
		first := f.append(text("a", "x"))[0]
		if other := f.append(text("b", "x"))[0]; other.ID == first.ID {
			f.Errorf("both channels have a message %s", other.ID)
		}
		equal(f, "Duplicate", f.append(named("b", first.ID))[0].Duplicate, false)
	},
	"an id is free again after a trim": func(f *fixture) {
		generated := f.append(named("a", "1"), text("a", "x"), named("a", "3"))[1].ID
		trimmed := f.trim(store.Trim{Channel: "a", KeepMessages: 1, Limit: 10})
		equal(f, "Deleted", trimmed.Deleted, 2)
		got := f.append(named("a", "1"), named("a", generated), named("a", "3"))
		equal(f, "Seq of the given id", got[0].Seq, uint64(4))
		equal(f, "Seq of the generated id", got[1].Seq, uint64(5))
		equal(f, "Duplicate of the last", got[2].Duplicate, true)
		f.holds("a", 3, 4, 5)
	},
	"an id is free at once after a purge": func(f *fixture) {
		generated := f.append(named("a", "1"), text("a", "x"), named("a", "3"))[1].ID
		trimmed := f.trim(store.Trim{Channel: "a", PurgeTo: 3, Limit: 1})
		equal(f, "Deleted", trimmed.Deleted, 1)
		for i, id := range []string{"1", generated, "3"} {
			got := f.append(named("a", id))[0]
			equal(f, "Duplicate of "+id, got.Duplicate, false)
			equal(f, "Seq of "+id, got.Seq, uint64(4+i))
			equal(f, "Duplicate of "+id, f.append(named("a", id))[0].Duplicate, true)
		}
		f.trimAll(store.Trim{Channel: "a", Limit: 1})
		f.holds("a", 4, 5, 6)
	},
	"an id is free again after its time to live": func(f *fixture) {
		short := named("a", "1")
		short.Expires = at(10)
		f.append(short, text("a", "x"))
		f.expire(at(10), 10)
		equal(f, "Seq", f.append(short)[0].Seq, uint64(3))
		f.ends("a", 1, 3, store.ReasonExpired)
	},
	"at the same moment": func(f *fixture) {
		const writers = 16
		results := make([][]store.Appended, writers)
		var group sync.WaitGroup
		for w := range writers {
			group.Go(func() {
				batch := []store.Message{text("a", "own"), named("a", "same"), named("b", "same")}
				var err error
				if results[w], err = f.store.Append(f.ctx, store.Batch{Messages: batch}); err != nil {
					f.Errorf("append: %v", err)
				}
			})
		}
		group.Wait()
		if f.Failed() {
			f.FailNow()
		}
		firsts := map[string]int{}
		for _, result := range results {
			for i, channel := range []string{"a", "b"} {
				got := result[i+1]
				if !got.Duplicate {
					firsts[channel]++
				}
				equal(f, "Seq", got.Seq, results[0][i+1].Seq)
			}
		}
		equal(f, "messages stored under the same id", firsts, map[string]int{"a": 1, "b": 1})
		f.holds("a", span(1, writers+1)...)
		f.holds("b", 1)
	},
}
