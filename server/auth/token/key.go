package token

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
)

// Algorithms are all that there are; "none" is not among them.
var Algorithms = []string{
	"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
}

// secretAlgorithms are those of secrets, which no server publishes.
var secretAlgorithms = Algorithms[0:3]

const (
	minSecret  = 32   // bytes (RFC 7518 §3.2)
	minModulus = 2048 // bits (RFC 7518 §3.3)
	maxModulus = 8192 // bits: beyond it a check takes milliseconds
)

// key verifies signatures of the algorithms that are its own: a key of one kind is
// never tried with another's.
type key struct {
	id         string // kid; "": unknown
	algorithms []string
	material   any // as golang-jwt takes it
}

// newKey makes a key of what crypto/x509 or a JWK yields; algorithm, if not empty,
// is the only one that it may be used with.
func newKey(id, algorithm string, material any) (key, error) {
	k := key{id: id, material: material}
	switch m := material.(type) {
	case []byte:
		if len(m) < minSecret {
			return k, fmt.Errorf("the secret has %d bytes; use %d or more, as openssl rand -hex 32 makes them", len(m), minSecret)
		}
		k.algorithms = secretAlgorithms
	case *rsa.PublicKey:
		if bits := m.N.BitLen(); bits < minModulus || bits > maxModulus {
			return k, fmt.Errorf("the RSA key has %d bits; use %d to %d", bits, minModulus, maxModulus)
		}
		k.algorithms = Algorithms[3:9]
	case *ecdsa.PublicKey:
		own := map[string]string{"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}[m.Curve.Params().Name]
		if own == "" {
			return k, errors.New("the curve of the key is none of P-256, P-384 and P-521")
		}
		k.algorithms = []string{own}
	case ed25519.PublicKey:
		k.algorithms = []string{"EdDSA"}
	default:
		return k, errors.New("the key is none of RSA, ECDSA, Ed25519 and a secret")
	}
	if algorithm == "" {
		return k, nil
	}
	if !slices.Contains(k.algorithms, algorithm) {
		return k, errors.New("the key is of another kind than its algorithm")
	}
	k.algorithms = []string{algorithm}
	return k, nil
}

// find answers the keys that may have signed a token: those with its key id, and
// those without one.
func find(keys []key, id, algorithm string) (found []key, known bool) {
	for _, k := range keys {
		if id != "" && k.id != "" && k.id != id {
			continue
		}
		if id != "" && k.id == id {
			known = true
		}
		if slices.Contains(k.algorithms, algorithm) {
			found = append(found, k)
		}
	}
	return found, known
}
