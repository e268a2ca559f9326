package config

import (
	"os"
	"strings"
)

// Admin is the listener for operators.
type Admin struct {
	Address        string `name:"address" placeholder:"HOST:PORT" help:"Where to listen for operators: metrics (/metrics), health with its reasons (/readyz), profiles (/debug/pprof). HOST:PORT, or unix:PATH. Empty: they are on http.address while only this machine reaches that and no proxy is configured (http.trusted_proxies), and otherwise nowhere; set it where a proxy runs on this machine."`
	SocketMode     Mode   `name:"socket-mode" placeholder:"MODE" default:"0660" help:"The permissions of the Unix socket, in octal digits."`
	TLSCertificate string `name:"tls-certificate" placeholder:"FILE" help:"As http.tls_certificate."`
	TLSKey         string `name:"tls-key" placeholder:"FILE" help:"As http.tls_key."`
	TokenFile      string `name:"token-file" placeholder:"FILE" help:"A file with a secret of at least 32 bytes: whoever asks admin.address has to bring it as bearer token. Needed where others reach the address."`
}

// OperationalHTTP says that http.address serves what is for operators. A proxy that is
// configured makes an address of this machine everybody's.
func (f *Flags) OperationalHTTP() bool {
	proxied := len(f.HTTP.TrustedProxies) > 0 || f.HTTP.ProxyProtocol
	return f.Admin.Address == "" && !proxied && (Local(f.HTTP.Address) || f.Auth.InsecureDevelopmentOnAnyAddress)
}

// leastSecret is the least length of a secret in bytes.
const leastSecret = 32

// AdminSecret reads admin.token_file; "" if there is none.
func (f *Flags) AdminSecret() (string, error) {
	if f.Admin.TokenFile == "" {
		return "", nil
	}
	content, err := os.ReadFile(f.Admin.TokenFile)
	if err != nil {
		return "", f.problem("admin.token_file", "%s", err)
	}
	secret := strings.TrimSpace(string(content))
	if len(secret) < leastSecret {
		return "", f.problem("admin.token_file", "the secret in %s is shorter than %d bytes; make one, as by: openssl rand -base64 32", f.Admin.TokenFile, leastSecret)
	}
	return secret, nil
}

// CheckExposure refuses to serve whoever reaches an address that is not this
// machine's alone, unless clients, backends and operators have to show who they are.
func (f *Flags) CheckExposure() error {
	if f.Auth.InsecureDevelopmentOnAnyAddress {
		return nil
	}
	const otherwise = "listen on 127.0.0.1, or, if only trusted clients reach it, set auth.insecure_development_on_any_address to true (" +
		EnvPrefix + "AUTH_INSECURE_DEVELOPMENT_ON_ANY_ADDRESS=true)"
	for _, a := range []struct {
		key, address string
		safe         bool
		who, how     string
	}{
		{"http.address", f.HTTP.Address, f.ClientsShowThemselves(), "can read as any subscriber", "set up clients' tokens (token.secret_file, token.key_files or token.jwks_urls), or ask an authorizer (authorizer.connect)"},
		{"grpc.address", f.GRPC.Address, f.callersShowThemselves(), "can publish, and read as any subscriber", "give callers keys (callers in the file; pushgate key make), or ask for certificates (grpc.tls_client_ca)"},
		{"admin.address", f.Admin.Address, f.Admin.TokenFile != "", "can read metrics and take profiles", "set admin.token_file"},
	} {
		if a.address != "" && !Local(a.address) && !a.safe {
			return f.problem(a.key, "%s is not loopback, and anyone who reaches it %s; %s, %s", a.address, a.who, a.how, otherwise)
		}
	}
	if !Local(f.GRPC.Address) && f.GRPC.TLSCertificate == "" && !f.GRPC.InsecurePlaintext {
		return f.problem("grpc.address", "%s is not loopback, and callers' keys would go over the network as they are; set grpc.tls_certificate and grpc.tls_key, or, if the network encrypts, grpc.insecure_plaintext to true", f.GRPC.Address)
	}
	return nil
}

// callersShowThemselves: nobody calls who has not shown who it is.
func (f *Flags) callersShowThemselves() bool {
	return f.CallersConfigured() || f.GRPC.TLSClientCA != "" && f.GRPC.TLSClientCertificate == "required"
}

func (f *Flags) checkAdmin() error {
	if f.Admin.TLSCertificate != "" && f.Admin.Address == "" {
		return f.problem("admin.tls_certificate", "it is for admin.address, which is not set; set that, as 127.0.0.1:9091")
	}
	if f.Admin.TokenFile != "" && f.Admin.Address == "" {
		return f.problem("admin.token_file", "it is for admin.address, which is not set; set that, as 127.0.0.1:9091")
	}
	return nil
}
