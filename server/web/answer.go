package web

import (
	"encoding/json"
	"net/http"
	"path"
	"strings"
)

// The values of the headers that every answer has, made once.
var (
	nosniff    = []string{"nosniff"}
	noReferrer = []string{"no-referrer"}
	noStore    = []string{"no-store"}
)

// secured tells browsers to take an answer for nothing but what it says it is, and
// everybody not to keep it.
func secured(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header["X-Content-Type-Options"] = nosniff
		header["Referrer-Policy"] = noReferrer
		header["Cache-Control"] = noStore
		h.ServeHTTP(w, r)
	})
}

// exact has nothing under paths that could be written shorter. The usual answer would be a
// redirect that repeats the query, and with it what is secret there.
func exact(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		clean := path.Clean(r.URL.Path)
		if clean != "/" && strings.HasSuffix(r.URL.Path, "/") {
			clean += "/"
		}
		if clean != r.URL.Path {
			answer(w, http.StatusNotFound, map[string]any{"code": "not_found", "message": "there is nothing under this path"})
			return
		}
		h.ServeHTTP(w, r)
	})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
