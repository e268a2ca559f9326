package postgres

import (
	"time"

	"pushgate/store"
)

// plan is the part of a batch that is to be stored, as the columns of insertSQL.
type plan struct {
	// One entry per channel. names is never nil, which would be NULL.
	names         []string
	counts, sizes []int64
	groups        map[string]int // name to index

	// One entry per message. Those after ranks are nil while all are zero:
	// unnest then makes NULLs of them at no cost on the wire.
	members    []int // index in the batch
	group      []int32
	ranks      []int32 // 1, 2, 3 … within the channel
	published  []time.Time
	data       [][]byte
	expires    []*time.Time
	ids, types []*string
	headers    [][]byte

	position *store.Position // nil if there is none to advance
}

func newPlan(capacity int, position *store.Position) *plan {
	return &plan{
		position: position,
		names:    []string{}, groups: make(map[string]int), members: make([]int, 0, capacity),
		group: make([]int32, 0, capacity), ranks: make([]int32, 0, capacity),
		published: make([]time.Time, 0, capacity), data: make([][]byte, 0, capacity),
	}
}

// channel answers the index of a channel, which it adds if it is new.
func (p *plan) channel(name string) int {
	g, known := p.groups[name]
	if !known {
		g = len(p.names)
		p.groups[name] = g
		p.names, p.counts, p.sizes = append(p.names, name), append(p.counts, 0), append(p.sizes, 0)
	}
	return g
}

// add appends message i of the batch to its channel g, and answers its rank.
func (p *plan) add(i, g int, m *store.Message) int64 {
	p.counts[g]++
	p.sizes[g] += int64(len(m.Data))
	p.members = append(p.members, i)
	p.group = append(p.group, int32(g+1))
	p.ranks = append(p.ranks, int32(p.counts[g]))
	p.published = append(p.published, moment(m.Time))
	data := m.Data
	if data == nil {
		data = []byte{} // nil is NULL
	}
	p.data = append(p.data, data)
	n := len(p.members)
	if !m.Expires.IsZero() {
		p.expires = put(p.expires, n, new(moment(m.Expires)))
	}
	if m.ID != "" {
		p.ids = put(p.ids, n, &m.ID)
	}
	if m.ContentType != "" {
		p.types = put(p.types, n, &m.ContentType)
	}
	if m.Headers != nil {
		p.headers = put(p.headers, n, m.Headers)
	}
	return p.counts[g]
}

// put makes value the n-th of a column, behind as many zeros as it takes.
func put[T any](column []T, n int, value T) []T {
	for len(column) < n-1 {
		var zero T
		column = append(column, zero)
	}
	return append(column, value)
}

// occupied leaves out the channels that get nothing: a batch of duplicates
// must not rewrite their rows.
func (p *plan) occupied() *plan {
	out := *p
	out.names, out.counts, out.sizes = []string{}, nil, nil
	position := make([]int32, len(p.names))
	for g, count := range p.counts {
		if count > 0 {
			out.names, out.counts, out.sizes = append(out.names, p.names[g]), append(out.counts, count), append(out.sizes, p.sizes[g])
			position[g] = int32(len(out.names))
		}
	}
	out.group = make([]int32, len(p.group))
	for i, g := range p.group {
		out.group[i] = position[g-1]
	}
	return &out
}
