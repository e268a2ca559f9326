package storetest

import (
	"fmt"
	"time"

	"pushgate/store"
)

// mortal appends one message per entry that ends at that second; 0 means never.
func (f *fixture) mortal(channel string, ends ...int) {
	f.Helper()
	messages := make([]store.Message, len(ends))
	for i, end := range ends {
		messages[i] = text(channel, "x")
		if end > 0 {
			messages[i].Expires = at(end)
		}
	}
	f.append(messages...)
}

// expireAll expires in steps until there is nothing left to do.
func (f *fixture) expireAll(now time.Time, limit int) (total int) {
	f.Helper()
	for {
		deleted, more := f.expire(now, limit)
		if deleted > limit || more && deleted < limit {
			f.Fatalf("a step deleted %d, limit %d, more %t", deleted, limit, more)
		}
		total += deleted
		if !more {
			return total
		}
	}
}

var expiryCases = map[string]func(*fixture){
	"pages skip what has ended": func(f *fixture) {
		f.mortal("a", 5, 0, 10, 0, 5)
		for _, test := range []struct {
			second int
			want   []uint64
		}{{4, span(1, 5)}, {5, []uint64{2, 3, 4}}, {9, []uint64{2, 3, 4}}, {10, []uint64{2, 4}}} {
			page := f.pages(at(test.second), store.PageRequest{Channel: "a", Limit: len(test.want), Bytes: 100})[0]
			equal(f, fmt.Sprintf("seqs at %d", test.second), seqs(page.Messages), test.want)
			equal(f, "More", page.More, false)
			equal(f, "Floor", page.Floor, uint64(0))
		}
	},
	"nothing has ended": func(f *fixture) {
		f.mortal("a", 0, 5, 0)
		deleted, more := f.expire(at(4), 10)
		equal(f, "deleted", deleted, 0)
		equal(f, "more", more, false)
		f.holds("a", 1, 2, 3)
	},
	"a hole in the middle stays one": func(f *fixture) {
		f.mortal("a", 0, 5, 0)
		deleted, _ := f.expire(at(5), 10)
		equal(f, "deleted", deleted, 1)
		f.ends("a", 0, 3, "")
		f.holds("a", 1, 3)
	},
	"the floor rises over the head": func(f *fixture) {
		f.mortal("a", 5, 5, 0, 5, 0)
		f.expire(at(5), 10)
		f.ends("a", 2, 5, store.ReasonExpired)
		f.holds("a", 3, 5)
	},
	"the floor rises over older holes": func(f *fixture) {
		f.mortal("a", 10, 5, 5, 0)
		f.expire(at(5), 10)
		f.ends("a", 0, 4, "")
		f.expire(at(10), 10)
		f.ends("a", 3, 4, store.ReasonExpired)
	},
	"nothing is left": func(f *fixture) {
		f.mortal("a", 5, 5, 5)
		f.expire(at(5), 10)
		f.ends("a", 3, 3, store.ReasonExpired)
		f.holds("a")
		equal(f, "Seq of the next", f.append(text("a", "x"))[0].Seq, uint64(4))
		f.holds("a", 4)
	},
	"in steps over several channels": func(f *fixture) {
		f.mortal("a", 5, 6, 7, 0)
		f.mortal("b", 5, 6, 7)
		f.mortal("c", 0, 50)
		equal(f, "deleted", f.expireAll(at(7), 4), 6)
		f.ends("a", 3, 4, store.ReasonExpired)
		f.ends("b", 3, 3, store.ReasonExpired)
		f.ends("c", 0, 2, "")
		f.holds("a", 4)
		f.holds("b")
		f.holds("c", 1, 2)
	},
	"a step that ends exactly says no more": func(f *fixture) {
		f.mortal("a", 5, 5)
		deleted, more := f.expire(at(5), 2)
		equal(f, "deleted", deleted, 2)
		equal(f, "more", more, false)
	},
	"below a purge": func(f *fixture) {
		f.mortal("a", 5, 5, 0, 0)
		f.trim(store.Trim{Channel: "a", PurgeTo: 3, Limit: 0})
		f.expire(at(5), 10)
		f.ends("a", 3, 4, store.ReasonPurged)
		f.trimAll(store.Trim{Channel: "a", Limit: 1})
		f.holds("a", 4)
	},
	"above rows that a purge left": func(f *fixture) {
		f.mortal("a", 0, 5, 0)
		f.trim(store.Trim{Channel: "a", PurgeTo: 1, Limit: 0})
		f.expireAll(at(5), 10)
		f.ends("a", 2, 3, store.ReasonExpired)
	},
}
