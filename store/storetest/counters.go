package storetest

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"pushgate/store"
)

// model is what one channel must look like after steps that were all known.
type model struct {
	last, floor uint64
	rows        []modelRow // retained, ascending
	cursor      uint64
}

type modelRow struct {
	seq     uint64
	size    int
	id      string
	expires int
}

var counterCases = map[string]func(*fixture){
	"random steps": func(f *fixture) {
		for seed := range uint64(4) {
			random := rand.New(rand.NewPCG(seed, 7))
			channel := fmt.Sprintf("channel-%d", seed)
			f.subscribe("s", channel, store.From{})
			var m model
			for step := range 60 {
				f.Logf("seed %d, step %d: %+v", seed, step, m)
				f.randomStep(random, channel, &m)
				f.compare(channel, &m)
			}
		}
	},
}

func (f *fixture) randomStep(random *rand.Rand, channel string, m *model) {
	f.Helper()
	switch random.IntN(7) {
	case 0, 1, 2:
		f.randomAppend(random, channel, m)
	case 3:
		keep := 1 + random.IntN(12)
		f.trimAll(store.Trim{Channel: channel, KeepMessages: uint64(keep), Limit: 1 + random.IntN(5)})
		m.dropHead(max(0, len(m.rows)-keep))
	case 4:
		to := m.last - min(m.last, uint64(random.IntN(12)))
		f.trimAll(store.Trim{Channel: channel, PurgeTo: to, Limit: 1 + random.IntN(5)})
		n := 0
		for n < len(m.rows) && m.rows[n].seq <= to {
			n++
		}
		m.dropHead(n)
		m.floor = max(m.floor, to)
	case 5:
		second := random.IntN(20)
		f.expireAll(at(second), 1+random.IntN(5))
		m.expire(second)
	case 6:
		seq := uint64(random.IntN(int(m.last) + 3))
		f.ack("s", channel, seq)
		if seq <= m.last {
			m.cursor = max(m.cursor, seq)
		}
	}
}

func (f *fixture) randomAppend(random *rand.Rand, channel string, m *model) {
	f.Helper()
	for range 1 + random.IntN(6) {
		row := modelRow{size: random.IntN(40)}
		message := text(channel, strings.Repeat("x", row.size))
		if random.IntN(2) == 0 {
			row.id = fmt.Sprint(random.IntN(15))
			message.ID = row.id
		}
		if random.IntN(3) == 0 {
			row.expires = 1 + random.IntN(20)
			message.Expires = at(row.expires)
		}
		want, duplicate := m.last+1, false
		for _, old := range m.rows {
			if old.id != "" && old.id == row.id {
				want, duplicate = old.seq, true
			}
		}
		got := f.append(message)[0]
		equal(f, "Seq", got.Seq, want)
		equal(f, "Duplicate", got.Duplicate, duplicate)
		if !duplicate {
			m.last, row.seq = want, want
			m.rows = append(m.rows, row)
		}
	}
}

func (m *model) dropHead(n int) {
	if n > 0 {
		m.floor = max(m.floor, m.rows[n-1].seq)
		m.rows = m.rows[n:]
	}
}

func (m *model) expire(second int) {
	left := []modelRow{}
	for _, row := range m.rows {
		if row.expires == 0 || row.expires > second {
			left = append(left, row)
		}
	}
	if len(left) == len(m.rows) {
		return
	}
	m.rows = left
	m.floor = m.last
	if len(left) > 0 {
		m.floor = left[0].seq - 1
	}
}

// compare checks all that can be read of a channel. A trim may raise the floor
// over a hole behind the last row that it removed, or leave that for later.
func (f *fixture) compare(channel string, m *model) {
	f.Helper()
	want := []uint64{}
	for _, row := range m.rows {
		want = append(want, row.seq)
	}
	f.holds(channel, want...)
	tail := f.tail(channel)
	equal(f, "LastSeq", tail.LastSeq, m.last)
	if highest := append(want, m.last+1)[0] - 1; tail.Floor < m.floor || tail.Floor > highest {
		f.Fatalf("Floor = %d, want %d to %d", tail.Floor, m.floor, highest)
	}
	m.floor = tail.Floor
	equal(f, "floor has a reason", tail.FloorReason != "", tail.Floor > 0)
	equal(f, "cursor", f.cursor("s", channel), m.cursor)
}
