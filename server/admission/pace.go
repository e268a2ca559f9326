package admission

import "time"

// What a stranger may send in a second, and at once. It is plenty for handshakes and
// health checks; what is large waits until somebody is known.
const (
	strangerBytes = 16 << 10
	strangerBurst = 256 << 10
)

// pace slows down what is read. It is for one reader.
type pace struct {
	paid time.Time // until when what was read is made up for
}

// wait returns when n bytes more are made up for, or when over is closed.
func (p *pace) wait(n int, over <-chan struct{}) {
	const atOnce = strangerBurst * time.Second / strangerBytes
	now := time.Now()
	if began := now.Add(-atOnce); p.paid.Before(began) {
		p.paid = began
	}
	p.paid = p.paid.Add(time.Duration(n) * time.Second / strangerBytes)
	left := p.paid.Sub(now)
	if left <= 0 {
		return
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-over:
	}
}
