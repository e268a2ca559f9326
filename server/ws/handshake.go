package ws

import (
	"encoding/base64"
	"net/http"
	"strings"

	"pushgate/push/wire"
)

// asksToUpgrade checks a request for what RFC 6455 §4.2.1 wants of it, before
// anything is done for the client, and answers it when that is missing.
func asksToUpgrade(w http.ResponseWriter, r *http.Request) bool {
	switch key, _ := base64.StdEncoding.DecodeString(r.Header.Get("Sec-WebSocket-Key")); {
	case r.ProtoMajor != 1 || !has(r.Header, "Connection", "upgrade") || !has(r.Header, "Upgrade", "websocket"):
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
		refuse(w, http.StatusUpgradeRequired, wire.CodeInvalidArgument, "this is a WebSocket endpoint; connect by a WebSocket client (HTTP/1.1)", 0)
	case r.Header.Get("Sec-WebSocket-Version") != "13":
		w.Header().Set("Sec-WebSocket-Version", "13")
		refuse(w, http.StatusUpgradeRequired, wire.CodeInvalidArgument, "Sec-WebSocket-Version has to be 13", 0)
	case len(key) != 16:
		refuse(w, http.StatusBadRequest, wire.CodeInvalidArgument, "Sec-WebSocket-Key has to be 16 bytes in base64", 0)
	default:
		return true
	}
	return false
}

// has says whether a header's comma-separated list has a word.
func has(h http.Header, name, word string) bool {
	for _, line := range h.Values(name) {
		for item := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(item), word) {
				return true
			}
		}
	}
	return false
}
