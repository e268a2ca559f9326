package crashtest

import (
	"fmt"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"pushgate/cmd/pushgate/pushgatetest"
	pb "pushgate/proto/gen/pushgate/v1"
)

// startBehind starts two nodes as the examples of deploy/ ask for.
func startBehind(t *testing.T, args ...string) (a, b *node) {
	t.Helper()
	return startTwo(t, append([]string{"--http-trusted-proxies", "127.0.0.1", "--admin-address", "127.0.0.1:0"}, args...)...)
}

func TestBehindProxies(t *testing.T) {
	t.Parallel()
	for _, balancer := range proxies {
		t.Run(balancer.name, func(t *testing.T) {
			t.Parallel()
			a, b := startBehind(t, "--shutdown-delay", "1h", "--shutdown-timeout", "2h")
			p := balancer.start(t, false, a, b)
			poll(t, "both nodes get clients", func() bool {
				return len(slices.Compact(slices.Sorted(slices.Values(p.connect(t, 2))))) == 2
			})

			c := dial(t, p.socket+"?channel=news")
			c.expect("connected")
			c.expect("subscribed")
			if _, err := p.publish.Publish(limited(t), &pb.PublishRequest{Channel: "news", Data: []byte(`1`)}); err != nil {
				t.Fatal(err)
			}
			c.messages("news", 1, 1)
			p.tellsAddress(t, a, b)
			for _, path := range []string{"/metrics", "/readyz", "/debug/pprof/", "/"} {
				if got := p.status(t, path); got != http.StatusNotFound {
					t.Errorf("%s: got %d", path, got)
				}
			}

			// From the moment that a node drains, everybody new comes to the other.
			if _, err := a.control.Drain(limited(t), &pb.DrainRequest{}); err != nil {
				t.Fatal(err)
			}
			for _, name := range p.connect(t, 6) {
				if name != "b" {
					t.Errorf("a client came to the node %s, which drains", name)
				}
			}

			sticky := balancer.start(t, true, a, b)
			if names := sticky.connect(t, 4); slices.Contains(names, "a") {
				t.Errorf("clients came to the node that drains: %v", names)
			}
			p.survives(t, c)
		})
	}
}

// survives checks that a connection is still there.
func (p *proxy) survives(t *testing.T, c *client) {
	t.Helper()
	c.send(map[string]any{"type": "ping"})
	c.expect("pong")
}

func TestStickyProxies(t *testing.T) {
	t.Parallel()
	for _, balancer := range proxies {
		t.Run(balancer.name, func(t *testing.T) {
			t.Parallel()
			a, b := startBehind(t)
			names := balancer.start(t, true, a, b).connect(t, 6)
			if len(slices.Compact(slices.Sorted(slices.Values(names)))) != 1 {
				t.Errorf("one client came to several nodes: %v", names)
			}
		})
	}
}

// connect opens connections, and answers the nodes that they came to.
func (p *proxy) connect(t *testing.T, count int) (names []string) {
	t.Helper()
	for range count {
		names = append(names, dial(t, p.socket).expect("connected").Node)
	}
	return names
}

func (p *proxy) status(t *testing.T, path string) int {
	t.Helper()
	response, err := http.Get("http://" + p.web + path)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// tellsAddress checks that the nodes know a client by its address, whatever it
// says of itself.
func (p *proxy) tellsAddress(t *testing.T, nodes ...*node) {
	t.Helper()
	address := "127.0.0.1"
	if runtime.GOOS == "linux" {
		address = "127.0.0.9" // all of 127.0.0.0/8 is there
	}
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	transport := &http.Transport{DialContext: dialer.DialContext}
	defer transport.CloseIdleConnections()
	socket, _, err := websocket.Dial(limited(t), p.socket+"?subscriber=addressed", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport}, HTTPHeader: http.Header{"X-Forwarded-For": {"203.0.113.7"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.CloseNow() }()
	var found []string
	for _, n := range nodes {
		r, err := n.control.ListConnections(limited(t), &pb.ListConnectionsRequest{Subscriber: "addressed"})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range r.GetConnections() {
			found = append(found, c.GetRemoteAddress())
		}
	}
	if len(found) != 1 || found[0] != address && !strings.HasPrefix(found[0], address+":") {
		t.Errorf("the client at %s is known as %v", address, found)
	}
}

// One node after the other is started again, behind a load balancer and under
// load: nothing is lost, order is kept, and the clients come back spread out.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	for _, balancer := range proxies {
		t.Run(balancer.name, func(t *testing.T) {
			t.Parallel()
			chance := newChance(t)
			a, b := startBehind(t, "--shutdown-delay", balancer.delay, "--shutdown-drain", "4s", "--shutdown-timeout", "30s")
			p := balancer.start(t, false, a, b)
			l := newLedger(t)
			channels := []string{"news", "orders:1"}
			var receivers []*receiver
			for i := range 40 {
				name := fmt.Sprintf("subscriber%d", i)
				a.subscription(name, channels...)
				r := newReceiver(t, p.socket, name, chance.generator())
				r.patient = true
				r.start()
				receivers = append(receivers, r)
			}
			for _, r := range receivers {
				r.waitConnected(1)
			}
			var publishers []*publisher
			for _, by := range []way{unary(p.publish), batch(p.publish), stream(p.publish)} {
				by.most = min(by.most, 3) // 40 clients get each of them
				publishers = append(publishers, &publisher{
					t: t, name: by.name, ledger: l, channels: channels, by: by, unordered: by.most > 1,
					random: chance.generator(), padding: 200, pause: 20 * time.Millisecond,
				})
			}
			finish := press(t, publishers...)
			for _, n := range []*node{a, b} {
				l.waitPublished(20)
				began := time.Now()
				if code := n.Stop(); code != 0 {
					t.Errorf("the exit code is %d", code)
				}
				n.Restart()
				for _, r := range receivers {
					r.waitReturned()
				}
				returns := returnsSince(receivers, began)
				t.Logf("%d clients came back after the drain of %s began:\n%s", len(returns), n.HTTP, histogram(returns))
				if most := len(returns) / 2; busiest(returns) > most {
					t.Errorf("more than half of %d clients came back within the same %s", len(returns), bin)
				}
			}
			l.waitPublished(20)
			finish()
			t.Logf("%d messages, %d tries refused, %d answers of duplicates", l.published(), l.refusals, l.duplicates())
			l.verifyStored(a)
			for _, r := range receivers {
				l.verifyReceived(r)
				r.noGaps()
			}
		})
	}
}

// bin is how finely the returns of clients are told.
const bin = 500 * time.Millisecond

func returnsSince(receivers []*receiver, began time.Time) (after []time.Duration) {
	for _, r := range receivers {
		r.lock.Lock()
		for _, at := range r.returned {
			if at.After(began) {
				after = append(after, at.Sub(began))
			}
		}
		r.lock.Unlock()
	}
	slices.Sort(after)
	return after
}

func bins(returns []time.Duration) (counts []int) {
	for _, r := range returns {
		for len(counts) <= int(r/bin) {
			counts = append(counts, 0)
		}
		counts[r/bin]++
	}
	return counts
}

func busiest(returns []time.Duration) int {
	if len(returns) == 0 {
		return 0
	}
	return slices.Max(bins(returns))
}

func histogram(returns []time.Duration) string {
	var b strings.Builder
	for i, count := range bins(returns) {
		fmt.Fprintf(&b, "  %4.1f s %s\n", (time.Duration(i) * bin).Seconds(), strings.Repeat("#", count))
	}
	return b.String()
}

// waitReturned waits until it is connected.
func (r *receiver) waitReturned() {
	r.t.Helper()
	open := func() bool {
		r.lock.Lock()
		defer r.lock.Unlock()
		return r.connects > len(r.endings)
	}
	r.wait(r.t, open, func() string { return fmt.Sprintf("%s did not come back within %s", r.name, pushgatetest.Patience) })
}
