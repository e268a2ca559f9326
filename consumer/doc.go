// Package consumer takes records from Kafka and hands them, as messages, to a
// Publisher.
//
// # What it promises
//
//   - The records of one partition reach the Publisher in their order.
//   - Each record becomes its messages exactly once: a batch is stored with the
//     position of its partition in one transaction, and a partition starts at the
//     position in the store, not at the one that Kafka knows. Kafka's committed
//     offsets are kept up to date for people and their tools, and are used where
//     the store knows nothing yet.
//   - A record that cannot become a message goes to the dead-letter topic, or is
//     skipped, or stops its partition, as configured; nothing else is ever skipped
//     but what Kafka itself has deleted, and that is counted and logged.
//   - A topic that was deleted and created again is recognised by its id, and read
//     from its beginning.
//
// # Goroutines
//
// A Consumer owns one goroutine that follows the topics (catalog), one that
// measures the lag, one that is a member of the group and, in each generation of
// the group, one worker with one fetcher per assigned partition. A worker joins
// its fetcher, a generation joins its workers, Stop joins everything. A worker
// retries inside itself: no failure of a store, a broker or a record ends a
// generation.
//
// # Time
//
// What has begun in the store is never cut off by a rebalance or by Stop: the
// Publisher has a deadline of its own, and the rebalance time-out is far above it.
//
// # Memory
//
// Config.Memory is shared out evenly among the assigned partitions: two answers
// of a broker and one batch each. (A broker sends at least one record batch
// whatever its size, and a batch holds at least one record.)
package consumer
