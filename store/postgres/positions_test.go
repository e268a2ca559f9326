package postgres

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"pushgate/store"
	"pushgate/store/postgres/pgtest"
)

// ingest stores the records of a partition, three at a time, until it is told
// to stop; a batch whose outcome is unknown is sent again. It answers how many
// records were stored.
func ingest(t *testing.T, s *Store, key store.SourceKey, channel string, load outcomes, done <-chan struct{}) (next int64) {
	for {
		select {
		case <-done:
			return next
		default:
		}
		batch := store.Batch{Position: &store.Position{SourceKey: key, First: next, Next: next + 3}}
		for i := range int64(3) {
			batch.Messages = append(batch.Messages, store.Message{Channel: channel, Data: []byte(fmt.Sprint(next + i)), Time: time.UnixMilli(0)})
		}
		_, err := s.Append(t.Context(), batch)
		if failure, ok := errors.AsType[*store.ReplayedError](err); ok {
			if failure.Stored.Next != batch.Position.Next {
				t.Errorf("%d is stored, want %d", failure.Stored.Next, batch.Position.Next)
			}
			err = nil
		}
		if !load.note(err) {
			t.Errorf("append: %v, want ErrUnavailable", err)
			return next
		}
		if err == nil {
			next = batch.Position.Next
		}
	}
}

func TestRecordsAreStoredOnceThroughRestarts(t *testing.T) {
	t.Parallel()
	server := pgtest.StartServer(t, pgtest.Options{Durable: true})
	url := server.New(t, "ingest")
	s := openMigrated(t, url)
	done := make(chan struct{})
	var group sync.WaitGroup
	var loads []outcomes
	var records [4]int64
	for i := range records {
		load, key := newOutcomes(), store.SourceKey{Source: "s", Topic: "t", Partition: i}
		loads = append(loads, load)
		group.Go(func() { records[i] = ingest(t, s, key, fmt.Sprint("channel-", i), load, done) })
	}
	endTwice(t, server, loads)
	close(done)
	group.Wait()
	for i, want := range records {
		pages, err := s.Pages(t.Context(), time.UnixMilli(0), []store.PageRequest{{Channel: fmt.Sprint("channel-", i), Limit: math.MaxInt32, Bytes: math.MaxInt32}})
		if err != nil {
			t.Fatal(err)
		}
		for at, m := range pages[0].Messages {
			if string(m.Data) != fmt.Sprint(at) {
				t.Fatalf("partition %d: record %s at place %d", i, m.Data, at)
			}
		}
		// The batch under way at the end may have an unknown outcome.
		if stored := int64(len(pages[0].Messages)); stored != want && stored != want+3 {
			t.Errorf("partition %d: %d records are stored, want %d", i, stored, want)
		}
	}
}
