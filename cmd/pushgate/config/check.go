package config

import (
	"net/url"
	"reflect"
	"strings"
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
	for _, origin := range f.HTTP.AllowedOrigins {
		if u, err := url.Parse(origin); strings.Contains(origin, "/") && (err != nil || u.Host == "" || u.Path != "") {
			return f.problem("http.allowed_origins", "%q is not an origin; write scheme and host, as https://app.example.com", origin)
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
	case f.Store.URL == "", strings.HasPrefix(f.Store.URL, "postgres://"), strings.HasPrefix(f.Store.URL, "postgresql://"):
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
