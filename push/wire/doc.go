// Package wire is the WebSocket protocol of pushgate, version 1, as pure functions: Encode turns an Event into the
// bytes of a WebSocket frame, Decode turns the payload of a client's frame into a Request.
//
// Nothing here does I/O, keeps state or starts a goroutine. Everything is safe for concurrent use, and a Frame may be
// shared by any number of connections, because nobody changes it.
package wire
