package broker

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"strconv"

	"github.com/segmentio/kafka-go"
)

// ID is a topic's identity: one that is deleted and created again gets another.
type ID [16]byte

// String is the form that Kafka's own tools print.
func (id ID) String() string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// Topic is what a broker knows of a topic.
type Topic struct {
	Name     string
	ID       ID
	Internal bool
	// Leaders are the ids of the partitions' leaders, -1 where there is none now.
	Leaders []int32
}

// Cluster is an answer to Metadata.
type Cluster struct {
	Addresses map[int32]string // of the brokers, by their ids
	Topics    map[string]Topic // those that exist
}

// Leader is the address of a partition's leader.
func (c Cluster) Leader(topic string, partition int) (string, error) {
	t, ok := c.Topics[topic]
	if !ok || partition >= len(t.Leaders) {
		return "", kafka.UnknownTopicOrPartition
	}
	address, ok := c.Addresses[t.Leaders[partition]]
	if !ok {
		return "", kafka.LeaderNotAvailable
	}
	return address, nil
}

// Metadata asks about topics, or about all when none is named. A topic that does
// not exist is left out; none is created.
func (c *Conn) Metadata(ctx context.Context, topics ...string) (Cluster, error) {
	r, err := c.roundTrip(ctx, metadataAPI, 0, func(q *request) {
		if len(topics) == 0 {
			q.compactLength(-1)
		} else {
			q.compactLength(len(topics))
		}
		for _, name := range topics {
			q.id(ID{})
			q.compactString(name)
			q.noTags()
		}
		q.bool(false) // create topics
		q.bool(false) // tell what is allowed
		q.noTags()
	})
	if err != nil {
		return Cluster{}, err
	}
	return readCluster(r, len(topics) > 0)
}

func readCluster(r *response, named bool) (Cluster, error) {
	cluster := Cluster{Addresses: map[int32]string{}, Topics: map[string]Topic{}}
	r.int32() // throttle
	r.compactArray(func() {
		id, host, port := r.int32(), r.compactString(), r.int32()
		r.compactString() // rack
		cluster.Addresses[id] = net.JoinHostPort(host, strconv.Itoa(int(port)))
	})
	r.compactString() // cluster id
	r.int32()         // controller
	var failure error
	r.compactArray(func() {
		code := kafka.Error(r.int16())
		t := readTopic(r)
		switch code {
		case 0:
			cluster.Topics[t.Name] = t
		case kafka.UnknownTopicOrPartition:
		default:
			// Of topics that nobody asked for, an error says only that they are not ours.
			if named {
				failure = fmt.Errorf("topic %s: %w", t.Name, code)
			}
		}
	})
	if err := r.err(); err != nil {
		return Cluster{}, err
	}
	return cluster, failure
}

func readTopic(r *response) Topic {
	t := Topic{Name: r.compactString(), ID: r.id(), Internal: r.int8() != 0}
	leaders := map[int32]int32{}
	r.compactArray(func() {
		r.int16() // what is wrong shows in the leader
		partition, leader := r.int32(), r.int32()
		r.int32() // leader epoch
		r.compactInt32s()
		r.compactInt32s()
		r.compactInt32s()
		leaders[partition] = leader
	})
	r.int32() // what is allowed
	for partition := range int32(len(leaders)) {
		leader, ok := leaders[partition]
		if !ok {
			leader = -1
		}
		t.Leaders = append(t.Leaders, leader)
	}
	return t
}
