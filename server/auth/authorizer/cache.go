package authorizer

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
)

// cache keeps answers by their questions, as long as the service says. When it is full
// any one makes room. Safe for concurrent use.
type cache[T any] struct {
	most int

	mu   sync.Mutex
	kept map[string]entry[T]
}

type entry[T any] struct {
	answer T
	until  time.Time
}

func newCache[T any](most int) *cache[T] { return &cache[T]{most: most, kept: map[string]entry[T]{}} }

func (c *cache[T]) get(key string, now time.Time) (answer T, found bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, found := c.kept[key]
	if found && !now.Before(e.until) {
		delete(c.kept, key)
		found = false
	}
	return e.answer, found
}

// put keeps an answer for as long as the service says, an hour at most, and never beyond
// over; the zero over is no bound.
func (c *cache[T]) put(key string, answer T, life *durationpb.Duration, over, now time.Time) {
	if life.CheckValid() != nil {
		return
	}
	until := now.Add(min(life.AsDuration(), maxCache))
	if !over.IsZero() && over.Before(until) {
		until = over
	}
	if !until.After(now) || c.most == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.kept[key]; !known && len(c.kept) >= c.most {
		for some := range c.kept {
			delete(c.kept, some)
			break
		}
	}
	c.kept[key] = entry[T]{answer, until}
}

func (c *cache[T]) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.kept)
}

// question is what an answer is kept by: nothing can be read from it, because there
// may be credentials in it.
func question(parts ...string) string {
	h := sha256.New()
	var length [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(length[:], uint64(len(p)))
		_, _ = h.Write(length[:])
		_, _ = h.Write([]byte(p))
	}
	return string(h.Sum(nil))
}
