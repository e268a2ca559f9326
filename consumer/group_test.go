package consumer

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func (f *fixture) addPartitions(topic string, to int) {
	f.t.Helper()
	request := kmsg.NewPtrCreatePartitionsRequest()
	part := kmsg.NewCreatePartitionsRequestTopic()
	part.Topic, part.Count = topic, int32(to)
	request.Topics = append(request.Topics, part)
	request.TimeoutMillis = 10_000
	response, err := request.RequestWith(f.context(), f.client)
	if err != nil || response.Topics[0].ErrorCode != 0 {
		f.t.Fatalf("adding partitions: %v %+v", err, response)
	}
	// The broker answers before it tells of them itself.
	for patient := f.context(); f.partitions(topic) < to; {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-patient.Done():
			f.t.Fatal("the broker does not tell of the new partitions")
		}
	}
	f.client.PurgeTopicsFromClient(topic)
}

func (f *fixture) partitions(topic string) int {
	f.t.Helper()
	request := kmsg.NewPtrMetadataRequest()
	asked := kmsg.NewMetadataRequestTopic()
	asked.Topic = new(topic)
	request.Topics = append(request.Topics, asked)
	response, err := request.RequestWith(f.context(), f.client)
	if err != nil {
		f.t.Fatalf("reading metadata: %v", err)
	}
	return len(response.Topics[0].Partitions)
}

// Members come and go while records do; one of them leaves without a word.
func TestJoinsAndLeaves(t *testing.T) {
	const partitions, each = 6, 3000
	f, m := newFixture(t), newMemory()
	topic := f.topic(partitions)
	var producing sync.WaitGroup
	producing.Go(func() {
		for n := 0; n < each; n += 100 {
			for p := range partitions {
				f.numbered(topic, p, n, n+100)
			}
		}
	})
	first := run(t, m, f.config(sourceOf(topic)))
	m.waitCount(t, "p0", 300)
	second := run(t, m, f.config(sourceOf(topic)))
	m.waitCount(t, "p0", 900)
	third := run(t, m, f.config(sourceOf(topic)))
	m.waitCount(t, "p0", 1500)
	first.Stop()
	m.waitCount(t, "p0", 2000)
	second.Stop()
	producing.Wait()
	for p := range partitions {
		m.waitCount(t, fmt.Sprintf("p%d", p), each)
		m.wantNumbers(t, fmt.Sprintf("p%d", p), 0, each)
	}
	third.Stop()
}

func TestPartitionAdded(t *testing.T) {
	for _, start := range []Start{Earliest, Latest} {
		t.Run(string(start), func(t *testing.T) {
			f, m := newFixture(t), newMemory()
			topic := f.topic(1)
			source := sourceOf(topic)
			source.Start = start
			f.numbered(topic, 0, 0, 10)
			run(t, m, f.config(source))
			if start == Earliest {
				m.waitCount(t, "p0", 10)
			} else {
				m.waitPosition(t, topic, 0, 10)
			}
			f.addPartitions(topic, 3)
			f.numbered(topic, 2, 0, 10)
			m.waitCount(t, "p2", 10)
			m.wantNumbers(t, "p2", 0, 10)
		})
	}
}

func TestPatternFindsNewTopics(t *testing.T) {
	f, m := newFixture(t), newMemory()
	first := f.topic(1)
	source := DefaultSource()
	source.Name, source.Pattern = "test", first+"(-.*)?"
	source.DeadLetter = first + "-dead"
	f.create(source.DeadLetter, 1)
	f.numbered(first, 0, 0, 10)
	run(t, m, f.config(source))
	m.waitCount(t, "p0", 10)
	f.create(first+"-more", 1)
	f.numbered(first+"-more", 0, 10, 20)
	f.numbered(source.DeadLetter, 0, 99, 100) // never read
	m.waitCount(t, "p0", 20)
	m.wantNumbers(t, "p0", 0, 20)
}

// A topic that does not exist keeps nobody else waiting, and is read when it comes.
func TestTopicThatComesLater(t *testing.T) {
	f, m := newFixture(t), newMemory()
	there := f.topic(1)
	c := run(t, m, f.config(sourceOf(there, there+"-later")))
	f.numbered(there, 0, 0, 10)
	m.waitCount(t, "p0", 10)
	if got := fmt.Sprint(c.Health()); len(c.Health()) != 1 {
		t.Errorf("health: %s", got)
	}
	f.create(there+"-later", 1)
	f.numbered(there+"-later", 0, 10, 20)
	m.waitCount(t, "p0", 20)
	m.wantNumbers(t, "p0", 0, 20)
}
