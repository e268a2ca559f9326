package storetest

import (
	"errors"
	"strings"

	"pushgate/store"
)

// trimAll trims in steps, none of which may delete more than the limit, until
// there is nothing left to do.
func (f *fixture) trimAll(trim store.Trim) (deleted int) {
	f.Helper()
	for {
		before := f.tail(trim.Channel)
		step := f.trim(trim)
		equal(f, "Tail of the step", step.Tail, f.tail(trim.Channel))
		if step.Deleted > trim.Limit {
			f.Fatalf("a step deleted %d rows, limit %d", step.Deleted, trim.Limit)
		}
		if step.Floor < before.Floor || step.LastSeq != before.LastSeq {
			f.Fatalf("tail went from %+v to %+v", before, step.Tail)
		}
		deleted += step.Deleted
		if !step.More {
			equal(f, "Deleted by a step too many", f.trim(trim).Deleted, 0)
			return deleted
		}
		if step.Deleted == 0 {
			f.Fatal("a step that promises more deleted nothing")
		}
	}
}

var trimCases = map[string]func(*fixture){
	"an unknown channel": func(f *fixture) {
		if _, err := f.store.Trim(f.ctx, store.Trim{Channel: "a", PurgeTo: 1, Limit: 1}); !errors.Is(err, store.ErrNotFound) {
			f.Fatalf("error = %v, want ErrNotFound", err)
		}
	},
	"modes": func(f *fixture) {
		for name, test := range map[string]struct {
			trim   store.Trim
			floor  uint64
			reason store.Reason
		}{
			"nothing asked":      {store.Trim{}, 0, ""},
			"before all":         {store.Trim{Before: at(1)}, 0, ""},
			"before some":        {store.Trim{Before: at(4)}, 3, store.ReasonExpired},
			"before the end":     {store.Trim{Before: at(100)}, 10, store.ReasonExpired},
			"more than there":    {store.Trim{KeepMessages: 11}, 0, ""},
			"as many as there":   {store.Trim{KeepMessages: 10}, 0, ""},
			"fewer":              {store.Trim{KeepMessages: 3}, 7, store.ReasonLimit},
			"one":                {store.Trim{KeepMessages: 1}, 9, store.ReasonLimit},
			"bytes enough":       {store.Trim{KeepBytes: 10}, 0, ""},
			"fewer bytes":        {store.Trim{KeepBytes: 4}, 6, store.ReasonLimit},
			"age goes further":   {store.Trim{Before: at(8), KeepMessages: 8}, 7, store.ReasonExpired},
			"limit goes further": {store.Trim{Before: at(3), KeepMessages: 4, KeepBytes: 9}, 6, store.ReasonLimit},
			"bytes go further":   {store.Trim{Before: at(3), KeepMessages: 9, KeepBytes: 4}, 6, store.ReasonLimit},
			"purge a part":       {store.Trim{PurgeTo: 5}, 5, store.ReasonPurged},
			"purge all":          {store.Trim{PurgeTo: 10}, 10, store.ReasonPurged},
			"purge the future":   {store.Trim{PurgeTo: 1 << 63}, 10, store.ReasonPurged},
			"purge and age":      {store.Trim{PurgeTo: 2, Before: at(6)}, 5, store.ReasonExpired},
		} {
			for _, limit := range []int{1, 3, 100} {
				test.trim.Channel, test.trim.Limit = name+strings.Repeat("+", limit), limit
				f.fill(test.trim.Channel, 10)
				equal(f, name+": deleted", f.trimAll(test.trim), int(test.floor))
				f.ends(test.trim.Channel, test.floor, 10, test.reason)
				f.holds(test.trim.Channel, span(test.floor+1, 10)...)
				equal(f, "Seq of the next", f.append(text(test.trim.Channel, "x"))[0].Seq, uint64(11))
			}
		}
	},
	"the floor follows each step": func(f *fixture) {
		f.fill("a", 5)
		for floor := uint64(1); floor <= 3; floor++ {
			step := f.trim(store.Trim{Channel: "a", KeepMessages: 2, Limit: 1})
			equal(f, "Deleted", step.Deleted, 1)
			equal(f, "More", step.More, floor < 3)
			f.ends("a", floor, 5, store.ReasonLimit)
			f.holds("a", span(floor+1, 5)...)
		}
	},
	"a purge shows at once": func(f *fixture) {
		f.fill("a", 6)
		step := f.trim(store.Trim{Channel: "a", PurgeTo: 4, Limit: 1})
		equal(f, "Deleted", step.Deleted, 1)
		equal(f, "More", step.More, true)
		f.ends("a", 4, 6, store.ReasonPurged)
		equal(f, "seqs", seqs(f.page("a", 0, 10).Messages), span(5, 6))
		described := f.channel("a")
		equal(f, "Removable", described.Removable, true)
		f.sameTime("OldestTime", described.OldestTime, at(5))
		equal(f, "deleted by the steps that follow", f.trimAll(store.Trim{Channel: "a", Limit: 2}), 3)
		f.ends("a", 4, 6, store.ReasonPurged)
		f.holds("a", 5, 6)
	},
	"a purge back does nothing": func(f *fixture) {
		f.fill("a", 6)
		f.trimAll(store.Trim{Channel: "a", KeepMessages: 2, Limit: 10})
		f.trimAll(store.Trim{Channel: "a", PurgeTo: 3, Limit: 10})
		f.trimAll(store.Trim{Channel: "a", PurgeTo: 4, Limit: 10})
		f.ends("a", 4, 6, store.ReasonLimit)
	},
	"a purge without rows to delete now": func(f *fixture) {
		f.fill("a", 3)
		step := f.trim(store.Trim{Channel: "a", PurgeTo: 3, Limit: 0})
		equal(f, "Deleted", step.Deleted, 0)
		equal(f, "More", step.More, true)
		f.ends("a", 3, 3, store.ReasonPurged)
		equal(f, "seqs", seqs(f.page("a", 0, 10).Messages), []uint64{})
		f.sameTime("OldestTime", f.channel("a").OldestTime, store.Channel{}.OldestTime)
		f.append(text("a", "x"))
		f.trimAll(store.Trim{Channel: "a", Limit: 2})
		f.holds("a", 4)
	},
	"the newest stays whatever its size": func(f *fixture) {
		f.append(text("a", "x"), text("a", strings.Repeat("x", 100)), text("a", strings.Repeat("x", 200)))
		f.trimAll(store.Trim{Channel: "a", KeepBytes: 10, Limit: 1})
		f.ends("a", 2, 3, store.ReasonLimit)
		f.holds("a", 3)
	},
	"bytes of payloads": func(f *fixture) {
		for _, size := range []int{50, 10, 0, 20, 30} {
			f.append(text("a", strings.Repeat("x", size)))
		}
		f.trimAll(store.Trim{Channel: "a", KeepBytes: 110, Limit: 10})
		f.holds("a", span(1, 5)...)
		f.trimAll(store.Trim{Channel: "a", KeepBytes: 109, Limit: 10})
		f.holds("a", span(2, 5)...)
		f.trimAll(store.Trim{Channel: "a", KeepBytes: 50, Limit: 10})
		f.holds("a", span(3, 5)...)
	},
	"before removes only the head": func(f *fixture) {
		for _, second := range []int{1, 2, 9, 3, 8} {
			m := text("a", "x")
			m.Time = at(second)
			f.append(m)
		}
		f.trimAll(store.Trim{Channel: "a", Before: at(5), Limit: 1})
		f.ends("a", 2, 5, store.ReasonExpired)
		f.holds("a", 3, 4, 5)
	},
	"over holes": func(f *fixture) {
		f.mortal("a", 0, 5, 0, 5, 0, 0)
		f.expire(at(5), 10)
		f.trimAll(store.Trim{Channel: "a", KeepMessages: 2, Limit: 1})
		f.holds("a", 5, 6)
		if floor := f.tail("a").Floor; floor != 3 && floor != 4 {
			f.Fatalf("Floor = %d, want 3, or 4 over the hole", floor)
		}
	},
	"one channel only": func(f *fixture) {
		f.fill("a", 3)
		f.fill("b", 3)
		f.trimAll(store.Trim{Channel: "a", KeepMessages: 1, Limit: 10})
		f.holds("b", 1, 2, 3)
	},
}
