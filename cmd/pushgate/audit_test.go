package main_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pushgate/cmd/pushgate/pushgatetest"
)

// event is a record of the audit log.
type event struct {
	Message string `json:"msg"`
	Event   string
	Side    string
	Address string
	Caller  string
	Method  string
	Reason  string
	Result  string
	Count   int
	Applied []string
	Request json.RawMessage
}

// events reads the audit records among the lines of a log in JSON.
func events(t *testing.T, log string) (all []event) {
	t.Helper()
	for line := range strings.Lines(log) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if e.Message == "audit" {
			all = append(all, e)
		}
	}
	return all
}

func TestAuditLog(t *testing.T) {
	dir := t.TempDir()
	shop, shopHash := newKey(t)
	admin, adminHash := newKey(t)
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte(strings.Repeat("geheim", 8)), 0o600); err != nil {
		t.Fatal(err)
	}
	path := configuration(t, "callers:\n  shop: {keys: ["+shopHash+"], publish: ['orders:*']}\n  admin: {keys: ["+adminHash+"], control: all}\n")
	s := pushgatetest.Start(t, pushgatetest.Command{
		Args: []string{"--config", path, "--log-format=json", "--log-level=error", "--admin-address=127.0.0.1:0", "--admin-token-file", secret},
		Env:  []string{tokenSecret},
	})
	call := func(key, name string, args ...string) {
		c := s.Command(name, args...)
		c.Env = append(c.Env, "PUSHGATE_API_KEY="+key)
		pushgatetest.Run(t, c)
	}
	call(shop, "publish", "orders:1", "1")
	call(shop, "publish", "orders:1", "2")
	call(shop, "publish", "other", "2")
	call(shop, "drain")
	const tries = 30
	wrong := "pgk_" + strings.Repeat("0", 64)
	for range tries {
		call(wrong, "publish", "orders:1", "1")
	}
	call(admin, "disconnect", "--subscriber=ada", "--reason=\"}\nlevel=ERROR msg=forged")
	if err := os.WriteFile(path, []byte("callers:\n  admin: {keys: ["+adminHash+"], control: all}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	call(admin, "reload")
	if err := os.WriteFile(path, []byte("callers: 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	call(admin, "reload")
	bad := makeToken(t, "--subscriber=ada") + "x"
	ask(t, &http.Client{}, "http://"+s.HTTP+"/ws?access_token="+bad, "") // no upgrade: not looked at
	subscribe := s.Command("subscribe", "news", "--token="+bad)
	pushgatetest.Run(t, subscribe)
	s.Stop()

	log := s.Stderr()
	for _, hidden := range []string{shop, admin, wrong, bad, bad[strings.LastIndex(bad, ".")+1:], "geheim"} {
		if strings.Contains(log, hidden) {
			t.Errorf("%q is in the log", hidden)
		}
	}
	all := events(t, log)
	find := func(want string, fits func(event) bool) {
		t.Helper()
		if !slices.ContainsFunc(all, fits) {
			t.Errorf("there is no event for %s in:\n%s", want, log)
		}
	}
	find("the start", func(e event) bool { return e.Event == "started" })
	find("the use of a key", func(e event) bool {
		return e.Event == "credential_used" && e.Caller == "key:shop" && e.Address == "127.0.0.1" && e.Side == "grpc"
	})
	find("a channel that is not for a caller", func(e event) bool {
		return e.Event == "permission_denied" && e.Caller == "key:shop" && strings.HasSuffix(e.Method, "/Publish") && strings.Contains(e.Reason, `"other"`)
	})
	find("a method that is not for a caller", func(e event) bool {
		return e.Event == "permission_denied" && e.Caller == "key:shop" && strings.HasSuffix(e.Method, "/Drain")
	})
	find("an operation", func(e event) bool {
		return e.Event == "operation" && e.Caller == "key:admin" && strings.HasSuffix(e.Method, "/Disconnect") && e.Result == "OK" && strings.Contains(string(e.Request), `"subscriber":"ada"`)
	})
	find("an operation that failed", func(e event) bool {
		return e.Event == "operation" && strings.HasSuffix(e.Method, "/ReloadConfiguration") && e.Result == "FailedPrecondition"
	})
	find("a reload", func(e event) bool {
		return e.Event == "configuration_reloaded" && slices.Contains(e.Applied, "callers.shop")
	})
	find("a reload that failed", func(e event) bool { return e.Event == "configuration_refused" })
	find("a bad token", func(e event) bool {
		return e.Event == "authentication_failed" && e.Side == "websocket" && strings.Contains(e.Reason, "signature")
	})
	records, count := 0, 0
	for _, e := range all {
		if e.Event == "authentication_failed" && e.Side == "grpc" {
			records++
			count += e.Count
		}
	}
	if count != tries || records > tries/2 {
		t.Errorf("%d failures in %d records, want %d in fewer", count, records, tries)
	}
	used := 0
	for _, e := range all {
		if e.Event == "credential_used" && e.Caller == "key:shop" {
			used++
		}
	}
	if used != 1 {
		t.Errorf("the use of a key is recorded %d times", used)
	}
}

// The file goes on being written to after it was moved away, when it is opened anew.
func TestAuditFile(t *testing.T) {
	dir := t.TempDir()
	file, old := filepath.Join(dir, "audit.log"), filepath.Join(dir, "audit.log.1")
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--log-audit", file}})
	run(t, s.Command("disconnect", "--subscriber=one"))
	if err := os.Rename(file, old); err != nil {
		t.Fatal(err)
	}
	run(t, s.Command("disconnect", "--subscriber=two"))
	run(t, s.Command("reload"))
	run(t, s.Command("disconnect", "--subscriber=three"))
	s.Stop()
	if strings.Contains(s.Stderr(), "msg=audit") {
		t.Error("the log has the events too")
	}
	for path, want := range map[string]string{old: "one two", file: "three"} {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, e := range events(t, string(content)) {
			var request struct{ Subscriber string }
			if e.Event == "operation" && json.Unmarshal(e.Request, &request) == nil && request.Subscriber != "" {
				found = append(found, request.Subscriber)
			}
		}
		if strings.Join(found, " ") != want {
			t.Errorf("%s has operations on %q, want %s", path, found, want)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	r := pushgatetest.Run(t, pushgatetest.Command{Args: []string{"serve", "--log-audit", filepath.Join(dir, "not", "there")}})
	if r.Code != 2 || strings.Count(r.Err, "\n") != 1 || !strings.Contains(r.Err, "log.audit") {
		t.Errorf("exit code %d: %s", r.Code, r.Err)
	}
}
