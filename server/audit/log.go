// Package audit records what concerns security: who failed to show who it is, who
// called, what operators did, and what changed in the configuration.
package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/netip"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Log writes events. What strangers can cause is bounded: see Failed. A nil Log
// records nothing. Safe for concurrent use.
type Log struct {
	logger   *slog.Logger
	failures *digest
	uses     *digest
}

// The least times between two events of one kind, by one party from one address.
const (
	failureInterval = 10 * time.Second
	useInterval     = time.Hour
)

// New makes a log that writes records with the message "audit" and an attribute event.
func New(h slog.Handler) *Log {
	l := &Log{logger: slog.New(h)}
	l.failures = newDigest(failureInterval, l.logger)
	l.uses = newDigest(useInterval, nil)
	return l
}

// Run writes out what was gathered, until ctx ends, and then for the last time.
func (l *Log) Run(ctx context.Context) {
	if l == nil {
		return
	}
	tick := time.NewTicker(failureInterval)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			l.failures.sweep(now)
			l.uses.sweep(now)
		case <-ctx.Done():
			l.failures.sweep(time.Now().Add(failureInterval))
			return
		}
	}
}

// The sides that something comes in by.
const (
	SideWebSocket = "websocket"
	SideGRPC      = "grpc"
	SideAdmin     = "admin"
)

// Failed records that somebody has not shown who it is. Of one address on one side the first is
// recorded at once, what follows every 10 s with its number. The reason may hold
// nothing of the credentials.
func (l *Log) Failed(side string, from netip.Addr, reason string) {
	if l == nil {
		return
	}
	l.failures.add(key{event: "authentication_failed", side: side, from: from}, reason, time.Now())
}

// Denied records that somebody who is known may not do something. It is gathered as by Failed.
func (l *Log) Denied(who string, from netip.Addr, method, reason string) {
	if l == nil {
		return
	}
	l.failures.add(key{event: "permission_denied", side: SideGRPC, from: from, who: who, method: method}, reason, time.Now())
}

// Used records that somebody has shown who it is. It is recorded once an hour for each address.
func (l *Log) Used(who string, from netip.Addr) {
	if l == nil {
		return
	}
	if k := (key{event: "credential_used", side: SideGRPC, from: from, who: who}); l.uses.add(k, "", time.Now()) {
		l.write(k.event, slog.String("side", k.side), slog.String("address", address(from)), slog.String("caller", who))
	}
}

// Operated records how an operator's call has ended that was to change something.
func (l *Log) Operated(who string, from netip.Addr, method string, request proto.Message, code codes.Code) {
	if l == nil {
		return
	}
	l.write("operation", slog.String("address", address(from)), slog.String("caller", who),
		slog.String("method", method), slog.Any("request", shown(request)), slog.String("result", code.String()))
}

// Reloaded records that the configuration was read again; err says why nothing of it applies.
func (l *Log) Reloaded(applied, restart []string, err error) {
	switch {
	case l == nil:
	case err != nil:
		l.write("configuration_refused", slog.String("error", err.Error()))
	default:
		l.write("configuration_reloaded", slog.Any("applied", applied), slog.Any("needs_restart", restart))
	}
}

// Renewed records that a listener shows another certificate; err says why not.
func (l *Log) Renewed(listener string, err error) {
	switch {
	case l == nil:
	case err != nil:
		l.write("certificate_refused", slog.String("listener", listener), slog.String("error", err.Error()))
	default:
		l.write("certificate_loaded", slog.String("listener", listener))
	}
}

// Started records that the node serves; exposure says for each listener who gets in.
func (l *Log) Started(exposure ...slog.Attr) {
	if l != nil {
		l.write("started", exposure...)
	}
}

func (l *Log) write(event string, attributes ...slog.Attr) { write(l.logger, event, attributes) }

func write(to *slog.Logger, event string, attributes []slog.Attr) {
	to.LogAttrs(context.Background(), slog.LevelInfo, "audit", append([]slog.Attr{slog.String("event", event)}, attributes...)...)
}

func address(from netip.Addr) string {
	if !from.IsValid() {
		return "local"
	}
	return from.String()
}

// maxRequest is how much of a request is recorded, in bytes.
const maxRequest = 4 << 10

// shown is a request as JSON; one that is very large is not shown.
func shown(request proto.Message) any {
	text, err := protojson.Marshal(request)
	var compact bytes.Buffer
	if err != nil || len(text) > maxRequest || json.Compact(&compact, text) != nil {
		return "too large to show"
	}
	return json.RawMessage(compact.Bytes())
}
