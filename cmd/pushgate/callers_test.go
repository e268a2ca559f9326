package main_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"pushgate/cmd/pushgate/pushgatetest"
	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/server/certificate/certificatetest"
)

// newKey makes a key by the program, and answers what the configuration holds of it.
func newKey(t *testing.T) (key, hash string) {
	t.Helper()
	r := pushgatetest.Run(t, pushgatetest.Command{Args: []string{"key", "make", "shop"}})
	key = strings.TrimSpace(r.Out)
	hashed := pushgatetest.Run(t, pushgatetest.Command{Args: []string{"key", "hash"}, In: strings.NewReader(key + "\n")})
	hash = strings.TrimSpace(hashed.Out)
	if r.Code != 0 || hashed.Code != 0 || !strings.HasPrefix(key, "pgk_") || !strings.Contains(r.Err, hash) || len(hash) != 64 {
		t.Fatalf("key make: %+v, key hash: %+v", r, hashed)
	}
	return key, hash
}

// Others reach the address: callers bring keys or certificates by TLS, and change with
// a reload.
func TestCallers(t *testing.T) {
	authority, dir := certificatetest.New(t), t.TempDir()
	certificate, key := authority.Issue(dir, "node", time.Hour)
	mine, myKey := authority.Issue(dir, "billing", time.Hour)
	strange, strangeKey := authority.Issue(dir, "stranger", time.Hour)
	shop, shopHash := newKey(t)
	next, nextHash := newKey(t)
	admin, adminHash := newKey(t)
	path := configuration(t, "")
	write := func(callers string) {
		t.Helper()
		yaml := fmt.Sprintf("grpc: {tls_certificate: %s, tls_key: %s, tls_client_ca: %s, tls_client_certificate: optional}\ncallers:\n", certificate, key, authority.File) +
			"  admin: {keys: [" + adminHash + "], control: all}\n" + callers
		if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("  shop: {keys: [" + shopHash + "], publish: ['orders:*']}\n  billing: {certificates: [billing], publish: ['invoices:*']}\n")
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--config", path, "--grpc-address=0.0.0.0:0"}})
	call := func(key string, args ...string) pushgatetest.Result {
		return pushgatetest.Run(t, pushgatetest.Command{
			Args: append(args, "--server", "https://"+s.GRPC, "--ca", authority.File), Env: []string{"PUSHGATE_API_KEY=" + key},
		})
	}
	wants := func(r pushgatetest.Result, want string) {
		t.Helper()
		if r.Code == 0 != (want == "") || !strings.Contains(r.Err, want) {
			t.Errorf("exit code %d: %s; want %q", r.Code, r.Err, want)
		}
	}
	wants(call(shop, "publish", "orders:1", "1"), "")
	wants(call(shop, "publish", "invoices:1", "1"), "PermissionDenied")
	wants(call(shop, "channels"), "PermissionDenied")
	wants(call(admin, "channels"), "")
	wants(call("", "publish", "orders:1", "1"), "Unauthenticated")
	wants(call(next, "publish", "orders:1", "1"), "Unauthenticated")
	wants(call("", "publish", "invoices:1", "1", "--certificate", mine, "--key", myKey), "")
	wants(call("", "publish", "orders:1", "1", "--certificate", mine, "--key", myKey), "PermissionDenied")
	wants(call("", "publish", "orders:1", "1", "--certificate", strange, "--key", strangeKey), "Unauthenticated")
	wants(call(shop, "publish", "orders:1", "1", "--certificate", strange, "--key", strangeKey), "")

	write("  shop: {keys: [" + nextHash + "], publish: ['orders:*'], rate: {messages: 1000}}\n")
	r := call(admin, "reload")
	wants(r, "")
	if !strings.Contains(r.Out, "callers.shop") || !strings.Contains(r.Out, "callers.billing") || strings.Contains(r.Out, "restart") {
		t.Errorf("reload says %s", r.Out)
	}
	wants(call(shop, "publish", "orders:1", "1"), "Unauthenticated")
	wants(call(next, "publish", "orders:1", "1"), "")
	wants(call("", "publish", "invoices:1", "1", "--certificate", mine, "--key", myKey), "Unauthenticated")

	write("  shop: {keys: [" + shop + "], publish: ['orders:*']}\n")
	wants(call(admin, "reload"), "this is a key; write its hash instead")
	wants(call(next, "publish", "orders:1", "1"), "")
	shown := pushgatetest.Run(t, pushgatetest.Command{Args: []string{"config", "--config", path}})
	wants(shown, "callers.shop.keys: this is a key")
	s.Stop()
	for _, secret := range []string{shop, next, admin} {
		if strings.Contains(s.Stderr()+shown.Err+shown.Out, secret) {
			t.Error("a key is in the log")
		}
	}
}

// The first caller that is configured is for everybody: who called before has to come
// back with credentials.
func TestTheFirstCaller(t *testing.T) {
	path := configuration(t, "")
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--config", path}})
	stream, err := subscribing(t, s).Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&pb.SubscribeRequest{Request: &pb.SubscribeRequest_Connect{Connect: &pb.Connect{}}}); err != nil {
		t.Fatal(err)
	}
	must(stream.Recv())(t)
	_, hash := newKey(t)
	if err := os.WriteFile(path, []byte("callers: {a: {keys: ["+hash+"], publish: ['*']}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, s.Command("reload"))
	for err == nil {
		_, err = stream.Recv()
	}
	if grpcstatus.Code(err) != codes.Unauthenticated {
		t.Errorf("the stream ended with %v", err)
	}
}

// What cannot be is refused with one line that says what to change.
func TestCallersThatCannotBe(t *testing.T) {
	_, hash := newKey(t)
	for name, c := range map[string]struct {
		yaml, want string
		args       []string
	}{
		"nobody":              {"callers: {a: {publish: ['*']}}", "callers.a.keys: nobody can be this caller", nil},
		"a name":              {"callers: {'a b': {keys: [" + hash + "]}}", "the name of a caller has letters", nil},
		"no hash":             {"callers: {a: {keys: [abc]}}", "64 hexadecimal digits", nil},
		"a network":           {"callers: {a: {keys: [" + hash + "], networks: [10.0.0.0/33]}}", "callers.a.networks: \"10.0.0.0/33\" is neither", nil},
		"a pattern":           {"callers: {a: {keys: [" + hash + "], publish: ['a*b*']}}", "more than one *", nil},
		"a time":              {"callers: {a: {keys: [" + hash + "], expires: tomorrow}}", "callers.a.expires: \"tomorrow\" is not a time", nil},
		"control":             {"callers: {a: {keys: [" + hash + "], control: some}}", "is not one of none, read, all", nil},
		"a key":               {"callers: {a: {key: x}}", "callers.a.key: there is no such key; did you mean keys?", nil},
		"twice":               {"callers: {a: {keys: [" + hash + "]}, b: {keys: [" + hash + "]}}", "another caller's too", nil},
		"certificates, no CA": {"callers: {a: {certificates: [x]}}", "set grpc.tls_client_ca", nil},
		"tokens, no key":      {"grpc: {tokens: true}", "grpc.tokens: there is no key for tokens", nil},
		"optional, no CA":     {"grpc: {tls_client_certificate: optional}", "set grpc.tls_client_ca", nil},
		"public, no TLS":      {"callers: {a: {keys: [" + hash + "], publish: ['*']}}", "set grpc.tls_certificate and grpc.tls_key, or", []string{"--grpc-address=0.0.0.0:0"}},
		"public, no callers":  {"", "give callers keys", []string{"--grpc-address=0.0.0.0:0", "--grpc-insecure-plaintext"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := pushgatetest.Run(t, pushgatetest.Command{Args: append([]string{"serve", "--http-address=127.0.0.1:0", "--config", configuration(t, c.yaml)}, c.args...)})
			if r.Code != 2 || strings.Count(r.Err, "\n") != 1 || !strings.Contains(r.Err, c.want) {
				t.Errorf("exit code %d: %s", r.Code, r.Err)
			}
		})
	}
}

// Plain text on an address that others reach needs to be asked for, and the commands
// do not show a key there unless told to.
func TestKeysInPlainText(t *testing.T) {
	key, hash := newKey(t)
	path := configuration(t, "callers: {a: {keys: ["+hash+"], publish: ['*']}}\n")
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--config", path, "--grpc-address=0.0.0.0:0", "--grpc-insecure-plaintext"}})
	publish := s.Command("publish", "news", "1")
	publish.Env = append(publish.Env, "PUSHGATE_API_KEY="+key)
	run(t, publish)
	publish.Args = append(publish.Args, "--server=192.0.2.1:9090")
	if line := fails(t, publish, 2); !strings.Contains(line, "--plaintext") {
		t.Errorf("got %s", line)
	}
	publish.Args = append(publish.Args, "--plaintext", "--timeout=1ms")
	fails(t, publish, 1)
}
