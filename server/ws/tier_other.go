//go:build !linux

package ws

// place has nothing where there is no other tier.
type place struct{}

func newTier(s *Server) tier { return waiters{s} }
