package config

import (
	"log/slog"
	"strings"
	"time"

	"pushgate/server/auth/token"
)

// Token says which tokens (JWT) of clients are good. With a key of any kind, clients
// need one.
type Token struct {
	Secret      string   `name:"secret" placeholder:"SECRET" secret:"true" help:"The secret that tokens are signed with by HS256, HS384 or HS512; at least 32 bytes."`
	SecretFile  string   `name:"secret-file" placeholder:"FILE" help:"A file with that secret, read again when it changes."`
	KeyFiles    []string `name:"key-files" placeholder:"FILE" help:"Files with public keys: PEM (keys or certificates), JSON Web Keys or sets of them. Read again when they change."`
	JWKSURLs    []string `name:"jwks-urls" placeholder:"URL" help:"Where key sets (JWKS) are published; https, but for this machine's."`
	JWKSCA      string   `name:"jwks-ca" placeholder:"FILE" help:"Trust the servers of key sets by these authorities, in PEM, instead of the system's."`
	JWKSRefresh Duration `name:"jwks-refresh" placeholder:"DURATION" default:"10m" min:"1000000000" help:"How often they are fetched again. A token with an unknown key has them fetched at once, at most every 10 s."`

	Algorithms []string `name:"algorithms" placeholder:"NAME" help:"The algorithms that are good: HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA. Empty: all of them, each with keys of its kind only."`
	Issuer     string   `name:"issuer" placeholder:"NAME" help:"What the claim iss has to be. Empty: anything."`
	Audience   []string `name:"audience" placeholder:"NAME" help:"One of these has to be in the claim aud. Empty: anything may be."`
	Endless    bool     `name:"endless" default:"false" help:"Take tokens without exp, which are good for ever."`
	Leeway     Duration `name:"leeway" placeholder:"DURATION" default:"2s" min:"0" max:"300000000000" help:"What the clocks of the issuer and of this node may differ by; at most 5 minutes."`
	MaxBytes   Size     `name:"max-bytes" placeholder:"SIZE" default:"8KiB" min:"256" max:"16384" help:"The longest token; http.max_header has to hold it."`

	SubscriberClaim string `name:"subscriber-claim" placeholder:"NAME" default:"sub" help:"The claim that says who the subscriber is."`
	DeviceClaim     string `name:"device-claim" placeholder:"NAME" help:"The claim that names the subscriber's device, if there is to be one: each device is then a subscriber SUB/DEVICE, with cursors of its own."`
	ChannelsClaim   string `name:"channels-claim" placeholder:"NAME" default:"channels" help:"The claim that says what the client may do with which channels."`

	Anonymous bool     `name:"anonymous" default:"false" help:"Let clients in that have no token; they may use the public channels of the namespaces only."`
	Timeout   Duration `name:"timeout" placeholder:"DURATION" default:"5s" min:"1" help:"How long a client may be connected before it has sent its token."`
	Notice    Duration `name:"notice" placeholder:"DURATION" default:"30s" min:"0" help:"How long before its token expires a client is told."`
}

// Tokens is how tokens are checked.
func (f *Flags) Tokens(logger *slog.Logger) token.Config {
	t := f.Token
	rules, _ := f.Rules() // check has seen them
	return token.Config{
		Secret: t.Secret, SecretFile: t.SecretFile, KeyFiles: t.KeyFiles,
		URLs: t.JWKSURLs, Refresh: time.Duration(t.JWKSRefresh),
		Algorithms: t.Algorithms, Issuer: t.Issuer, Audience: t.Audience, Endless: t.Endless,
		Leeway: time.Duration(t.Leeway), MaxBytes: int(t.MaxBytes),
		Names: token.ClaimNames{Subscriber: t.SubscriberClaim, Device: t.DeviceClaim, Channels: t.ChannelsClaim},
		Rules: rules, Logger: logger,
	}
}

// TokensConfigured says whether clients need tokens. Otherwise everybody may do
// everything.
func (f *Flags) TokensConfigured() bool { return f.Tokens(nil).Configured() }

// Rules are what the namespaces allow.
func (f *Flags) Rules() (*token.Rules, error) {
	var fallback token.Allow
	byName := map[string]token.Allow{}
	for _, n := range f.Namespaces {
		allow := token.Allow(n.Allow)
		if n.Name == defaultNamespace {
			fallback = allow
			continue
		}
		byName[n.Name] = allow
	}
	return token.NewRules(fallback, byName)
}

func (f *Flags) checkTokens() error {
	if _, err := f.Rules(); err != nil {
		return f.problem("namespaces", "%s", strings.ReplaceAll(err.Error(), "\n", " "))
	}
	if _, err := token.New(token.Config{Secret: f.Token.Secret}); err != nil {
		return f.problem("token.secret", "%s", err)
	}
	if _, err := token.New(token.Config{URLs: f.Token.JWKSURLs}); err != nil {
		return f.problem("token.jwks_urls", "%s", err)
	}
	if f.Token.JWKSCA != "" && len(f.Token.JWKSURLs) == 0 {
		return f.problem("token.jwks_ca", "it is for token.jwks_urls, and there are none")
	}
	if f.TokensConfigured() && f.Token.MaxBytes > f.HTTP.MaxHeader {
		return f.problem("token.max_bytes", "a token of %s does not fit into http.max_header (%s); raise that", f.Token.MaxBytes, f.HTTP.MaxHeader)
	}
	for key, name := range map[string]string{"token.subscriber_claim": f.Token.SubscriberClaim, "token.channels_claim": f.Token.ChannelsClaim} {
		if name == "" {
			return f.problem(key, "the claim needs a name")
		}
	}
	return nil
}

// CheckKeys refuses to serve with settings for tokens and no key for them.
func (f *Flags) CheckKeys() error {
	if f.ClientsShowThemselves() {
		return nil
	}
	for _, set := range []struct {
		key   string
		given bool
	}{
		{"token.issuer", f.Token.Issuer != ""}, {"token.audience", len(f.Token.Audience) > 0}, {"token.anonymous", f.Token.Anonymous},
		{"token.algorithms", len(f.Token.Algorithms) > 0}, {"token.device_claim", f.Token.DeviceClaim != ""}, {"token.endless", f.Token.Endless},
	} {
		if set.given {
			return f.problem(set.key, "there is no key for tokens, so everybody could do everything; set token.secret, token.secret_file, token.key_files or token.jwks_urls")
		}
	}
	return nil
}
