package config

import (
	"net"
	"net/netip"
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
	for _, address := range f.addresses() {
		if !isAddress(address.value) {
			return f.problem(address.key, "%q is not an address; write HOST:PORT, as 127.0.0.1:8080", address.value)
		}
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

func isAddress(text string) bool {
	_, port, err := net.SplitHostPort(text)
	return err == nil && port != ""
}

type address struct{ key, value string }

func (f *Flags) addresses() []address {
	return []address{{"http.address", f.HTTP.Address}, {"grpc.address", f.GRPC.Address}}
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

// CheckExposure refuses to trust everybody on an address that others can reach.
func (f *Flags) CheckExposure() error {
	for _, address := range f.addresses() {
		if !loopback(address.value) && !f.Auth.InsecureDevelopmentOnAnyAddress {
			return f.problem(address.key, "%s is not loopback, and without authentication anyone who reaches it can publish, and read as any subscriber; use 127.0.0.1, or set auth.insecure_development_on_any_address to true (%s=true) if only trusted clients reach it",
				address.value, EnvPrefix+"AUTH_INSECURE_DEVELOPMENT_ON_ANY_ADDRESS")
		}
	}
	return nil
}

// Pprof says whether profiles are served.
func (f *Flags) Pprof() bool {
	return f.HTTP.Pprof == "on" || f.HTTP.Pprof == "auto" && loopback(f.HTTP.Address)
}

// loopback takes no name's word for it but localhost's.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback() || err != nil && strings.EqualFold(host, "localhost")
}
