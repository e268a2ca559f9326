package token

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// Sign makes a token, for development and tests; in production that is the work of
// whoever knows the users. The key is a secret of at least 32 bytes, or a private
// key in PEM; algorithm "" is the first of its kind, keyID "" none.
func Sign(secretOrPEM []byte, algorithm, keyID string, claims map[string]any) (string, error) {
	material, public, err := signingKey(secretOrPEM)
	if err != nil {
		return "", err
	}
	k, err := newKey("", "", public)
	if err != nil {
		return "", err
	}
	if algorithm == "" {
		algorithm = k.algorithms[0]
	}
	if !slices.Contains(k.algorithms, algorithm) {
		return "", errors.New("this key signs with " + strings.Join(k.algorithms, ", ") + " only")
	}
	made := jwt.NewWithClaims(jwt.GetSigningMethod(algorithm), jwt.MapClaims(claims))
	if keyID != "" {
		made.Header["kid"] = keyID
	}
	return made.SignedString(material)
}

// signingKey reads a key and its public half, which for a secret is the same.
func signingKey(text []byte) (private, public any, err error) {
	block, _ := pem.Decode(text)
	if block == nil {
		secret := bytes.TrimSpace(text)
		return secret, secret, nil
	}
	switch block.Type {
	case "PRIVATE KEY":
		private, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		private, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		private, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		return nil, nil, errors.New("it holds a PEM block that is no private key; openssl genpkey makes one")
	}
	if err != nil {
		return nil, nil, errors.New("the private key cannot be read")
	}
	switch key := private.(type) {
	case *rsa.PrivateKey, *ecdsa.PrivateKey:
		return key, key.(crypto.Signer).Public(), nil
	case ed25519.PrivateKey:
		return key, key.Public(), nil
	default:
		return nil, nil, errors.New("the private key is none of RSA, ECDSA and Ed25519")
	}
}
