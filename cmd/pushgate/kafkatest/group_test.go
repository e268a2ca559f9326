package kafkatest

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"pushgate/cmd/pushgate/pushgatetest"
	"pushgate/store/postgres/pgtest"
)

// Three processes in one group: two joins, one SIGTERM, one kill -9. Nothing is
// lost, nothing is stored twice, and the order of each partition is kept.
func TestThreeProcesses(t *testing.T) {
	const partitions = 8
	each := 25_000
	if pushgatetest.Raced() {
		each = 5_000
	}
	k := startKafka(t)
	topic, url := k.topic(partitions), pgtest.New(t)
	node := func() *pushgatetest.Server {
		t.Helper()
		return k.serve("g-"+topic, topic, []string{"--store-url=" + url, "--shutdown-drain=0s"})
	}
	first := node()
	// Some channels are followed all the time, on a node that stays.
	last := node()
	var followers []*pushgatetest.Process
	for p := range 2 {
		followers = append(followers, pushgatetest.Launch(t, last.Command("subscribe", channel(p), "--from=earliest", fmt.Sprintf("--count=%d", each))))
	}
	step := each / 5
	produce := func(n int) {
		t.Helper()
		if err := k.numbered(topic, partitions, n*step, (n+1)*step); err != nil {
			t.Fatal(err)
		}
	}
	seen := make([]int, len(followers))
	follow := func(upTo int) {
		t.Helper()
		for p, f := range followers {
			for ; seen[p] < upTo; seen[p]++ {
				wantLine(t, f, fmt.Sprintf("%s %d %d", channel(p), seen[p]+1, seen[p]))
			}
		}
	}
	produce(0)
	follow(step / 2)
	third := node() // joins
	produce(1)
	follow(step + step/2)
	first.Stop() // SIGTERM
	produce(2)
	follow(2*step + step/2)
	third.WaitStderr("partitions=4") // kfake keeps a member that dies while it joins until the rebalance time-out
	third.Kill()                     // kill -9
	produce(3)
	fourth := node() // joins
	produce(4)
	follow(each)
	for p := range partitions {
		lines := pushgatetest.Run(t, last.Command("subscribe", channel(p), "--from=earliest", fmt.Sprintf("--count=%d", each)))
		checkNumbers(t, channel(p), lines.Out, each)
	}
	for _, s := range []*pushgatetest.Server{last, fourth} {
		if code := s.Stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	}
}

func channel(partition int) string { return "p" + strconv.Itoa(partition) }

// checkNumbers wants the numbers from 0, each with the seq after it.
func checkNumbers(t *testing.T, channel, out string, count int) {
	t.Helper()
	n := 0
	for line := range strings.SplitSeq(out, "\n") {
		if want := fmt.Sprintf("%s %d %d", channel, n+1, n); line != want {
			t.Fatalf("got %q, want %q", line, want)
		}
		n++
	}
	if n != count {
		t.Errorf("%s: %d messages, not %d", channel, n, count)
	}
}
