// Package kafkatest tests the built program between Kafka and WebSocket clients:
// records that an independent client has produced, through processes that are
// killed, to what a subscriber prints. With PUSHGATE_TEST_KAFKA it does so on a
// real Kafka.
package kafkatest
