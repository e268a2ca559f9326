package storetest

import (
	"errors"
	"math"
	"strings"

	"pushgate/store"
)

var pageCases = map[string]func(*fixture){
	"nothing": func(f *fixture) {
		f.pages(at(0))
		tails, err := f.store.Tails(f.ctx, nil)
		f.must(err)
		equal(f, "number of tails", len(tails), 0)
	},
	"an unknown channel": func(f *fixture) {
		page := f.page("a", 7, 10)
		equal(f, "page", page, store.Page{Tail: store.Tail{Channel: "a", Epoch: page.Epoch}})
		if page.Epoch == "" {
			f.Fatal("no epoch")
		}
		equal(f, "tail", f.tail("a"), page.Tail)
		if _, err := f.store.Channel(f.ctx, "a"); !errors.Is(err, store.ErrNotFound) {
			f.Fatalf("reading created the channel: %v", err)
		}
	},
	"paged by number": func(f *fixture) {
		f.fill("a", 10)
		for _, test := range []struct {
			after uint64
			limit int
			want  []uint64
			more  bool
		}{
			{0, 1, span(1, 1), true},
			{0, 3, span(1, 3), true},
			{3, 6, span(4, 9), true},
			{3, 7, span(4, 10), false},
			{9, 1, span(10, 10), false},
			{0, 10, span(1, 10), false},
			{0, 11, span(1, 10), false},
			{10, 5, span(1, 0), false},
			{11, 5, span(1, 0), false},
			{math.MaxUint64, 5, span(1, 0), false},
		} {
			page := f.page("a", test.after, test.limit)
			equal(f, "seqs", seqs(page.Messages), test.want)
			equal(f, "More", page.More, test.more)
			equal(f, "Tail", page.Tail, f.tail("a"))
		}
	},
	"paged by bytes": func(f *fixture) {
		for _, size := range []int{10, 20, 30, 0, 40, 0} {
			f.append(text("a", strings.Repeat("x", size)))
		}
		for _, test := range []struct {
			after uint64
			bytes int
			want  []uint64
			more  bool
		}{
			{0, 1, span(1, 1), true},
			{0, 29, span(1, 1), true},
			{0, 30, span(1, 2), true},
			{0, 59, span(1, 2), true},
			{0, 60, span(1, 4), true},
			{0, 99, span(1, 4), true},
			{0, 100, span(1, 6), false},
			{2, 1, span(3, 3), true},
			{4, 1, span(5, 5), true},
		} {
			page := f.pages(at(0), store.PageRequest{Channel: "a", After: test.after, Limit: 10, Bytes: test.bytes})[0]
			equal(f, "seqs", seqs(page.Messages), test.want)
			equal(f, "More", page.More, test.more)
		}
	},
	"big payloads": func(f *fixture) {
		const mebibyte = 1 << 20
		for i := range 4 {
			f.append(text("a", strings.Repeat(string(rune('a'+i)), mebibyte)))
		}
		var got []uint64
		for after, more := uint64(0), true; more; {
			page := f.pages(at(0), store.PageRequest{Channel: "a", After: after, Limit: 100, Bytes: mebibyte + 1})[0]
			equal(f, "messages on a page", len(page.Messages), 1)
			m := page.Messages[0]
			equal(f, "payload is whole", string(m.Data) == strings.Repeat(string(rune('a'+after)), mebibyte), true)
			got, after, more = append(got, m.Seq), m.Seq, page.More
		}
		equal(f, "seqs", got, span(1, 4))
	},
	"several requests keep their order": func(f *fixture) {
		f.fill("a", 3)
		f.fill("b", 2)
		pages := f.pages(at(0),
			store.PageRequest{Channel: "b", Limit: 9, Bytes: 9},
			store.PageRequest{Channel: "none", Limit: 9, Bytes: 9},
			store.PageRequest{Channel: "a", Limit: 1, Bytes: 9},
			store.PageRequest{Channel: "a", After: 2, Limit: 9, Bytes: 9},
			store.PageRequest{Channel: "b", Limit: 9, Bytes: 9})
		for i, want := range [][]uint64{span(1, 2), {}, span(1, 1), span(3, 3), span(1, 2)} {
			equal(f, "seqs", seqs(pages[i].Messages), want)
		}
		equal(f, "Channel", pages[1].Channel, "none")
		equal(f, "LastSeq", pages[2].LastSeq, uint64(3))
		tails, err := f.store.Tails(f.ctx, []string{"b", "none", "a", "b"})
		f.must(err)
		equal(f, "tails", tails, []store.Tail{pages[0].Tail, pages[1].Tail, pages[2].Tail, pages[0].Tail})
	},
	"after the floor": func(f *fixture) {
		f.fill("a", 10)
		f.trim(store.Trim{Channel: "a", KeepMessages: 4, Limit: 10})
		for _, after := range []uint64{0, 3, 6} {
			page := f.page("a", after, 2)
			equal(f, "seqs", seqs(page.Messages), span(7, 8))
			equal(f, "Oldest", page.Oldest(), uint64(7))
		}
	},
	"the results belong to the caller": func(f *fixture) {
		f.append(text("a", "one"), text("a", "two"))
		messages := f.page("a", 0, 10).Messages
		f.page("a", 0, 10)
		equal(f, "first", string(messages[0].Data), "one")
		equal(f, "second", string(messages[1].Data), "two")
	},
}

var findCases = map[string]func(*fixture){
	"given and generated": func(f *fixture) {
		results := f.append(named("a", "mine"), text("a", "y"))
		for i, result := range results {
			m, err := f.store.FindMessage(f.ctx, at(0), "a", result.ID)
			f.must(err)
			equal(f, "Seq", m.Seq, uint64(i+1))
			equal(f, "ID", m.ID, result.ID)
			equal(f, "Channel", m.Channel, "a")
		}
	},
	"not found": func(f *fixture) {
		short := named("a", "short")
		short.Expires = at(10)
		generated := f.append(named("a", "mine"), text("a", "y"), short)[1].ID
		epoch := f.tail("a").Epoch
		missing := func(second int, channel string, ids ...string) {
			f.Helper()
			for _, id := range ids {
				if m, err := f.store.FindMessage(f.ctx, at(second), channel, id); !errors.Is(err, store.ErrNotFound) {
					f.Fatalf("%s = %+v, %v; want ErrNotFound", id, m, err)
				}
			}
		}
		missing(0, "a", "", "other", "MINE", epoch, store.GeneratedID(epoch, "a", 1), store.GeneratedID(epoch, "a", 99), store.GeneratedID("x", "a", 2), store.GeneratedID(epoch, "b", 2))
		missing(0, "b", "mine", generated)
		missing(10, "a", "short")
		if _, err := f.store.FindMessage(f.ctx, at(9), "a", "short"); err != nil {
			f.Fatal(err)
		}
		f.trim(store.Trim{Channel: "a", PurgeTo: 2, Limit: 0})
		missing(0, "a", "mine", generated)
	},
}
