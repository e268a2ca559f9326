package rpc_test

import (
	"context"
	"crypto/tls"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/server/auth/caller"
	"pushgate/server/certificate/certificatetest"
	"pushgate/server/rpc"
)

// need is what a caller needs for a method.
type need string

const (
	nothing   need = "nothing"
	somebody  need = "to be somebody"
	publish   need = "publish"
	subscribe need = "subscribe"
	read      need = "read"
	control   need = "control"
)

// has are the rights that are called so; nobody has none.
func has(rights ...need) []need { return append(rights, nothing, somebody) }

var nobody = []need{nothing}

// Whatever method a node has, somebody has said what it needs, as a test has.
func TestEveryMethodHasARight(t *testing.T) {
	n := start(t)
	needs := map[caller.Right]need{
		caller.None: nothing, caller.Any: somebody, caller.Publish: publish, caller.Subscribe: subscribe, caller.Read: read, caller.Control: control,
	}
	want, have := map[string]need{}, map[string]need{}
	for name, method := range n.methods() {
		want[pathOf(method)] = every[name].need
	}
	for path, right := range rpc.Rights() {
		have[path] = needs[right]
	}
	for path := range want {
		if have[path] != want[path] {
			t.Errorf("%s needs %q, want %q", path, have[path], want[path])
		}
	}
	for path := range have {
		if _, known := want[path]; !known {
			t.Errorf("%s has a right, and is not there", path)
		}
	}
}

// Each method is called with each kind of credential, and only those get through that
// may.
func TestWhoMayCallWhat(t *testing.T) {
	authority, dir, trusted, other := certificatetest.New(t), t.TempDir(), newIssuer(t), newIssuer(t)
	load := func(name string) tls.Certificate {
		return got(tls.LoadX509KeyPair(authority.Issue(dir, name, time.Hour)))(t)
	}
	billing := caller.Settings{Name: "billing", Certificates: []string{"billing"}, Publish: []string{"*"}}
	all := append(slices.Clone(callers), billing)
	var directory *caller.Directory
	n := startWith(t, func(n *node, o *rpc.Options) {
		directory = got(caller.NewDirectory(caller.Options{Callers: all, Tokens: trusted.verifier(), Revoked: n.engine.Revoked}))(t)
		o.Callers = directory
		o.Secure = credentials.NewTLS(&tls.Config{
			Certificates: []tls.Certificate{load("node")}, ClientCAs: authority.Pool(), ClientAuth: tls.VerifyClientCertIfGiven,
		})
	})
	must(t, directory.Set(slices.DeleteFunc(all, func(s caller.Settings) bool { return s.Name == "revoked" })))
	connect := func(certificates ...tls.Certificate) *grpc.ClientConn {
		return n.connect(grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
			ServerName: "localhost", RootCAs: authority.Pool(), Certificates: certificates,
		})))
	}
	plain, mine, stranger := connect(), connect(load("billing")), connect(load("stranger"))
	scoped := func(i issuer, scope string) []string {
		return []string{"Bearer " + i.token(map[string]any{"scope": scope, "channels": map[string][]string{"*": {"publish", "subscribe", "history"}}})}
	}
	key := func(key string) []string { return []string{"Bearer " + key} }
	expired := trusted.token(map[string]any{"scope": "pushgate:control", "exp": time.Now().Add(-time.Minute).Unix()})
	token := scoped(trusted, "pushgate:control")[0]

	table := map[string]struct {
		by            *grpc.ClientConn
		authorization []string
		has           []need
	}{
		"no credentials":        {plain, nil, nobody},
		"a wrong key":           {plain, key(caller.NewKey()), nobody},
		"a hash":                {plain, key(caller.HashOf(adminKey).String()), nobody},
		"a key reloaded away":   {plain, key(revokedKey), nobody},
		"an expired key":        {plain, key(expiredKey), nobody},
		"a key from outside":    {plain, key(elsewhereKey), nobody},
		"another scheme":        {plain, []string{"Basic " + adminKey}, nobody},
		"nothing but a word":    {plain, []string{"Bearer"}, nobody},
		"nothing at all":        {plain, []string{""}, nobody},
		"two keys":              {plain, []string{"Bearer " + adminKey, "Bearer " + readKey}, nobody},
		"the same key twice":    {plain, []string{"Bearer " + adminKey, "Bearer " + adminKey}, nobody},
		"a token and a key":     {plain, []string{token, "Bearer " + adminKey}, nobody},
		"a key and a token":     {plain, []string{"Bearer " + adminKey, token}, nobody},
		"two keys in one value": {plain, []string{"Bearer " + adminKey + ", Bearer " + readKey}, nobody},

		"a key to publish":   {plain, key(publishKey), has(publish)},
		"a key to subscribe": {plain, key(subscribeKey), has(subscribe)},
		"a key to read":      {plain, key(readKey), has(read)},
		"a key to control":   {plain, key(adminKey), has(read, control)},

		"a certificate of nobody":                {stranger, nil, nobody},
		"a certificate of a caller":              {mine, nil, has(publish)},
		"a certificate of a caller, a wrong key": {mine, key(caller.NewKey()), nobody},
		"a certificate of a caller, a key":       {mine, key(readKey), has(read)},
		"a certificate of nobody, a key":         {stranger, key(readKey), has(read)},

		"a token without a scope":   {plain, scoped(trusted, ""), has()},
		"a token for another thing": {plain, scoped(trusted, "publish pushgate:everything"), has()},
		"a token to publish":        {plain, scoped(trusted, "openid pushgate:publish"), has(publish)},
		"a token to subscribe":      {plain, scoped(trusted, "pushgate:subscribe"), has(subscribe)},
		"a token to read":           {plain, scoped(trusted, "pushgate:read"), has(read)},
		"a token to control":        {plain, scoped(trusted, "pushgate:control"), has(read, control)},
		"an expired token":          {plain, key(expired), nobody},
		"a token of another issuer": {plain, scoped(other, "pushgate:control"), nobody},
	}
	for name, method := range n.methods() {
		m := every[name]
		request := m.good
		if request == nil {
			request = m.bad
		}
		for what, c := range table {
			n.over(c.by)
			code := status.Code(n.call(showing(patient(t), c.authorization), method, request, m.silent))
			switch {
			case slices.Contains(c.has, m.need):
				if code == codes.PermissionDenied || code == codes.Unauthenticated || code == codes.ResourceExhausted {
					t.Errorf("%s with %s answers %s", name, what, code)
				}
			case slices.Contains(c.has, somebody) && code != codes.PermissionDenied, !slices.Contains(c.has, somebody) && code != codes.Unauthenticated:
				t.Errorf("%s with %s answers %s", name, what, code)
			}
		}
	}
	for _, path := range []string{"/pushgate.v1.ControlService/Nothing", "/nobody.Knows/It"} {
		for what, c := range table {
			want := codes.Unauthenticated
			if slices.Contains(c.has, somebody) {
				want = codes.Unimplemented
			}
			err := c.by.Invoke(showing(patient(t), c.authorization), path, &pb.GetStatsRequest{}, &pb.GetStatsResponse{})
			if status.Code(err) != want {
				t.Errorf("%s with %s answers %v, want %s", path, what, err, want)
			}
		}
	}
}

// showing is a context of calls with these values of authorization.
func showing(ctx context.Context, authorization []string) context.Context {
	return metadata.NewOutgoingContext(ctx, metadata.MD{"authorization": authorization})
}
