// Package systemd speaks with the service manager that started the process:
// sockets that it opened, and how the process is (sd_listen_fds(3),
// sd_notify(3)). Without one it does nothing.
//
// Both are environment variables and one datagram, and are promised to stay so;
// that is less than a dependency.
package systemd

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"time"
)

// Manager is told how the process is. Its methods are safe for concurrent use;
// what does not reach it is lost, as the process cannot do anything about it.
type Manager struct {
	address string // "": there is none
	// Watchdog is how often the manager wants to hear that the process lives; 0: it
	// does not care.
	Watchdog time.Duration
}

// patience is how long a manager that does not read is waited for.
const patience = time.Second

// Environment finds the manager.
func Environment() Manager {
	m := Manager{address: os.Getenv("NOTIFY_SOCKET")}
	if pid := os.Getenv("WATCHDOG_PID"); pid == "" || pid == strconv.Itoa(os.Getpid()) {
		if usec, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64); err == nil && usec > 0 {
			m.Watchdog = time.Duration(usec) * time.Microsecond
		}
	}
	return m
}

// Ready says that the process serves, again after a reload.
func (m Manager) Ready(status string) { m.send("READY=1\nSTATUS=" + status) }

// Reloading says that the configuration is read again; Ready ends it.
func (m Manager) Reloading() { m.send(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", monotonic())) }

// Stopping says that the process has begun to end.
func (m Manager) Stopping(status string) { m.send("STOPPING=1\nSTATUS=" + status) }

// Status tells people how it is, in one line.
func (m Manager) Status(status string) { m.send("STATUS=" + status) }

// Alive is what the watchdog waits for.
func (m Manager) Alive() { m.send("WATCHDOG=1") }

func (m Manager) send(state string) {
	if m.address == "" {
		return
	}
	c, err := net.Dial("unixgram", m.address)
	if err != nil {
		return
	}
	_ = c.SetWriteDeadline(time.Now().Add(patience))
	_, _ = c.Write([]byte(state))
	_ = c.Close()
}
