package storetest

import (
	"bytes"
	"time"

	"pushgate/store"
)

var appendCases = map[string]func(*fixture){
	"nothing": func(f *fixture) {
		f.append()
	},
	"seq counts from 1 without holes": func(f *fixture) {
		for want := uint64(1); want <= 5; want++ {
			equal(f, "Seq", f.append(text("a", "x"))[0].Seq, want)
			f.ends("a", 0, want, "")
		}
		f.holds("a", span(1, 5)...)
	},
	"a batch keeps its order": func(f *fixture) {
		f.append(text("a", "one"), text("a", "two"))
		results := f.append(text("a", "three"), text("a", "four"), text("a", "five"))
		for i, result := range results {
			equal(f, "Seq", result.Seq, uint64(3+i))
		}
		for i, m := range f.page("a", 0, 10).Messages {
			equal(f, "Data", string(m.Data), []string{"one", "two", "three", "four", "five"}[i])
		}
	},
	"several channels in a batch": func(f *fixture) {
		f.append(text("b", "0"))
		results := f.append(text("a", "1"), text("b", "2"), text("c", "3"), text("a", "4"), text("b", "5"))
		for i, want := range []uint64{1, 2, 1, 2, 3} {
			equal(f, "Seq", results[i].Seq, want)
		}
		f.holds("a", 1, 2)
		f.holds("b", 1, 2, 3)
		f.holds("c", 1)
		equal(f, "Data", string(f.page("b", 2, 1).Messages[0].Data), "5")
	},
	"the result has all that a publisher is told": func(f *fixture) {
		unknown := f.tail("a")
		m := text("a", "x")
		m.Time = at(7).Add(123*time.Millisecond + 456*time.Microsecond)
		result := f.append(m)[0]
		f.sameTime("Time", result.Time, at(7).Add(123*time.Millisecond))
		equal(f, "Epoch", result.Epoch, unknown.Epoch)
		equal(f, "Epoch of the tail", f.tail("a").Epoch, unknown.Epoch)
		equal(f, "ID", result.ID, store.GeneratedID(result.Epoch, "a", 1))
		equal(f, "Duplicate", result.Duplicate, false)
		named := text("a", "x")
		named.ID = "mine"
		equal(f, "ID", f.append(named)[0].ID, "mine")
	},
	"a message comes back as it was": func(f *fixture) {
		binary := make([]byte, 256)
		for i := range binary {
			binary[i] = byte(i)
		}
		sent := []store.Message{
			{Channel: "a", ID: "all", Data: binary, ContentType: "application/octet-stream", Headers: []byte(`{"k":"v","ü":"\u0001"}`), Time: at(1), Expires: at(99)},
			{Channel: "a", Data: []byte{}, Time: at(2).Add(time.Millisecond)},
			{Channel: "a", Data: nil, ContentType: "text/plain", Time: at(3)},
			{Channel: "a", ID: "ünïcødé/☃", Data: []byte("\x00"), Time: at(4)},
			{Channel: "a", Data: bytes.Repeat([]byte{0, 0xff, '\'', '\\'}, 1<<18), Time: at(5)},
		}
		results := f.append(sent...)
		got := f.page("a", 0, 10).Messages
		equal(f, "number of messages", len(got), len(sent))
		for i, want := range sent {
			want.Seq, want.ID = results[i].Seq, results[i].ID
			f.sameMessage(got[i], want)
			found, err := f.store.FindMessage(f.ctx, at(0), "a", want.ID)
			f.must(err)
			f.sameMessage(found, want)
		}
		f.holds("a", span(1, 5)...)
	},
	"channel names are bytes": func(f *fixture) {
		names := []string{"A", "a", "a ", "ä", "a\u0308", "a%", "a_", "'; --", `\`}
		for i, name := range names {
			for range i + 1 {
				f.append(text(name, name))
			}
		}
		for i, name := range names {
			f.holds(name, span(1, uint64(i+1))...)
			m := f.page(name, 0, 1).Messages[0]
			equal(f, "Channel", m.Channel, name)
			equal(f, "Data", string(m.Data), name)
		}
	},
	"a large batch": func(f *fixture) {
		messages := make([]store.Message, 5000)
		for i := range messages {
			messages[i] = text([]string{"a", "b", "c"}[i%3], "x")
		}
		for i, result := range f.append(messages...) {
			equal(f, "Seq", result.Seq, uint64(i/3+1))
		}
		f.ends("a", 0, 1667, "")
	},
}

// sameMessage compares what the store keeps of a message; its time to the millisecond.
func (f *fixture) sameMessage(got, want store.Message) {
	f.Helper()
	if !bytes.Equal(got.Data, want.Data) {
		f.Fatalf("Data of %d bytes differs from the %d that were sent", len(got.Data), len(want.Data))
	}
	if len(want.Headers) == 0 && got.Headers != nil {
		f.Fatalf("Headers = %q, want nil", got.Headers)
	}
	equal(f, "Headers", string(got.Headers), string(want.Headers))
	f.sameTime("Time", got.Time, want.Time.Truncate(time.Millisecond))
	f.sameTime("Expires", got.Expires, want.Expires.Truncate(time.Millisecond))
	equal(f, "Expires is zero", got.Expires.IsZero(), want.Expires.IsZero())
	for _, m := range []*store.Message{&got, &want} {
		m.Data, m.Headers, m.Time, m.Expires = nil, nil, time.Time{}, time.Time{}
	}
	equal(f, "the rest of the message", got, want)
}
