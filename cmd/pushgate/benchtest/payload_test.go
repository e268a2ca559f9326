//go:build linux

package benchtest

import (
	"fmt"
	"strings"
	"time"
)

// payloadSize is the length of every measured payload in bytes.
const payloadSize = 128

// payload says who publishes it, how many that one has published, and when.
func payload(publisher, k int) []byte {
	text := fmt.Appendf(make([]byte, 0, payloadSize), `{"p":%d,"k":%d,"at":%d,"x":"`, publisher, k, time.Now().UnixNano())
	text = append(text, filling[:payloadSize-len(text)-len(`"}`)]...)
	return append(text, `"}`...)
}

var filling = strings.Repeat("abcdefghijklmnopqrstuvwxyz", 1+payloadSize/26)

// farewell ends a measurement, for those who get it. It is short.
var farewell = []byte(`0`)
