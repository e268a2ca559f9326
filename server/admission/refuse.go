package admission

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// The parts of the answers, made once: a refusal is to cost as little as it can.
var (
	contentType = []string{"application/json"}
	closing     = []string{"close"}
	bodies      = make(map[Reason][]byte)
	seconds     [retryMost/time.Second + 1][]string
)

func init() {
	for _, reason := range reasons {
		body, _ := json.Marshal(map[string]string{"code": string(reason.code()), "message": reason.message()})
		bodies[reason] = append(body, '\n')
	}
	for s := range seconds {
		seconds[s] = []string{strconv.Itoa(s)}
	}
}

// Refuse answers a request that does not get in: 503 with Retry-After and a JSON
// body. The connection is closed after it: one that idles would take the file of
// somebody who could get in, and one that asks again and again would do so for
// less than it costs the node.
func (r Reason) Refuse(w http.ResponseWriter) {
	header := w.Header()
	header["Content-Type"] = contentType
	header["Connection"] = closing
	header["Retry-After"] = seconds[(retryAfter()+time.Second-1)/time.Second]
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write(bodies[r])
}
