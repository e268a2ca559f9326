package pushgatetest

import (
	"io"
	"net/http"
	"regexp"
	"strconv"
	"time"
)

// Metric answers the value of a series as /metrics writes it, name{labels}, or 0
// when there is none yet.
func (s *Server) Metric(series string) float64 {
	s.t.Helper()
	response, err := http.Get("http://" + s.HTTP + "/metrics")
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(series) + ` (\S+)$`).FindSubmatch(text)
	if found == nil {
		return 0
	}
	value, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return value
}

// WaitMetric waits until a series has a value that is wanted.
func (s *Server) WaitMetric(series string, wanted func(float64) bool) {
	s.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var value float64
	for deadline := time.Now().Add(Patience); time.Now().Before(deadline); <-tick.C {
		if value = s.Metric(series); wanted(value) {
			return
		}
	}
	s.t.Fatalf("after %s %s is %v", Patience, series, value)
}
