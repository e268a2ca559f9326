// Package nodetest has a client that knows nothing of this project's libraries
// speak to the built program: ws, the WebSocket library of Node.js.
package nodetest
