package ws

import (
	"context"
	"iter"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"pushgate/push"
	"pushgate/push/wire"
	"pushgate/server/admission"
	"pushgate/server/audit"
)

// Tokens says how clients authenticate themselves.
type Tokens struct {
	// Authenticate checks what a client shows. Its errors are push.Errors, which clients
	// are told, or wrap one; their text is recorded, so it holds nothing of the credentials.
	Authenticate func(ctx context.Context, c Credentials) (push.Grant, error)
	// Whole: Authenticate looks at more than the token, so it is asked of clients without
	// one too, if Anonymous lets them in.
	Whole bool
	// Headers are those of the request, in lower case, that it looks at, with Whole. If
	// they suffice, a client that brings one need not have a token.
	Headers        []string
	HeadersSuffice bool
	// Local: Authenticate asks nobody outside about bad credentials, so those from
	// addresses that are slowed down are looked at, too, and the good let in.
	Local bool
	// Anonymous answers what clients without a token may do; nil: they have to bring
	// one.
	Anonymous func() push.Access
	// Timeout is how long a client may be connected without one; Notice how long
	// before its token expires it is told.
	Timeout, Notice time.Duration
}

// Credentials are what a client shows, and where it comes from.
type Credentials struct {
	Token   string // "": none
	Address netip.Addr
	*Whole  // nil without Tokens.Whole
}

// Whole is the rest of what there is to be known of a client. All of it is UTF-8.
type Whole struct {
	Headers           map[string]string // those of Tokens.Headers that it brings
	Origin, UserAgent string
}

func (c Credentials) with(token string) Credentials {
	c.Token = token
	return c
}

// brought are the credentials of a request, but for a token.
func (t *Tokens) brought(r *http.Request, from netip.Addr) Credentials {
	c := Credentials{Address: from}
	if !t.Whole {
		return c
	}
	c.Whole = &Whole{Origin: clean(r.Header.Get("Origin")), UserAgent: clean(clip(r.UserAgent()))}
	for _, name := range t.Headers {
		if values := r.Header.Values(name); len(values) > 0 {
			if c.Headers == nil {
				c.Headers = map[string]string{}
			}
			c.Headers[name] = clean(strings.Join(values, ", "))
		}
	}
	return c
}

// clean keeps nothing else of the request.
func clean(text string) string { return strings.Clone(strings.ToValidUTF8(text, "\ufffd")) }

// tokenProtocol begins an entry of Sec-WebSocket-Protocol that holds a token: where
// a browser can put one that is not in the URL. It is never answered.
const tokenProtocol = "pushgate.token."

// offers says whether a client that names subprotocols names one that there is.
func offers(h http.Header) bool {
	others := false
	for name := range entries(h) {
		switch {
		case strings.EqualFold(name, Subprotocol):
			return true
		case !strings.HasPrefix(name, tokenProtocol):
			others = true
		}
	}
	return !others
}

// entries are the items of Sec-WebSocket-Protocol.
func entries(h http.Header) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, line := range h.Values("Sec-WebSocket-Protocol") {
			for item := range strings.SplitSeq(line, ",") {
				if !yield(strings.TrimSpace(item)) {
					return
				}
			}
		}
	}
}

// presented is the token of a request, "" if there is none.
func presented(r *http.Request, query url.Values) (token string, err error) {
	take := func(text string) {
		switch {
		case text == "":
		case token != "" && token != text:
			err = invalid("there are several tokens, and they are not the same; send one")
		default:
			token = text
		}
	}
	for _, line := range r.Header.Values("Authorization") {
		if scheme, credentials, _ := strings.Cut(line, " "); strings.EqualFold(scheme, "Bearer") {
			take(strings.TrimSpace(credentials))
		}
	}
	for _, text := range query["access_token"] {
		take(text)
	}
	for name := range entries(r.Header) {
		if text, found := strings.CutPrefix(name, tokenProtocol); found {
			take(text)
		}
	}
	return token, err
}

func invalid(message string) error {
	return &push.Error{Code: wire.CodeInvalidArgument, Message: message}
}

// authenticate finds out who asks to connect. Without Options.Tokens the query says
// it, and authentication is nil.
func (s *Server) authenticate(r *http.Request, query url.Values, place *admission.Place, from netip.Addr) (subscriber string, _ *push.Authentication, err error) {
	tokens := s.options.Tokens
	if tokens == nil {
		return query.Get("subscriber"), nil, nil
	}
	if query.Has("subscriber") {
		return "", nil, invalid("the query may name a subscriber in the development mode only; here the token says who the client is")
	}
	token, err := presented(r, query)
	if err != nil {
		return "", nil, err
	}
	brought := tokens.brought(r, from)
	a := &push.Authentication{
		Patience: tokens.Timeout, Notice: tokens.Notice,
		Authenticate: func(ctx context.Context, token string) (push.Grant, error) { return s.check(ctx, brought.with(token)) },
		Identify: func(subscriber string) error {
			if reason := place.Identify(subscriber); reason != admission.None {
				return reason.Refusal()
			}
			return nil
		},
	}
	switch {
	case token != "" || tokens.HeadersSuffice && len(brought.Headers) > 0:
		grant, err := s.check(r.Context(), brought.with(token))
		if err != nil {
			return "", nil, err
		}
		a.Grant = &grant
		return grant.Subscriber, a, nil
	case tokens.Anonymous != nil && tokens.Whole:
		grant, err := s.check(r.Context(), brought)
		if err != nil {
			return "", nil, err
		}
		a.Grant, a.Anonymous = &grant, grant.Subscriber == ""
		return grant.Subscriber, a, nil
	case tokens.Anonymous != nil:
		a.Grant, a.Anonymous = &push.Grant{Access: tokens.Anonymous(), Standing: true}, true
	}
	return "", a, nil
}

// check verifies what a client shows, and counts how that went.
func (s *Server) check(ctx context.Context, c Credentials) (grant push.Grant, err error) {
	from := c.Address
	defer func() { s.checked(from, err) }()
	now := time.Now()
	wait := s.options.Failures.Wait(from, now)
	slowed := &push.Error{Code: wire.CodeResourceExhausted, Message: "too many bad tokens from this address; slow down", RetryAfter: wait}
	if wait > 0 && !s.options.Tokens.Local {
		return grant, slowed
	}
	grant, err = s.options.Tokens.Authenticate(ctx, c)
	if err == nil {
		err = s.engine.Standing(ctx, &grant)
	}
	switch bad := err != nil && push.AsError(err).Code == wire.CodeUnauthenticated; {
	case bad && wait > 0:
		return push.Grant{}, slowed
	case bad:
		s.options.Failures.Failed(from, now)
	}
	return grant, err
}

// checked notes what became of a token from an address.
func (s *Server) checked(from netip.Addr, err error) {
	s.authentications.count(err)
	if err != nil && push.AsError(err).Code != wire.CodeUnavailable {
		s.options.Audit.Failed(audit.SideWebSocket, from, err.Error())
	}
}

// authentications counts tokens by what became of them; nil counts nothing.
type authentications struct{ results *prometheus.CounterVec }

func newAuthentications(tokens *Tokens, registry prometheus.Registerer) authentications {
	if tokens == nil {
		return authentications{}
	}
	a := authentications{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "pushgate_authentications_total", Help: "Tokens of clients that were checked, by result: accepted, or the error's code.",
	}, []string{"result"})}
	if registry != nil {
		registry.MustRegister(a.results)
	}
	return a
}

func (a authentications) count(err error) {
	result := "accepted"
	if err != nil {
		result = string(push.AsError(err).Code)
	}
	a.results.WithLabelValues(result).Inc()
}
