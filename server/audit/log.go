// Package audit records what concerns security: who failed to show who it is, who
// called, what operators did, and what changed in the configuration.
package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Log writes events. What strangers and callers can cause is bounded, and gathered for Run
// to write, so nobody waits for the disk who refuses them; what operators do and what the
// node does by itself is written before the method returns. A nil Log records nothing.
// Safe for concurrent use.
type Log struct {
	handler                 slog.Handler
	failures, denials, uses *digest
	news                    chan struct{} // has a value when there is something to be written at once
	writing                 sync.Mutex    // the records are in order
}

// gatherInterval is the least time between two records of one kind, of which the second
// is of what followed the first; useInterval that between two uses.
const (
	gatherInterval = 10 * time.Second
	useInterval    = time.Hour
)

// How many kinds of events are told apart: addresses on one side, addresses and methods
// of one caller, addresses of one caller.
const (
	maxFailures = 4096
	maxDenials  = 64
	maxUses     = 64
)

// New makes a log that writes records with the message "audit" and an attribute event.
func New(h slog.Handler) *Log {
	return &Log{
		handler:  h,
		failures: newDigest(gatherInterval, true, maxFailures),
		denials:  newDigest(gatherInterval, true, maxDenials),
		uses:     newDigest(useInterval, false, maxUses),
		news:     make(chan struct{}, 1),
	}
}

// Run writes what was gathered until ctx ends, and then for the last time.
func (l *Log) Run(ctx context.Context) {
	if l == nil {
		return
	}
	tick := time.NewTicker(gatherInterval)
	defer tick.Stop()
	for {
		select {
		case <-l.news:
			l.write((*digest).take)
		case now := <-tick.C:
			l.write(func(d *digest) []entry { return d.sweep(now, false) })
		case <-ctx.Done():
			l.write(func(d *digest) []entry { return d.sweep(time.Now(), true) })
			return
		}
	}
}

// write writes something of all digests.
func (l *Log) write(of func(*digest) []entry) {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.writeAll(of)
}

func (l *Log) writeAll(of func(*digest) []entry) {
	for _, e := range of(l.uses) {
		l.put(e.at, "credential_used", slog.String("side", SideGRPC), e.address(), slog.String("caller", e.party), e.number())
	}
	for _, e := range of(l.failures) {
		attributes := []slog.Attr{slog.String("side", e.party), e.address()}
		if who := e.method; who != "" && !e.rest {
			attributes = append(attributes, slog.String("caller", who))
		}
		l.put(e.at, "authentication_failed", append(attributes, slog.String("reason", e.reason), e.number())...)
	}
	for _, e := range of(l.denials) {
		l.put(e.at, "permission_denied", slog.String("side", SideGRPC), e.address(), slog.String("caller", e.party),
			slog.String("method", e.method), slog.String("reason", e.reason), e.number())
	}
}

func (e entry) address() slog.Attr {
	if e.rest {
		return slog.String("address", others)
	}
	return address(e.from)
}

func (e entry) number() slog.Attr { return slog.Int("count", e.count) }

// The sides that something comes in by.
const (
	SideWebSocket = "websocket"
	SideGRPC      = "grpc"
	SideAdmin     = "admin"
)

// Failed records that somebody has not shown who it is. Of one address (of IPv6 a /64) on one side the
// first is recorded at once, what follows every 10 s with its number. The reason may hold
// nothing of the credentials.
func (l *Log) Failed(side string, from netip.Addr, reason string) {
	if l != nil {
		l.gather(l.failures, side, "", from, reason)
	}
}

// FailedAs is Failed for a caller of gRPC whose credentials are known, as SORT:NAME, but no
// good from there, or any more.
func (l *Log) FailedAs(who string, from netip.Addr, reason string) {
	if l != nil {
		l.gather(l.failures, SideGRPC, who, from, reason)
	}
}

// Denied records that somebody who is known, as SORT:NAME, may not do something. It is gathered as by
// Failed.
func (l *Log) Denied(who string, from netip.Addr, method, reason string) {
	if l != nil {
		l.gather(l.denials, who, method, from, reason)
	}
}

// Used records that somebody, as SORT:NAME, has shown who it is. It is recorded once an hour for each
// address (of IPv6 a /64) of the first 64; of the others it is only said how often, every 10 s.
func (l *Log) Used(who string, from netip.Addr) {
	if l != nil {
		l.gather(l.uses, who, "", from, "")
	}
}

func (l *Log) gather(d *digest, party, method string, from netip.Addr, reason string) {
	if !d.add(party, method, from, reason, time.Now()) {
		return
	}
	select {
	case l.news <- struct{}{}:
	default:
	}
}

// Operated records how an operator's call has ended that was to change something.
func (l *Log) Operated(who string, from netip.Addr, method string, request proto.Message, code codes.Code) {
	if l == nil {
		return
	}
	l.record("operation", address(from), slog.String("caller", who),
		slog.String("method", method), slog.Any("request", shown(request)), slog.String("result", code.String()))
}

// Reloaded records that the configuration was read again; err says why nothing of it applies.
func (l *Log) Reloaded(applied, restart []string, err error) {
	switch {
	case l == nil:
	case err != nil:
		l.record("configuration_refused", slog.String("error", err.Error()))
	default:
		l.record("configuration_reloaded", slog.Any("applied", applied), slog.Any("needs_restart", restart))
	}
}

// Renewed records that a listener shows another certificate; err says why not.
func (l *Log) Renewed(listener string, err error) {
	switch {
	case l == nil:
	case err != nil:
		l.record("certificate_refused", slog.String("listener", listener), slog.String("error", err.Error()))
	default:
		l.record("certificate_loaded", slog.String("listener", listener))
	}
}

// Started records that the node serves; exposure says for each listener who gets in.
func (l *Log) Started(exposure ...slog.Attr) {
	if l != nil {
		l.record("started", exposure...)
	}
}

// record writes an event of now, after all that came before.
func (l *Log) record(event string, attributes ...slog.Attr) {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.writeAll((*digest).take)
	l.put(time.Now(), event, attributes...)
}

func (l *Log) put(at time.Time, event string, attributes ...slog.Attr) {
	r := slog.NewRecord(at, slog.LevelInfo, "audit", 0)
	r.AddAttrs(slog.String("event", event))
	for _, a := range attributes {
		if a.Value.Kind() == slog.KindString {
			a.Value = slog.StringValue(clip(a.Value.String()))
		}
		r.AddAttrs(a)
	}
	_ = l.handler.Handle(context.Background(), r) // a File tells of what it cannot write
}

func address(from netip.Addr) slog.Attr {
	text := "local"
	if from.IsValid() {
		text = from.String()
	}
	return slog.String("address", text)
}

// maxText is how much of a text is recorded, in bytes.
const maxText = 1 << 10

func clip(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText], "") + "…"
}

// maxRequest is how much of a request is recorded, in bytes.
const maxRequest = 4 << 10

// shown is a request as JSON; one that is very large is not shown.
func shown(request proto.Message) any {
	const large = "too large to show"
	if proto.Size(request) > maxRequest {
		return large
	}
	text, err := protojson.Marshal(request)
	var compact bytes.Buffer
	if err != nil || len(text) > maxRequest || json.Compact(&compact, text) != nil {
		return large
	}
	return json.RawMessage(compact.Bytes())
}
