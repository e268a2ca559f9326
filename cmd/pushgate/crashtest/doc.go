// Package crashtest holds tests only: the built program under load from real
// publishers and real WebSocket clients, while it, its database or its clients
// die. They check the promises of docs/protocol.md.
//
// What happens when is random; a failed test prints its seed, and
// PUSHGATE_TEST_SEED repeats it.
package crashtest
