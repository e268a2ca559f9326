package config

import (
	"reflect"
	"strings"

	"pushgate/server/origin"
)

// check names the first value that cannot be.
func (f *Flags) check() error {
	root := reflect.ValueOf(&f.Config).Elem()
	for _, s := range settings {
		if err := s.check(s.in(root)); err != nil {
			return f.problem(s.key, "%s", err)
		}
	}
	if err := f.checkAddresses(); err != nil {
		return err
	}
	if err := f.checkStoreURL(); err != nil {
		return err
	}
	for _, text := range f.HTTP.AllowedOrigins {
		if err := origin.Check(text); err != nil {
			return f.problem("http.allowed_origins", "%s", err)
		}
	}
	if err := f.checkProxies(); err != nil {
		return err
	}
	if err := f.checkAdmin(); err != nil {
		return err
	}
	if err := f.checkTLS(); err != nil {
		return err
	}
	if err := f.checkPoller(); err != nil {
		return err
	}
	if share := int64(f.Ingest.Bytes) / int64(f.Ingest.Committers); share < int64(f.Limits.MaxPayload) {
		return f.problem("ingest.bytes", "%s for %d committers do not hold a payload of %s each; raise ingest.bytes, or lower ingest.committers or limits.max_payload",
			f.Ingest.Bytes, f.Ingest.Committers, f.Limits.MaxPayload)
	}
	if f.GRPC.MaxMessage <= f.Limits.MaxPayload {
		return f.problem("grpc.max_message", "%s does not hold a payload of limits.max_payload (%s) with its envelope; raise it", f.GRPC.MaxMessage, f.Limits.MaxPayload)
	}
	if s := f.Shutdown; s.Delay+s.Drain >= s.Timeout {
		return f.problem("shutdown.timeout", "%s is not longer than shutdown.delay (%s) and shutdown.drain (%s) together; raise it", s.Timeout, s.Delay, s.Drain)
	}
	if err := f.checkTokens(); err != nil {
		return err
	}
	if err := f.checkCallers(); err != nil {
		return err
	}
	if err := f.checkAuthorizer(); err != nil {
		return err
	}
	return f.checkKafka()
}

func (f *Flags) checkProxies() error {
	if _, err := f.Proxies(); err != nil {
		return f.problem("http.trusted_proxies", "%s", err)
	}
	if f.HTTP.ProxyProtocol && len(f.HTTP.TrustedProxies) == 0 {
		return f.problem("http.proxy_protocol", "nobody is trusted to speak it; set http.trusted_proxies to the addresses of the proxies")
	}
	return nil
}

// checkStoreURL must not show the URL: there may be a password in it.
func (f *Flags) checkStoreURL() error {
	path, sqlite := strings.CutPrefix(f.Store.URL, "sqlite:")
	switch {
	case f.Store.URL == "":
		return nil
	case strings.HasPrefix(f.Store.URL, "postgres://"), strings.HasPrefix(f.Store.URL, "postgresql://"):
		_, rest, _ := strings.Cut(f.Store.URL, "://")
		authority, _, _ := strings.Cut(rest, "/")
		if strings.Count(authority, "@") > 1 {
			return f.problem("store.url", "it has more than one @; write those in the password as %%40")
		}
		return nil
	case !sqlite:
		return f.problem("store.url", "no such store; write postgres://USER@HOST/DATABASE or sqlite:PATH, or leave it out")
	case strings.TrimPrefix(path, "//") == "":
		return f.problem("store.url", "there is no path after sqlite:")
	case strings.HasPrefix(path, ":"), strings.Contains(path, "?"):
		return f.problem("store.url", "sqlite: takes the path of a file, nothing else; a database in memory would keep no promise")
	}
	return nil
}
