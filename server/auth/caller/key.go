package caller

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
)

// keyPrefix begins every key, so that tools which look for secrets in texts know one.
const keyPrefix = "pgk_"

// keyBytes is how many random bytes a key has. So many cannot be guessed: a fast hash
// of them is as good as a slow one.
const keyBytes = 32

// Hash is the SHA-256 of a key.
type Hash [sha256.Size]byte

// NewKey makes a key: pgk_ and 64 hexadecimal digits.
func NewKey() string {
	var secret [keyBytes]byte
	_, _ = rand.Read(secret[:]) // never fails
	return keyPrefix + hex.EncodeToString(secret[:])
}

// HashOf is what is stored of a key.
func HashOf(key string) Hash { return sha256.Sum256([]byte(key)) }

func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// ParseHash reads a hash from 64 hexadecimal digits. The error does not repeat them:
// they may be a key that stands in the wrong place.
func ParseHash(text string) (h Hash, err error) {
	if strings.HasPrefix(text, keyPrefix) {
		return h, errors.New("this is a key; write its hash instead, as pushgate key hash prints it")
	}
	if n, err := hex.Decode(h[:], []byte(text)); err != nil || n != len(h) {
		return h, errors.New("the hash of a key is its SHA-256 in 64 hexadecimal digits; pushgate key make prints one")
	}
	return h, nil
}
