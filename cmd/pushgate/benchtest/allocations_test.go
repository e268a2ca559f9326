//go:build linux

package benchtest

import (
	"io"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"testing"
)

// BenchmarkAllocations: what a further subscriber costs on the heap when a message
// is delivered, from the difference between few and many.
func BenchmarkAllocations(b *testing.B) {
	const few, many, messages = 100, 2000, 500
	var perDelivery samples
	for b.Loop() {
		for range rounds {
			perDelivery.add((allocations(b, many, messages)-allocations(b, few, messages))/float64(messages*(many-few)), 0)
		}
	}
	results.report("1 channel, each further subscriber: allocations", "a delivery", "", perDelivery, target{AtMost: 0.01})
}

// allocations are those of the server while messages are delivered, one after the other.
func allocations(tb testing.TB, subscribers, messages int) float64 {
	tb.Helper()
	n := startPushgate(tb)
	defer n.kill()
	c := gather(tb, n, subscribers, func(int) string { return "channel=live" })
	defer c.close()
	publish := unary(1)
	deliver := func(messages int) {
		var reading sync.WaitGroup // who does not read costs something, on purpose
		for _, client := range c.clients {
			reading.Go(func() {
				if err := client.skip(messages); err != nil {
					tb.Error(err)
				}
			})
		}
		publish(tb, n, []string{"live"}, exactly(messages))
		reading.Wait()
	}
	deliver(50) // what is made once is made
	before := n.mallocs(tb)
	deliver(messages)
	return n.mallocs(tb) - before
}

var mallocs = regexp.MustCompile(`(?m)^go_memstats_mallocs_total (\S+)$`)

// mallocs is how many objects the node has allocated so far.
func (n *node) mallocs(tb testing.TB) float64 {
	tb.Helper()
	response, err := http.Get("http://" + n.http + "/metrics")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		tb.Fatal(err)
	}
	found := mallocs.FindSubmatch(text)
	if found == nil {
		tb.Fatal("the metrics have no go_memstats_mallocs_total")
	}
	value, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		tb.Fatal(err)
	}
	return value
}
