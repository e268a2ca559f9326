// Package benchtest measures the built program from outside, as its users meet
// it: over WebSocket and gRPC, with clients in another process, beside references
// that run in the same way in the same minute. The processor's time and the memory
// are those that the operating system counts for the process.
//
//	make bench
//
// prints a table and writes bench.json; docs/performance.md says how it is
// measured. The tests run the same loads in small, and check that nothing is lost
// and order is kept; they look at no clock.
package benchtest
