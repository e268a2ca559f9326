package web

import (
	_ "embed"
	"net/http"
)

//go:embed try.html
var tryPage []byte

// tryIt serves a page that subscribes and shows what comes.
func tryIt(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	_, _ = w.Write(tryPage)
}
