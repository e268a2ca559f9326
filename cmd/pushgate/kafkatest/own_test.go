package kafkatest

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"pushgate/cmd/pushgate/pushgatetest"
)

// ownKafka is a broker that no other test uses, and can be killed: beside a real
// one, what PUSHGATE_TEST_KAFKA_OWN starts, as .ci/kafka says.
func ownKafka(t *testing.T) (k *kafka, restart func()) {
	t.Helper()
	k = &kafka{t: t}
	if program := os.Getenv("PUSHGATE_TEST_KAFKA_OWN"); program != "" {
		restart = k.launch(program)
	} else {
		restart = k.fake()
	}
	k.connect()
	return k, restart
}

// launch starts a real broker, and answers what kills it and starts it again.
func (k *kafka) launch(program string) (restart func()) {
	k.t.Helper()
	command := exec.Command(program)
	command.Stderr = k.t.Output()
	stdout, err := command.StdoutPipe()
	if err != nil {
		k.t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		k.t.Fatal(err)
	}
	ready := make(chan string)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer func() { _ = command.Wait() }()
		defer close(ready)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			ready <- lines.Text()
		}
	}()
	k.t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		for range ready {
			continue // until it is closed
		}
		<-ended
	})
	wait := func() string {
		k.t.Helper()
		select {
		case address, ok := <-ready:
			if !ok {
				k.t.Fatal("the broker ended")
			}
			return address
		case <-time.After(4 * pushgatetest.Patience):
			k.t.Fatal("the broker does not start")
		}
		return ""
	}
	k.brokers = []string{wait()}
	return func() {
		k.t.Helper()
		if err := command.Process.Signal(syscall.SIGUSR1); err != nil {
			k.t.Fatal(err)
		}
		wait()
	}
}

// fake starts a broker in this process, and answers what replaces it.
func (k *kafka) fake() (restart func()) {
	k.t.Helper()
	options := []kfake.Opt{kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(time.Second), kfake.DataDir(k.t.TempDir())}
	var cluster *kfake.Cluster
	start := func(more ...kfake.Opt) {
		k.t.Helper()
		// Somebody may have the port for a moment.
		deadline := time.Now().Add(pushgatetest.Patience)
		for tick := time.Tick(100 * time.Millisecond); ; <-tick {
			var err error
			if cluster, err = kfake.NewCluster(append(more, options...)...); err == nil {
				break
			}
			if time.Now().After(deadline) {
				k.t.Fatal(err)
			}
		}
		k.brokers = cluster.ListenAddrs()
	}
	start()
	k.t.Cleanup(func() { cluster.Close() })
	return func() {
		k.t.Helper()
		_, text, err := net.SplitHostPort(k.brokers[0])
		if err != nil {
			k.t.Fatal(err)
		}
		port, err := strconv.Atoi(text)
		if err != nil {
			k.t.Fatal(err)
		}
		cluster.Close()
		start(kfake.Ports(port))
	}
}

// The broker is killed and comes back, twice, while records are produced all the
// time: nothing is lost or doubled, and the order is kept.
func TestBrokerKilled(t *testing.T) {
	const partitions, step = 2, 500
	k, restart := ownKafka(t)
	topic := k.topic(partitions)
	s := k.serve("g-"+topic, topic, nil)
	var followers []*pushgatetest.Process
	for p := range partitions {
		followers = append(followers, pushgatetest.Launch(t, s.Command("subscribe", channel(p), "--from=earliest")))
	}
	seen := 0
	follow := func(upTo int) {
		t.Helper()
		for ; seen < upTo; seen++ {
			for p, f := range followers {
				wantLine(t, f, fmt.Sprintf("%s %d %d", channel(p), seen+1, seen))
			}
		}
	}
	stop, produced, failed := make(chan struct{}), make(chan int, 1), make(chan error, 1)
	go func() {
		for n := 0; ; n += 10 {
			select {
			case <-stop:
				produced <- n
				return
			default:
				if err := k.numbered(topic, partitions, n, n+10); err != nil {
					failed <- err
					return
				}
			}
		}
	}()
	follow(step)
	restart()
	follow(seen + step)
	restart()
	follow(seen + step)
	close(stop)
	select {
	case count := <-produced:
		// One more record shows that nothing came between.
		if err := k.numbered(topic, partitions, count, count+1); err != nil {
			t.Fatal(err)
		}
		follow(count + 1)
	case err := <-failed:
		t.Fatal(err)
	}
	if code := s.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
