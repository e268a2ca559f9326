package wire

// CloseCode is the status code of a WebSocket close frame (RFC 6455 §7.4).
type CloseCode uint16

// The codes that the server closes with.
//
//	code                  reason                                    should the client reconnect
//	CloseNormal           normal                                    no
//	CloseGoingAway        draining, pong timeout                    yes, after retryAfter or with jittered back-off
//	CloseTooBig           frame too big                             no
//	CloseInternal         internal error                            yes, back-off
//	CloseProtocol         protocol error                            no
//	CloseUnauthenticated  unauthenticated, token expired            yes, but only with a new token
//	CloseForbidden        forbidden, disconnected by an operator    no
//	CloseSlow             slow consumer                             yes: the backlog comes from the store
//	CloseRateLimit        rate limit                                yes, back-off
const (
	CloseNormal          CloseCode = 1000
	CloseGoingAway       CloseCode = 1001
	CloseTooBig          CloseCode = 1009
	CloseInternal        CloseCode = 1011
	CloseProtocol        CloseCode = 4400
	CloseUnauthenticated CloseCode = 4401
	CloseForbidden       CloseCode = 4403
	CloseSlow            CloseCode = 4408
	CloseRateLimit       CloseCode = 4429
)

// Reconnect says whether a client that was closed with c should connect again, after a wait; with
// CloseUnauthenticated, only once it has a new token. It is false for a code that is not in the table.
func (c CloseCode) Reconnect() bool {
	switch c {
	case CloseGoingAway, CloseInternal, CloseUnauthenticated, CloseSlow, CloseRateLimit:
		return true
	default:
		return false
	}
}
