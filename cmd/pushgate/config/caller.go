package config

import (
	"fmt"
	"net/netip"
	"reflect"
	"regexp"

	"pushgate/server/auth/caller"
)

// Caller is one of callers: a backend or an operator that calls by gRPC.
type Caller struct {
	Keys         []string   `name:"keys" help:"The SHA-256 of its API keys, as pushgate key make prints it: two while one key replaces another." reload:"live"`
	Certificates []string   `name:"certificates" help:"Names of client certificates that stand for it, with grpc.tls_client_ca: a URI or DNS name of the certificate's, or its common name if it has neither." reload:"live"`
	Publish      []string   `name:"publish" help:"Channels it may publish to, as patterns: orders:*, or * for all." reload:"live"`
	Subscribe    []string   `name:"subscribe" help:"Channels it may subscribe to by SubscribeService, with their history." reload:"live"`
	Subscribers  []string   `name:"subscribers" help:"The subscribers it may be there, as patterns. Empty: it may only subscribe without a name, so nothing is kept for it." reload:"live"`
	Control      string     `name:"control" enum:"none,read,all" default:"none" help:"What of ControlService it may call: none, read (what changes nothing; it sees messages of all channels), or all." reload:"live"`
	Expires      Moment     `name:"expires" help:"When it is over, as 2030-01-31 or 2030-01-31T12:00:00Z. Empty: never." reload:"live"`
	Networks     []string   `name:"networks" help:"Addresses and networks it calls from, as 10.0.0.0/8. Empty: any." reload:"live"`
	Rate         CallerRate `embed:"" prefix:"rate-"`
}

// CallerRate bounds what one caller publishes at this node.
type CallerRate struct {
	Messages int  `name:"messages" default:"0" min:"0" help:"Messages in a second at this node, and as many at once; 0: no bound." reload:"live"`
	Bytes    Size `name:"bytes" default:"0" min:"0" help:"The same, in bytes of payload." reload:"live"`
}

// NamedCaller is a caller of the configuration, complete.
type NamedCaller struct {
	Name string
	Caller
	line    int
	sources map[string]Source // of what the file says for it
}

// callerName is fit for the log and for metrics.
var callerName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)

// IsCallerName says whether a caller may be called so.
func IsCallerName(name string) bool { return callerName.MatchString(name) }

// readCallers decodes what stands under callers.
func (f *file) readCallers() (all []NamedCaller, err error) {
	for _, named := range f.callers {
		n := NamedCaller{Name: named.name, line: named.line}
		into, key := reflect.ValueOf(&n.Caller).Elem(), "callers."+named.name
		if !IsCallerName(named.name) {
			return nil, f.problem(named.line, key, "the name of a caller has letters, digits, ., - and _ only, at most 100")
		}
		err := fillDefaults(into, callerSettings)
		if err == nil {
			n.sources, err = f.fill(into, callerSettings, key, named.node)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}

// CallerSettings are what the configuration says of who calls by gRPC.
func (f *Flags) CallerSettings() ([]caller.Settings, error) {
	all := make([]caller.Settings, 0, len(f.Callers))
	for _, n := range f.Callers {
		s, key, err := n.settings()
		if err != nil {
			source, given := n.sources[key]
			if !given {
				source = f.file.at(n.line)
			}
			return nil, problem(source, "callers."+n.Name+"."+key, "%s", err)
		}
		all = append(all, s)
	}
	return all, nil
}

// settings names the key that is wrong if one is.
func (n NamedCaller) settings() (_ caller.Settings, key string, err error) {
	s := caller.Settings{
		Name: n.Name, Certificates: n.Certificates, Publish: n.Publish, Subscribe: n.Subscribe, Subscribers: n.Subscribers,
		Read: n.Control == "read", Control: n.Control == "all", Expires: n.Expires.Time,
		Messages: n.Rate.Messages, Bytes: int(n.Rate.Bytes),
	}
	if len(n.Keys)+len(n.Certificates) == 0 {
		return s, "keys", fmt.Errorf("nobody can be this caller; give it a key (pushgate key make) or the name of a certificate")
	}
	for _, text := range n.Keys {
		hash, err := caller.ParseHash(text)
		if err != nil {
			return s, "keys", err
		}
		s.Keys = append(s.Keys, hash)
	}
	for _, text := range n.Networks {
		network, err := parseNetwork(text)
		if err != nil {
			return s, "networks", err
		}
		s.Networks = append(s.Networks, network)
	}
	return s, "", nil
}

// mappedBits is how long the prefix is of addresses of IPv4 that are written as IPv6.
const mappedBits = 96

// parseNetwork reads a network, or an address as one. Callers' addresses of IPv4 are looked at as
// such, so its network is one of IPv4 too if it is written as IPv6 (::ffff:10.0.0.0/104).
func parseNetwork(text string) (netip.Prefix, error) {
	network, err := netip.ParsePrefix(text)
	if address, failure := netip.ParseAddr(text); failure == nil {
		network, err = address.Prefix(address.BitLen())
	}
	switch address := network.Addr(); {
	case err != nil:
		return network, fmt.Errorf("%q is neither an address nor a network; write 10.1.2.3 or 10.0.0.0/8", text)
	case !address.Is4In6():
		return network.Masked(), nil
	case network.Bits() < mappedBits:
		return network, fmt.Errorf("%q is more than all addresses of IPv4; write 0.0.0.0/0 for these", text)
	default:
		return netip.PrefixFrom(address.Unmap(), network.Bits()-mappedBits).Masked(), nil
	}
}

// CallersConfigured says whether callers have to show who they are by a key, a token, or
// a certificate that is known.
func (f *Flags) CallersConfigured() bool { return len(f.Callers) > 0 || f.GRPC.Tokens }

func (f *Flags) checkCallers() error {
	all, err := f.CallerSettings()
	if err != nil {
		return err
	}
	if _, err := caller.NewDirectory(caller.Options{Callers: all}); err != nil {
		return problem(f.file.at(0), "callers", "%s", err)
	}
	for _, n := range f.Callers {
		if len(n.Certificates) > 0 && f.GRPC.TLSClientCA == "" {
			return problem(n.sources["certificates"], "callers."+n.Name+".certificates", "nobody is asked for a certificate; set grpc.tls_client_ca")
		}
	}
	if f.GRPC.Tokens && !f.TokensConfigured() {
		return f.problem("grpc.tokens", "there is no key for tokens; set token.secret, token.secret_file, token.key_files or token.jwks_urls")
	}
	if f.GRPC.TLSClientCertificate == "optional" && f.GRPC.TLSClientCA == "" {
		return f.problem("grpc.tls_client_certificate", "nobody is asked for a certificate; set grpc.tls_client_ca")
	}
	return nil
}
