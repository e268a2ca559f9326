// Package bench measures the way from Kafka into PostgreSQL, on a real
// PostgreSQL with fsync on, and on a real Kafka if PUSHGATE_TEST_KAFKA names its
// brokers (else on the one in the test process):
//
//	go test -run '^$' -bench . ./consumer/bench
package bench
