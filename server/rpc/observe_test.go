package rpc_test

import (
	"bytes"
	"maps"
	"slices"
	"sync"
)

// logged is what the server wrote to its log.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// metric is the value of a metric of calls.
func (n *node) metric(name, method, code string) float64 {
	n.t.Helper()
	return n.labelled(name, map[string]string{"method": method, "code": code})
}

// labelled is the value of a metric, summed up over what has these labels; "" stands for
// none.
func (n *node) labelled(name string, want map[string]string) (value float64) {
	n.t.Helper()
	for _, family := range got(n.registry.Gather())(n.t) {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			fits := map[string]string{}
			for _, l := range m.GetLabel() {
				fits[l.GetName()] = l.GetValue()
			}
			if !slices.ContainsFunc(slices.Collect(maps.Keys(want)), func(label string) bool { return fits[label] != want[label] }) {
				value += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return value
}
