package token

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// fetchTimeout bounds one request for a set of keys.
	fetchTimeout = 5 * time.Second
	// askInterval is Config.AskInterval by default.
	askInterval = 10 * time.Second
	// Between two requests after failures.
	firstBackoff, lastBackoff = time.Second, time.Minute
)

// remote holds the keys that a server publishes. Its goroutine (run) fetches them
// again and again; whatever goes wrong leaves those that are known.
type remote struct {
	url     string
	name    string        // the URL without its query, for the log
	refresh time.Duration // between two fetches that went well
	pause   time.Duration // between two that unknown keys cause, at least
	client  *http.Client
	logger  *slog.Logger
	source  source
	keys    atomic.Pointer[[]key]
	// behind: the keys are not those that the server publishes now, as far as can be known.
	behind  atomic.Bool
	failing atomic.Bool // the last fetch has failed

	asked chan struct{} // holds at most one wish

	mu    sync.Mutex
	last  time.Time     // when the last fetch ended; zero: none has
	round chan struct{} // closed when the next fetch has ended
}

func newRemote(address string, c Config, m metrics) (*remote, error) {
	if err := checkURL(address); err != nil {
		return nil, err
	}
	client := &http.Client{
		Timeout: fetchTimeout,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.Authorities},
			MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true, IdleConnTimeout: 30 * time.Second,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > 3 {
				return errors.New("too many redirects")
			}
			return checkURL(r.URL.String())
		},
	}
	name, _, _ := strings.Cut(address, "?")
	r := &remote{
		url: address, name: name, refresh: c.Refresh, pause: cmp.Or(c.AskInterval, askInterval), client: client,
		logger: c.Logger, source: m.of(name), asked: make(chan struct{}, 1), round: make(chan struct{}),
	}
	r.behind.Store(true)
	return r, nil
}

// checkURL wants https of every server but those of this machine.
func checkURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "":
		return errors.New("it is not a URL; write https://HOST/PATH")
	case u.User != nil:
		return errors.New("a URL with a password is not taken")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	default:
		return errors.New("keys are fetched by https only, but for those of this machine; write https://HOST/PATH")
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// run fetches the keys until ctx ends.
func (r *remote) run(ctx context.Context) {
	defer r.client.CloseIdleConnections()
	backoff := firstBackoff
	for {
		err := r.fetch(ctx)
		if ctx.Err() != nil {
			r.ended()
			return
		}
		r.behind.Store(err != nil)
		r.failing.Store(err != nil)
		r.source.note(err)
		wait := r.refresh
		if err != nil {
			r.logger.Warn("token keys cannot be fetched; those that are known go on", "url", r.name, "error", err)
			wait = backoff + rand.N(backoff/2)
			backoff = min(2*backoff, lastBackoff)
		} else {
			backoff = firstBackoff
		}
		r.ended()
		select {
		case <-time.After(wait):
		case <-r.asked:
		case <-ctx.Done():
			return
		}
	}
}

// ended wakes those who wait for a fetch.
func (r *remote) ended() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = time.Now()
	close(r.round)
	r.round = make(chan struct{})
}

func (r *remote) fetch(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, nil)
	if err != nil {
		return errors.New("the request cannot be made")
	}
	request.Header.Set("Accept", "application/json")
	response, err := r.client.Do(request)
	if failure, ok := errors.AsType[*url.Error](err); ok {
		err = failure.Err // without the URL
	}
	if err != nil {
		return fmt.Errorf("asking the server: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answers %d", response.StatusCode)
	}
	content, err := io.ReadAll(io.LimitReader(response.Body, maxFile+1))
	switch {
	case err != nil:
		return fmt.Errorf("reading the answer: %w", err)
	case len(content) > maxFile:
		return errors.New("the answer is larger than 1 MiB")
	}
	keys, err := parseSet(content, false)
	if err != nil {
		return err
	}
	r.keys.Store(&keys)
	return nil
}

// renew has the keys fetched, unless that was done a short while ago, and waits for
// the end, no longer than ctx.
func (r *remote) renew(ctx context.Context) {
	r.mu.Lock()
	if !r.last.IsZero() && time.Since(r.last) < r.pause {
		r.mu.Unlock()
		return
	}
	round := r.round
	if !r.last.IsZero() {
		r.behind.Store(true)
		select {
		case r.asked <- struct{}{}:
		default:
		}
	}
	r.mu.Unlock()
	select {
	case <-round:
	case <-ctx.Done():
	}
}
