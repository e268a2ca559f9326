package admission

import (
	"math/rand/v2"
	"time"

	"pushgate/push"
	"pushgate/push/wire"
)

// Reason is why a connection does not get in. It is the metric's label.
type Reason string

// The reasons.
const (
	None        Reason = "" // it does get in
	Connections Reason = "connections"
	Subscriber  Reason = "subscriber"
	Address     Reason = "address"
	Rate        Reason = "rate"
	Memory      Reason = "memory"
	// Handshake is that of a socket that waited too long while others came.
	Handshake Reason = "handshake"
	// ProxyHeader is that of a trusted proxy's socket without the PROXY protocol.
	ProxyHeader Reason = "proxy_protocol"
	// Caller is that of a gRPC socket beyond those that callers may have.
	Caller Reason = "grpc_caller"
	// Stranger is that of a gRPC socket on which nobody was known while others came.
	Stranger Reason = "grpc_stranger"
)

var reasons = [...]Reason{Connections, Subscriber, Address, Rate, Memory, Handshake, ProxyHeader, Caller, Stranger}

// message is what the client is told.
func (r Reason) message() string {
	const busy = "server busy: "
	switch r {
	case Subscriber:
		return busy + "this subscriber has as many connections as it may"
	case Address:
		return busy + "there are as many connections from this address as there may be"
	case Rate:
		return busy + "too many new connections at once"
	case Memory:
		return busy + "memory is short"
	case Caller:
		return busy + "there are as many connections of callers as the node holds"
	default:
		return busy + "there are as many connections as the node holds"
	}
}

// code tells a client of a bound of its own from the state of the node.
func (r Reason) code() wire.Code {
	if r == Memory {
		return wire.CodeUnavailable
	}
	return wire.CodeResourceExhausted
}

// Refusal is what is answered where it is not HTTP that asks.
func (r Reason) Refusal() *push.Error {
	return &push.Error{Code: r.code(), Message: r.message(), RetryAfter: retryAfter()}
}

// A refused client comes back between retryLeast and retryMost later: a crowd
// that is sent away at once does not return at once.
const (
	retryLeast = time.Second
	retryMost  = 5 * time.Second
)

func retryAfter() time.Duration { return retryLeast + rand.N(retryMost-retryLeast) }
