package config

import (
	"os"
	"strings"
)

// Authorizer is a gRPC service of the operator's that is asked who clients are, and
// what they may subscribe to.
type Authorizer struct {
	Address        string   `name:"address" placeholder:"HOST:PORT" help:"Where the authorizer listens: HOST:PORT, https://HOST:PORT for TLS, or unix:PATH. It serves pushgate.v1.AuthorizerService. Empty: there is none."`
	TLSCA          string   `name:"tls-ca" placeholder:"FILE" help:"Trust it by these authorities, in PEM, instead of the system's."`
	TLSCertificate string   `name:"tls-certificate" placeholder:"FILE" help:"Show it this certificate, in PEM."`
	TLSKey         string   `name:"tls-key" placeholder:"FILE" help:"The private key of the certificate, in PEM."`
	SecretFile     string   `name:"secret-file" placeholder:"FILE" help:"A file with a secret that is sent as authorization: Bearer SECRET."`
	Connect        bool     `name:"connect" default:"false" help:"Ask it whether clients may connect. Without keys for tokens (token.*) it says who they are, by whatever they show as token."`
	Headers        []string `name:"headers" placeholder:"NAME" help:"Headers of the request to connect that it sees, as Cookie."`
	Timeout        Duration `name:"timeout" placeholder:"DURATION" default:"2s" min:"1000000" max:"10000000000" help:"How long to wait for an answer; at most 10 s. Meanwhile nothing else of that client is looked at."`
	OnFailure      string   `name:"on-failure" enum:"deny,allow" default:"deny" help:"What happens without one: deny, clients are told to try again; or allow, what the token and the namespaces allow. Without keys for tokens it has to be deny with authorizer.connect."`
	Concurrency    int      `name:"concurrency" placeholder:"N" default:"256" min:"1" help:"How many calls may be under way; others wait within the time-out."`
	Cache          int      `name:"cache" placeholder:"N" default:"100000" min:"0" help:"How many answers of each kind are kept, as long as the authorizer says."`
}

// ClientsShowThemselves says that no client connects that has not shown who it is, or is
// let in without by the configuration.
func (f *Flags) ClientsShowThemselves() bool { return f.TokensConfigured() || f.Authorizer.Connect }

// AuthorizerSecret reads authorizer.secret_file; "" if there is none.
func (f *Flags) AuthorizerSecret() (string, error) {
	if f.Authorizer.SecretFile == "" {
		return "", nil
	}
	content, err := os.ReadFile(f.Authorizer.SecretFile)
	if err != nil {
		return "", f.problem("authorizer.secret_file", "%s", err)
	}
	return strings.TrimSpace(string(content)), nil
}

// AuthorizerHeaders are authorizer.headers, each once and in lower case.
func (f *Flags) AuthorizerHeaders() (names []string) {
	for _, name := range f.Authorizer.Headers {
		names = append(names, strings.ToLower(name))
	}
	return names
}

// tokenCharacters are what names of headers are made of (RFC 9110 §5.6.2).
const tokenCharacters = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

func (f *Flags) checkAuthorizer() error {
	a := f.Authorizer
	for _, name := range a.Headers {
		if name == "" || strings.Trim(name, tokenCharacters) != "" {
			return f.problem("authorizer.headers", "%q is not the name of a header", name)
		}
	}
	asked := a.Connect
	for _, n := range f.Namespaces {
		if n.Authorize && a.Address == "" {
			source := n.sources["authorize"]
			return problem(source, "namespaces."+n.Name+".authorize", "there is nobody to ask; set authorizer.address")
		}
		asked = asked || n.Authorize
	}
	target, secure := strings.CutPrefix(a.Address, "https://")
	switch {
	case a.Connect && a.Address == "":
		return f.problem("authorizer.connect", "there is nobody to ask; set authorizer.address")
	case a.Address == "":
		return nil
	case strings.Contains(target, "@") && !strings.HasPrefix(a.Address, "unix:"):
		return f.problem("authorizer.address", "a user and a password in it mean nothing; write https://HOST:PORT, and set authorizer.secret_file")
	case !strings.HasPrefix(a.Address, "unix:") && !isAddress(target):
		return f.problem("authorizer.address", "%q is not an address; write HOST:PORT, https://HOST:PORT or unix:PATH", a.Address)
	case !secure && !Local(a.Address) && !f.GRPC.InsecurePlaintext:
		return f.problem("authorizer.address", "what clients show would go to %s as it is; write https://%s, or, if the network encrypts, set grpc.insecure_plaintext to true", target, target)
	case !asked:
		return f.problem("authorizer.address", "it is never asked; set authorizer.connect, or authorize of a namespace")
	case !secure && (a.TLSCA != "" || a.TLSCertificate != "" || a.TLSKey != ""):
		return f.problem("authorizer.address", "its certificates are for TLS; write https://%s", a.Address)
	case a.Connect && !f.TokensConfigured() && a.OnFailure == "allow":
		return f.problem("authorizer.on_failure", "without keys for tokens nobody else knows who clients are; set deny")
	case len(a.Headers) > 0 && !a.Connect:
		return f.problem("authorizer.headers", "they are for authorizer.connect; set that to true")
	}
	return nil
}
