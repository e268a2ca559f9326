package broker

import (
	"bytes"
	"testing"
)

// answers are what a broker sends, without its header.
func answers() (metadata, offsets, fetch []byte) {
	var m request
	m.int32(0)
	m.compactLength(1)
	m.int32(1)
	m.compactString("localhost")
	m.int32(9092)
	m.compactLength(-1) // rack
	m.noTags()
	m.compactString("cluster")
	m.int32(1)
	m.compactLength(1)
	m.int16(0)
	m.compactString("orders")
	m.id(ID{1})
	m.bool(false)
	m.compactLength(1)
	m.int16(0)
	m.int32(0)
	m.int32(1)
	m.int32(0)
	for range 3 {
		m.compactLength(1)
		m.int32(1)
	}
	m.noTags()
	m.int32(0)
	m.noTags()
	m.noTags()

	var o request
	o.int32(0)
	o.int32(1)
	o.string("orders")
	o.int32(1)
	o.int32(0)
	o.int16(0)
	o.int64(-1)
	o.int64(42)
	o.int32(0)

	var f request
	f.int32(0)
	f.int16(0)
	f.int32(0)
	f.compactLength(1)
	f.id(ID{1})
	f.compactLength(1)
	f.int32(0)
	f.int16(0)
	f.int64(42)
	f.int64(42)
	f.int64(0)
	f.compactLength(1)
	f.int64(7)
	f.int64(3)
	f.noTags()
	f.int32(-1)
	f.compactString("records")
	f.noTags()
	f.noTags()
	f.noTags()
	return m.b, o.b, f.b
}

func TestResponses(t *testing.T) {
	metadata, offsets, fetch := answers()
	cluster, err := readCluster(&response{b: metadata}, true)
	if address, _ := cluster.Leader("orders", 0); err != nil || address != "localhost:9092" || cluster.Topics["orders"].ID != (ID{1}) {
		t.Errorf("metadata: %+v, %v", cluster, err)
	}
	found, err := readOffsets(&response{b: offsets})
	if err != nil || found[Partition{"orders", 0}] != 42 {
		t.Errorf("offsets: %v, %v", found, err)
	}
	records, err := readFetch(&response{b: fetch}, 5)
	if err != nil || records.End != 42 || string(records.set) != "records" || len(records.aborted) != 1 {
		t.Errorf("fetch: %+v, %v", records, err)
	}
	// Whatever is missing at the end is noticed, up to the last tags.
	for n := range len(metadata) - 1 {
		if _, err := readCluster(&response{b: metadata[:n]}, true); err == nil {
			t.Errorf("%d bytes of metadata are enough", n)
		}
	}
	for n := range offsets {
		if _, err := readOffsets(&response{b: offsets[:n]}); err == nil {
			t.Errorf("%d bytes of offsets are enough", n)
		}
	}
	for n := range len(fetch) - 1 {
		if _, err := readFetch(&response{b: fetch[:n]}, 0); err == nil {
			t.Errorf("%d bytes of a fetch are enough", n)
		}
	}
}

// Whatever a broker answers, reading it ends, and holds no more than it had.
func FuzzResponses(f *testing.F) {
	metadata, offsets, fetch := answers()
	f.Add(metadata)
	f.Add(offsets)
	f.Add(fetch)
	f.Fuzz(func(t *testing.T, b []byte) {
		cluster, _ := readCluster(&response{b: bytes.Clone(b)}, true)
		partitions := 0
		for _, topic := range cluster.Topics {
			partitions += len(topic.Leaders)
		}
		found, _ := readOffsets(&response{b: bytes.Clone(b)})
		aborted := 0
		if records, err := readFetch(&response{b: bytes.Clone(b)}, 0); err == nil {
			aborted = len(records.aborted)
		}
		if most := len(b); len(cluster.Addresses)+partitions > most || len(found) > most || aborted > most {
			t.Fatalf("%d bytes became %d brokers, %d partitions, %d offsets, %d transactions",
				most, len(cluster.Addresses), partitions, len(found), aborted)
		}
	})
}
