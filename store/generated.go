package store

import (
	"strconv"
	"strings"
)

// GeneratedID is the id of a message whose publisher gave none. It is derived
// from the message's place, so it costs no storage, and a publisher that sends it
// again is recognised (see ParseGeneratedID). Channels share an epoch, so the
// channel's name is in it, too, as a hash: no two messages have the same id.
func GeneratedID(epoch, channel string, seq uint64) string {
	id := make([]byte, 0, 64)
	id = appendPrefix(id, epoch, channel)
	return string(strconv.AppendUint(id, seq, 10))
}

// ParseGeneratedID is the inverse of GeneratedID for the given epoch and channel.
// It says false for an id that GeneratedID cannot have made for them.
func ParseGeneratedID(epoch, channel, id string) (seq uint64, ok bool) {
	digits, ok := strings.CutPrefix(id, string(appendPrefix(make([]byte, 0, 64), epoch, channel)))
	if !ok || digits == "" || digits[0] == '0' || digits[0] == '+' {
		return 0, false
	}
	seq, err := strconv.ParseUint(digits, 10, 63)
	return seq, err == nil
}

func appendPrefix(id []byte, epoch, channel string) []byte {
	id = append(append(id, epoch...), '-')
	return append(strconv.AppendUint(id, hash(channel), 36), '-')
}

// hash is FNV-1a of 64 bits, which must never change: ids are made with it.
func hash(text string) uint64 {
	sum := uint64(14695981039346656037)
	for i := range len(text) {
		sum = (sum ^ uint64(text[i])) * 1099511628211
	}
	return sum
}
