package rpc

import (
	"encoding/base64"
	"strings"

	"pushgate/push"
)

const defaultPage = 100

// pageSize is what a listing gives for a page_size: 0 asks for the default, and
// too much for as much as there can be.
func pageSize(asked uint32) int {
	if asked == 0 {
		return defaultPage
	}
	return int(min(asked, push.MaxPage))
}

// list is what a page token belongs to.
type list string

const (
	listConnections   list = "connections"
	listSubscriptions list = "subscriptions"
	listChannels      list = "channels"
	listMessages      list = "messages"
	listRevocations   list = "revocations"
)

// separator stands between the parts of a token; no name has it.
const separator = "\x00"

// token says where the next page starts: behind the key, in its parts, of the
// last row of this one.
func (l list) token(key ...string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(string(l) + separator + strings.Join(key, separator)))
}

// key reads a token of the list back into so many parts; all are empty for the
// first page.
func (l list) key(token string, parts int) ([]string, error) {
	if token == "" {
		return make([]string, parts), nil
	}
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return nil, errToken
	}
	name, rest, _ := strings.Cut(string(text), separator)
	key := strings.Split(rest, separator)
	if name != string(l) || len(key) != parts {
		return nil, errToken
	}
	for _, part := range key {
		if push.ValidateChannel(part) != nil {
			return nil, errToken
		}
	}
	return key, nil
}

var errToken = invalid("page_token", "page_token is not one of this list")

// cut leaves what belongs on a page of rows of which one more than its size was
// asked for, and says whether there is another page.
func cut[T any](rows []T, size int) (page []T, more bool) {
	if len(rows) > size {
		return rows[:size], true
	}
	return rows, false
}
