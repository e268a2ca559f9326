package kafkatest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pushgate/cmd/pushgate/pushgatetest"
)

// From an independent client to what a subscriber prints.
func TestFromKcatToWebSocket(t *testing.T) {
	stores(t, func(t *testing.T, args []string) {
		k := startKafka(t)
		topic, dead := k.topic(1), k.topic(1)
		s := k.serve("g-"+topic, topic, args, `channel: "orders:{{.Key}}"`, "dead_letter: "+dead)
		subscriber := pushgatetest.Launch(t, s.Command("subscribe", "orders:42", "--subscriber=ada", "--from=earliest"))
		k.kcat(topic, `42:{"state":"paid"}`, `7:{"state":"new"}`, `42:{"state":`, `42:{"state":"sent"}`)
		wantLine(t, subscriber, `orders:42 1 {"state":"paid"}`)
		wantLine(t, subscriber, `orders:42 2 {"state":"sent"}`)
		if got := page(t, s, "/metrics"); !strings.Contains(got, `pushgate_kafka_dead_letters_total{reason="refused",source="test"} 1`) {
			t.Errorf("metrics:\n%s", got)
		}
		if got := page(t, s, "/readyz"); !strings.Contains(got, "200 OK") || strings.Contains(got, "notes") {
			t.Errorf("readyz: %s", got)
		}
		if code := s.Stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}

// Kill -9 in the middle of it: what a subscriber that follows prints is every
// record once, in order.
func TestKilledWhileConsuming(t *testing.T) {
	const each, kills = 6000, 3
	stores(t, func(t *testing.T, args []string) {
		k := startKafka(t)
		topic := k.topic(2)
		s := k.serve("g-"+topic, topic, args, "batch: {records: 64}")
		subscriber := pushgatetest.Launch(t, s.Command("subscribe", "p0", "p1", "--subscriber=ada", "--from=earliest"))
		produced := make(chan error, 1)
		go func() { produced <- k.numbered(topic, 2, 0, each) }()
		next := map[string]int{}
		for n := range 2 * each {
			line := subscriber.Line()
			channel, _, _ := strings.Cut(line, " ")
			if want := fmt.Sprintf("%s %d %d", channel, next[channel]+1, next[channel]); line != want {
				t.Fatalf("got %q, want %q", line, want)
			}
			next[channel]++
			if n%(2*each/(kills+1)) == 500 && n > 500 {
				// Not before it consumes: kfake keeps a member that died while it
				// was joining until the rebalance time-out.
				s.WaitStderr("a generation of the consumer group begins")
				s.Kill()
				s.Restart()
			}
		}
		if err := <-produced; err != nil {
			t.Fatal(err)
		}
		if next["p0"] != each || next["p1"] != each {
			t.Errorf("got %v", next)
		}
		if code := s.Stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}

func TestWhatIsWrongWithKafkaShowsInReadyz(t *testing.T) {
	k := startKafka(t)
	s := k.serve("g", "nowhere", nil)
	s.WaitStderr("started")
	deadline := time.After(pushgatetest.Patience)
	for tick := time.Tick(10 * time.Millisecond); !strings.Contains(page(t, s, "/readyz"), "no such topic: nowhere"); {
		select {
		case <-tick:
		case <-deadline:
			t.Fatalf("readyz: %s", page(t, s, "/readyz"))
		}
	}
	if got := page(t, s, "/readyz"); !strings.Contains(got, `"status":"ready"`) {
		t.Errorf("readyz: %s", got)
	}
}
