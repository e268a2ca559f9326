// Package broker speaks the three requests of the Kafka protocol that kafka-go
// offers only in a form that cannot keep this project's promises: Metadata and
// Fetch with topic ids, so that a topic which was deleted and created again is
// never taken for the old one, and ListOffsets of many partitions at once. Record
// batches are read here too: aborted transactions and control records are left
// out, the holes of compaction are stepped over, and what is decompressed never
// stands in memory as a whole (but for a batch that is one block of snappy).
//
// Connecting, TLS and SASL are kafka-go's, and so are the codecs, behind a look
// at what they would allocate. Brokers have to be of Kafka 3.1 or newer.
//
// A Conn is for one goroutine at a time; everything else may be shared.
package broker
