package ws

// tier waits for something to come on connections from which nothing comes.
type tier interface {
	// await finds a reader for a connection when something has come, or it has ended.
	// Nobody reads from it until then, and canWait.
	await(c *conn)
	// closing is told that the close frame is on its way: from now on await ends at
	// the deadline of reads, too. The connection's lock is held.
	closing(c *conn)
	// leave is told that the socket is about to be closed. The connection's lock is held.
	leave(c *conn)
	// close ends the tier, when there are no connections any more.
	close()
}

// waiters is the tier of every system: a goroutine for each connection, on the
// smallest stack there is.
type waiters struct{ server *Server }

func (w waiters) await(c *conn) {
	w.server.running.Go(func() {
		c.direct.waitReadable()
		w.server.readers.take(w.server, c)
	})
}

func (waiters) closing(*conn) {}

func (waiters) leave(*conn) {}

func (waiters) close() {}
