package token

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"github.com/MicahParks/jwkset"
)

// maxKeys is how many keys a file or a server may have.
const maxKeys = 64

// parseKeys reads what a file holds: PEM (public keys or certificates), a JWK or a
// set of them.
func parseKeys(content []byte) ([]key, error) {
	if trimmed := bytes.TrimSpace(content); len(trimmed) > 0 && trimmed[0] == '{' {
		return parseSet(trimmed, true)
	}
	return parsePEM(content)
}

func parsePEM(content []byte) (keys []key, err error) {
	for {
		var block *pem.Block
		if block, content = pem.Decode(content); block == nil {
			break
		}
		material, err := publicKey(block)
		if err != nil {
			return nil, err
		}
		k, err := newKey("", "", material)
		if err != nil {
			return nil, err
		}
		if keys = append(keys, k); len(keys) > maxKeys {
			return nil, fmt.Errorf("there are more than %d keys", maxKeys)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("there is neither a PEM block nor a JWK in it")
	}
	return keys, nil
}

func publicKey(block *pem.Block) (material any, err error) {
	switch block.Type {
	case "PUBLIC KEY":
		material, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		material, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		var certificate *x509.Certificate
		if certificate, err = x509.ParseCertificate(block.Bytes); err == nil {
			material = certificate.PublicKey
		}
	case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY":
		return nil, errors.New("it holds a private key; a node needs the public one: openssl pkey -pubout")
	default:
		return nil, errors.New("it holds a PEM block that is no public key")
	}
	if err != nil {
		return nil, errors.New("a PEM block in it cannot be read")
	}
	return material, nil
}

// verifies says that a key is for checking signatures, as far as it says what it is for.
func verifies(k jwkset.JWKMarshal) bool {
	return (k.USE == "" || k.USE == jwkset.UseSig) && (len(k.KEYOPS) == 0 || slices.Contains(k.KEYOPS, jwkset.KeyOpsVerify))
}

// parseSet reads a JWK or a set. Keys for other uses, and of kinds that sign no
// tokens, are left out; secrets, too, unless they are allowed. There has to be one
// key that is fit.
func parseSet(content []byte, secrets bool) ([]key, error) {
	var set struct {
		Keys []jwkset.JWKMarshal `json:"keys"`
		jwkset.JWKMarshal
	}
	if err := json.Unmarshal(content, &set); err != nil {
		return nil, errors.New("it is not a set of JSON Web Keys")
	}
	all := set.Keys
	if set.KTY != "" {
		all = append(all, set.JWKMarshal)
	}
	if len(all) > maxKeys {
		return nil, fmt.Errorf("there are more than %d keys", maxKeys)
	}
	var keys []key
	failure := errors.New("there is no key in it that verifies signatures")
	for _, one := range all {
		if !verifies(one) || one.KTY == jwkset.KtyOct && !secrets {
			continue
		}
		one.X5U, one.X5C, one.X5T, one.X5TS256 = "", nil, "", ""
		parsed, err := jwkset.NewJWKFromMarshal(one, jwkset.JWKMarshalOptions{Private: one.KTY == jwkset.KtyOct}, jwkset.JWKValidateOptions{})
		if err != nil {
			failure = errors.New("a key in it cannot be read")
			continue
		}
		k, err := newKey(one.KID, string(one.ALG), parsed.Key())
		if err != nil {
			failure = err
			continue
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, failure
	}
	return keys, nil
}
