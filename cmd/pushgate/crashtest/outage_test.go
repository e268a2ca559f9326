package crashtest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/store/postgres/pgtest"
)

func TestPostgresGoesAndComesBackUnderLoad(t *testing.T) {
	t.Parallel()
	chance := newChance(t)
	postgres := pgtest.StartServer(t, pgtest.Options{Durable: true})
	n := start(t, "--store-url", postgres.New(t, "pushgate"))
	l := newLedger(t)
	channels := []string{"news", "orders:1"}
	n.subscription("ada", channels...)
	n.subscription("away", channels...)
	ada := follow(t, n.socket, "ada", chance.generator())
	ada.waitConnected(1)

	crowd := crowd(t, l, n, chance, channels)
	for _, p := range crowd {
		p.strict, p.unordered = true, p.by.most > 1
	}
	finish := press(t, crowd...)
	for i, end := range []func(){postgres.Stop, postgres.Kill, postgres.Stop, postgres.Kill} {
		l.waitPublished(300)
		end()
		n.checkStoreDown()
		l.waitRefused(50)
		postgres.Start(t)
		n.checkStoreUp(fmt.Sprintf("visitor%d", i))
	}
	l.waitPublished(300)
	finish()
	t.Logf("%d messages, %d answered as duplicates, %d tries refused", l.published(), l.duplicate, l.refusals)

	l.verifyStored(n)
	l.verifyReceived(ada)
	if ada.times() != 1 {
		t.Errorf("the live socket was cut off: %d connections", ada.times())
	}
	n.verifyAcks(ada, channels)
	away := follow(t, n.socket, "away", chance.generator())
	l.verifyReceived(away)
	ada.noGaps()
	away.noGaps()
}

func TestPostgresAndServerDieAgainAndAgain(t *testing.T) {
	t.Parallel()
	chance := newChance(t)
	random := chance.generator()
	postgres := pgtest.StartServer(t, pgtest.Options{Durable: true})
	n := start(t, "--store-url", postgres.New(t, "pushgate"))
	l := newLedger(t)
	channels := []string{"news", "orders:1"}
	n.subscription("ada", channels...)
	ada := follow(t, n.socket, "ada", chance.generator())
	crowd := crowd(t, l, n, chance, channels)
	for _, p := range crowd {
		p.unordered = p.by.most > 1
	}
	finish := press(t, crowd...)
	for range 6 {
		l.waitPublished(load(100 + random.IntN(300)))
		switch random.IntN(3) {
		case 0:
			postgres.Kill()
			postgres.Start(t)
		case 1:
			postgres.Kill()
			n.Kill()
			postgres.Start(t)
			n.Restart()
		case 2:
			n.Kill()
			postgres.Kill()
			// The server waits for its database.
			var starting sync.WaitGroup
			starting.Go(n.Restart)
			postgres.Start(t)
			starting.Wait()
		}
	}
	l.waitPublished(100)
	finish()
	t.Logf("%d messages, %d answered as duplicates, %d tries failed", l.published(), l.duplicate, l.refusals)
	l.verifyStored(n)
	l.verifyReceived(ada)
	ada.noGaps()
}

func TestAnswersOfPostgresAreLost(t *testing.T) {
	t.Parallel()
	chance := newChance(t)
	random := chance.generator()
	link, url := newLink(t, pgtest.StartServer(t, pgtest.Options{}).URL("postgres"))
	n := start(t, "--store-url", url, "--store-timeout", "1s")
	l := newLedger(t)
	channels := []string{"news", "orders:1"}
	n.subscription("ada", channels...)
	ada := follow(t, n.socket, "ada", chance.generator())
	crowd := crowd(t, l, n, chance, channels)
	for _, p := range crowd {
		p.strict, p.unordered = true, p.by.most > 1
	}
	finish := press(t, crowd...)
	l.waitPublished(load(300))
	link.lose()
	n.checkStoreDown()
	link.heal()
	n.checkStoreUp("visitor")
	// Whether it is a commit whose answer is lost, is left to chance.
	for range 10 {
		if l.duplicates() > 0 {
			break
		}
		l.waitPublished(load(100 + random.IntN(100)))
		link.lose()
		l.waitRefused(1)
		link.heal()
		l.waitPublished(load(100))
	}
	finish()
	t.Logf("%d messages, %d answered as duplicates, %d tries refused", l.published(), l.duplicate, l.refusals)
	if l.duplicates() == 0 {
		t.Error("no answer to a commit was lost")
	}
	l.verifyStored(n)
	l.verifyReceived(ada)
	n.verifyAcks(ada, channels)
	ada.noGaps()
	if ada.times() != 1 {
		t.Errorf("the live socket was cut off: %d connections", ada.times())
	}
}

// checkStoreDown checks what a node says while its store is away.
func (n *node) checkStoreDown() {
	n.t.Helper()
	n.waitHealth("", healthv1.HealthCheckResponse_NOT_SERVING)
	n.waitHealth("pushgate.v1.PublishService", healthv1.HealthCheckResponse_NOT_SERVING)
	if code, reasons := n.get("/readyz"); code != http.StatusServiceUnavailable || !slices.Contains(reasons, "store: not available") {
		n.t.Errorf("/readyz answers %d %q", code, reasons)
	}
	if code, _ := n.get("/healthz"); code != http.StatusOK {
		n.t.Errorf("/healthz answers %d", code)
	}
	if up := n.metric("pushgate_store_up"); up != "0" {
		n.t.Errorf("pushgate_store_up is %s", up)
	}
	_, err := n.publish.Publish(limited(n.t), &pb.PublishRequest{Channel: "alone", Data: []byte("1")})
	if s := status.Convert(err); s.Code() != codes.Unavailable || !hasRetryInfo(s) {
		n.t.Errorf("a publish is answered with %v and details %v", err, s.Details())
	}
	_, err = connect(n.t.Context(), n.t, n.socket+"?subscriber=late", nil)
	var refused *errRefused
	if !errors.As(err, &refused) || refused.status != http.StatusServiceUnavailable || refused.retryAfter == "" {
		n.t.Errorf("a connect is answered with %v, %+v", err, refused)
	}
}

// checkStoreUp checks that all comes back by itself: health, connecting,
// subscribing, publishing and acks.
func (n *node) checkStoreUp(visitor string) {
	n.t.Helper()
	n.waitHealth("", healthv1.HealthCheckResponse_SERVING)
	n.waitHealth("pushgate.v1.PublishService", healthv1.HealthCheckResponse_SERVING)
	poll(n.t, "/readyz is 200", func() bool { code, _ := n.get("/readyz"); return code == http.StatusOK })
	poll(n.t, "pushgate_store_up is 1", func() bool { return n.metric("pushgate_store_up") == "1" })
	channel := "visits:" + visitor
	receipts := n.watchDeliveries(channel)
	c := dial(n.t, n.socket+"?subscriber="+visitor)
	c.expect("connected")
	c.send(map[string]any{"type": "subscribe", "id": 1, "channel": channel})
	c.expect("subscribed")
	seq := n.send(channel, `"welcome"`)
	c.messages(channel, seq, seq)
	c.ack(channel, seq)
	receipts.acked(visitor, seq)
}
