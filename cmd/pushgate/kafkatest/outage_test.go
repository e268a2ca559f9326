package kafkatest

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	"pushgate/cmd/pushgate/pushgatetest"
	"pushgate/store/postgres/pgtest"
)

// PostgreSQL goes away under load for longer than the group's session: nothing
// is lost or doubled, and it goes on by itself.
func TestDatabaseAway(t *testing.T) {
	const partitions, each = 4, 5000
	k := startKafka(t)
	topic, database := k.topic(partitions), pgtest.StartServer(t, pgtest.Options{})
	s := k.serve("g-"+topic, topic, []string{"--store-url=" + database.New(t, "pushgate")})
	var followers []*pushgatetest.Process
	for p := range partitions {
		followers = append(followers, pushgatetest.Launch(t, s.Command("subscribe", channel(p), "--from=earliest", fmt.Sprintf("--count=%d", each))))
	}
	produced := make(chan error, 1)
	go func() { produced <- k.numbered(topic, partitions, 0, each) }()
	for n := range 100 {
		wantLine(t, followers[0], fmt.Sprintf("%s %d %d", channel(0), n+1, n))
	}
	database.Stop()
	// With the pauses between them, eight failures of a partition take ten seconds.
	waitMetric(t, s, `pushgate_kafka_failures_total{operation="store"}`, 8*partitions)
	if err := <-produced; err != nil {
		t.Fatal(err)
	}
	database.Start(t)
	for p, f := range followers {
		from := 0
		if p == 0 {
			from = 100
		}
		for n := from; n < each; n++ {
			wantLine(t, f, fmt.Sprintf("%s %d %d", channel(p), n+1, n))
		}
	}
	if code := s.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// waitMetric waits until a series has reached a value.
func waitMetric(t *testing.T, s *pushgatetest.Server, series string, least float64) {
	t.Helper()
	line := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(series) + ` (\S+)$`)
	deadline := time.After(pushgatetest.Patience)
	for tick := time.Tick(20 * time.Millisecond); ; {
		text := page(t, s, "/metrics")
		if found := line.FindStringSubmatch(text); found != nil {
			if v, err := strconv.ParseFloat(found[1], 64); err == nil && v >= least {
				return
			}
		}
		select {
		case <-tick:
		case <-deadline:
			t.Fatalf("%s has not reached %v:\n%s", series, least, text)
		}
	}
}
