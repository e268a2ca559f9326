package crashtest

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"

	"google.golang.org/grpc"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
)

// waitHealth waits until grpc.health says so of a service; "" is the whole node.
func (n *node) waitHealth(service string, want healthv1.HealthCheckResponse_ServingStatus) {
	n.t.Helper()
	watch, err := healthv1.NewHealthClient(n.conn).Watch(limited(n.t), &healthv1.HealthCheckRequest{Service: service}, grpc.WaitForReady(true))
	if err != nil {
		n.t.Fatal(err)
	}
	for {
		r, err := watch.Recv()
		if err != nil {
			n.t.Fatalf("waiting for %s of %q: %v", want, service, err)
		}
		if r.GetStatus() == want {
			return
		}
	}
}

// get answers the status and the reasons of a health page.
func (n *node) get(path string) (status int, reasons []string) {
	n.t.Helper()
	response := n.fetch(path)
	defer func() { _ = response.Body.Close() }()
	var body struct{ Reasons []string }
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		n.t.Fatalf("%s: %v", path, err)
	}
	return response.StatusCode, body.Reasons
}

// metric answers a metric without labels.
func (n *node) metric(name string) string {
	n.t.Helper()
	response := n.fetch("/metrics")
	defer func() { _ = response.Body.Close() }()
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if value, found := strings.CutPrefix(lines.Text(), name+" "); found {
			return value
		}
	}
	n.t.Fatalf("/metrics has no %s", name)
	return ""
}

func (n *node) fetch(path string) *http.Response {
	n.t.Helper()
	request, err := http.NewRequestWithContext(limited(n.t), http.MethodGet, n.http+path, nil)
	if err != nil {
		n.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		n.t.Fatal(err)
	}
	return response
}
