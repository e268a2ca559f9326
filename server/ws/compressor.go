package ws

import (
	"context"
	"sync"
	"time"

	"pushgate/push"
	"pushgate/push/wire"
)

// compressor makes the compressed forms of frames, each at most once however many
// connections want it, on goroutines of its own: neither a writer nor a lock waits
// for one. A connection whose next frame is being compressed is left alone until
// that is done. Safe for concurrent use.
type compressor struct {
	engine    *push.Engine
	metrics   *compressionMetrics
	threshold int
	deflaters []*deflater
	queue     chan *compression

	mu      sync.Mutex // a leaf
	pending map[*wire.Frame]*compression
	bytes   int // of the frames that are pending
}

// compression is a frame that is being compressed, or waits for it, and who wants it.
type compression struct {
	frame   *wire.Frame
	waiting []*conn
}

// What may wait for each of the goroutines: about a millisecond's work. A frame
// that finds more before it goes out as it is.
const (
	maxPendingBytes  = 256 << 10
	maxPendingFrames = 64
)

func newCompressor(engine *push.Engine, o Compression, m *compressionMetrics) *compressor {
	p := &compressor{engine: engine, metrics: m, threshold: o.Threshold, pending: make(map[*wire.Frame]*compression)}
	for range o.concurrency() {
		p.deflaters = append(p.deflaters, newDeflater(o.Level))
	}
	p.queue = make(chan *compression, maxPendingFrames*len(p.deflaters))
	return p
}

// form answers in which form a connection gets a frame: nil while that is being
// made, and then the connection is given to its writer when it is done.
func (p *compressor) form(c *conn, f *wire.Frame) []byte {
	if form := p.known(f); form != nil {
		return form
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if form := p.known(f); form != nil {
		return form
	}
	task := p.pending[f]
	if task == nil {
		task = p.begin(f, maxPendingBytes)
	}
	if task == nil {
		// Nobody tries again, so that all get the same and it counts once.
		f.SetCompressed(nil)
		p.metrics.busy.Inc()
		return f.Bytes
	}
	task.waiting = append(task.waiting, c)
	return nil
}

// prepare compresses a frame that nobody waits for yet, if there is time. It says
// whether to go on with the next.
func (p *compressor) prepare(f *wire.Frame) bool {
	if p.known(f) != nil {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known(f) == nil && p.pending[f] == nil && p.begin(f, maxPendingBytes/2) != nil
}

// known answers in which form a frame is sent, nil if that is not known yet.
func (p *compressor) known(f *wire.Frame) []byte {
	if len(f.Payload()) < p.threshold {
		return f.Bytes
	}
	return f.Compressed()
}

// begin queues a frame, unless too much is before it. The lock is held.
func (p *compressor) begin(f *wire.Frame, limit int) *compression {
	size := len(f.Bytes)
	if len(p.pending) >= len(p.deflaters) && p.bytes+size > limit*len(p.deflaters) {
		return nil
	}
	task := &compression{frame: f}
	select {
	case p.queue <- task:
	default:
		return nil
	}
	p.pending[f] = task
	p.bytes += size
	return task
}

// run compresses until ctx ends.
func (p *compressor) run(ctx context.Context, d *deflater) {
	for {
		select {
		case task := <-p.queue:
			p.compress(d, task.frame)
			for _, c := range p.finish(task) {
				c.writer.add(c)
			}
		case <-ctx.Done():
			return
		}
	}
}

func (p *compressor) compress(d *deflater, f *wire.Frame) {
	began := time.Now()
	form := d.deflate(f)
	p.metrics.seconds.Add(time.Since(began).Seconds())
	if form == nil {
		p.metrics.incompressible.Inc()
	} else {
		p.metrics.messages.Inc()
		p.metrics.before.Add(float64(len(f.Bytes)))
		p.metrics.after.Add(float64(len(form)))
	}
	p.engine.Compressed(f, form)
}

func (p *compressor) finish(task *compression) []*conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.pending, task.frame)
	p.bytes -= len(task.frame.Bytes)
	return task.waiting
}
