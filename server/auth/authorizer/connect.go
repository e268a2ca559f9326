package authorizer

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/push"
	"pushgate/push/wire"
	"pushgate/server/auth/token"
)

// Client is who wants to connect.
type Client struct {
	Address, Origin, UserAgent string
	Credential                 string
	Headers                    map[string]string
}

// connectAnswer is what the service said.
type connectAnswer struct {
	refusal string // "": allowed
	grant   *push.Grant
}

// over is when it is good no more; zero: never.
func (c connectAnswer) over() time.Time {
	if c.grant == nil {
		return time.Time{}
	}
	return c.grant.Expires
}

// Identify asks who a client is.
func (a *Authorizer) Identify(ctx context.Context, c Client) (push.Grant, error) {
	if len(c.Credential) > a.options.MaxCredential {
		return push.Grant{}, unauthenticated(fmt.Sprintf("the token is longer than %d bytes", a.options.MaxCredential))
	}
	if !utf8.ValidString(c.Credential) {
		return push.Grant{}, unauthenticated("the token is no text")
	}
	r := a.request(c)
	r.Credential = c.Credential
	answer, err := a.connect(ctx, r, false)
	switch {
	case err != nil:
		return push.Grant{}, errFailed
	case answer.refusal != "":
		return push.Grant{}, &Refusal{wire.CodeUnauthenticated, answer.refusal}
	case answer.grant == nil:
		return push.Grant{Access: a.Anonymous(), Standing: true}, nil
	default:
		return *answer.grant, nil
	}
}

func unauthenticated(message string) error {
	return &push.Error{Code: wire.CodeUnauthenticated, Message: message}
}

// Confirm asks whether a client may connect that has shown who it is.
func (a *Authorizer) Confirm(ctx context.Context, c Client, as *push.Grant) error {
	r := a.request(c)
	r.Subscriber, r.TokenId = as.Subscriber, as.ID
	switch answer, err := a.connect(ctx, r, true); {
	case err != nil && a.options.Allow && ctx.Err() == nil:
		return nil
	case err != nil:
		return errFailed
	case answer.refusal != "":
		return &Refusal{wire.CodePermissionDenied, answer.refusal}
	default:
		return nil
	}
}

func (a *Authorizer) request(c Client) *pb.AuthorizeConnectRequest {
	return &pb.AuthorizeConnectRequest{
		Node: a.options.Node, RemoteAddress: c.Address, Origin: c.Origin, UserAgent: c.UserAgent, Headers: c.Headers,
	}
}

func (a *Authorizer) connect(ctx context.Context, r *pb.AuthorizeConnectRequest, verified bool) (connectAnswer, error) {
	parts := []string{r.GetRemoteAddress(), r.GetOrigin(), r.GetUserAgent(), r.GetSubscriber(), r.GetTokenId(), r.GetCredential()}
	for _, name := range slices.Sorted(maps.Keys(r.GetHeaders())) {
		parts = append(parts, name, r.GetHeaders()[name])
	}
	key := question(parts...)
	answer, cached := a.connects.get(key, time.Now())
	if !cached {
		var err error
		answer, err = call(ctx, a, connectCall, key, func(ctx context.Context) (connectAnswer, error) {
			response, err := a.service.AuthorizeConnect(ctx, r)
			if err != nil {
				return connectAnswer{}, err
			}
			now := time.Now()
			rules := a.rules.Load()
			answer, err := read(response, verified, rules, now)
			if err == nil {
				a.connects.put(key, answer, response.GetCacheFor(), answer.over(), now)
			}
			if a.rules.Load() != rules {
				a.connects.clear()
			}
			return answer, err
		})
		if err != nil {
			a.metrics.count(connectCall, failed, false)
			return answer, err
		}
	}
	if answer.refusal != "" {
		a.metrics.count(connectCall, denied, cached)
	} else {
		a.metrics.count(connectCall, allowed, cached)
	}
	return answer, nil
}

// read checks what the service answers.
func read(r *pb.AuthorizeConnectResponse, verified bool, rules *token.Rules, now time.Time) (connectAnswer, error) {
	g := r.GetGrant()
	switch {
	case !r.GetAllowed():
		return connectAnswer{refusal: message(r.GetMessage(), "you may not connect")}, nil
	case g == nil:
		return connectAnswer{}, nil
	case verified:
		return connectAnswer{}, bad("a grant, where the token has said who the client is")
	}
	if name := g.GetSubscriber(); name != "" && push.ValidateSubscriber(name) != nil {
		return connectAnswer{}, bad("the subscriber is no name")
	}
	channels := map[string][]string{}
	for _, c := range g.GetChannels() {
		channels[c.GetPattern()] = append(channels[c.GetPattern()], c.GetActions()...)
	}
	access, err := rules.Access(g.GetSubscriber(), channels)
	if err != nil {
		return connectAnswer{}, bad("channels: %w", err)
	}
	grant := &push.Grant{Subscriber: g.GetSubscriber(), Account: g.GetSubscriber(), Access: access, Issued: now}
	if t := g.GetExpireTime(); t != nil {
		if t.CheckValid() != nil || !t.AsTime().After(now) {
			return connectAnswer{}, bad("it has expired")
		}
		grant.Expires = t.AsTime()
	}
	return connectAnswer{grant: grant}, nil
}
