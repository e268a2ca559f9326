package push

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pushgate/store"
)

func TestHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var answer error
		var told []bool
		set := func(err error) {
			mu.Lock()
			defer mu.Unlock()
			answer = err
		}
		h := newHealth(func(context.Context) error {
			mu.Lock()
			defer mu.Unlock()
			return answer
		}, DefaultConfig())
		h.watch = func(serving bool) {
			mu.Lock()
			defer mu.Unlock()
			if len(told) == 0 || told[len(told)-1] != serving {
				told = append(told, serving)
			}
		}
		h.Start()
		defer h.Stop()
		time.Sleep(healthInterval + time.Millisecond)

		h.report(t.Context(), store.ErrUnavailable)
		synctest.Wait()
		if h.serving() {
			t.Error("serving, though a call has failed")
		}
		time.Sleep(healthInterval)
		if !h.serving() {
			t.Error("not serving, though the ping answers")
		}
		set(store.ErrUnavailable)
		time.Sleep(healthInterval)
		if h.serving() {
			t.Error("serving, though the ping fails")
		}
		set(nil)
		h.report(t.Context(), nil)
		synctest.Wait()
		gaveUp, cancel := context.WithCancel(t.Context())
		cancel()
		h.report(gaveUp, store.ErrUnavailable)
		h.report(t.Context(), errors.New("a fault of one request"))
		if !h.serving() {
			t.Error("not serving, because of calls that say nothing of the store")
		}
		mu.Lock()
		defer mu.Unlock()
		if want := []bool{true, false, true, false, true}; !slices.Equal(told, want) {
			t.Errorf("told %v, want %v", told, want)
		}
	})
}
