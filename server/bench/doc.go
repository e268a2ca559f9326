// Package bench measures a whole node, gRPC to WebSocket, on a real PostgreSQL
// with fsync on, against references that are measured in the same run on the
// same server: its benchmarks report ratios, because the machine's figures drift.
//
//	go test -run '^$' -bench . ./server/bench
package bench
