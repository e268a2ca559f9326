package crashtest

import (
	"net/http"
	"strings"
	"testing"

	"pushgate/cmd/pushgate/pushgatetest"
	pb "pushgate/proto/gen/pushgate/v1"
)

const tokenSecret = "a secret of at least thirty-two bytes"

// token makes one with which a subscriber may use the orders.
func token(t *testing.T, subscriber string, args ...string) string {
	t.Helper()
	r := pushgatetest.Run(t, pushgatetest.Command{
		Args: append([]string{"token", "make", "--token-secret", tokenSecret, "--subscriber", subscriber, "--allow", "orders:*=subscribe,history"}, args...),
	})
	if r.Code != 0 {
		t.Fatal(r.Err)
	}
	return strings.TrimSpace(r.Out)
}

// What was answered holds on every node of the database, also when the one that
// answered dies right after.
func TestRevocationOutlivesItsNode(t *testing.T) {
	t.Parallel()
	a, b := startTwo(t, "--token-secret", tokenSecret)
	revoked, spared := token(t, "ada"), token(t, "eve")
	var there [2]*client
	for i, text := range []string{revoked, spared} {
		there[i] = dial(t, b.socket+"?access_token="+text)
		there[i].expect("connected")
	}
	if _, err := a.control.RevokeTokens(limited(t), &pb.RevokeTokensRequest{Subscriber: "ada"}); err != nil {
		t.Fatal(err)
	}
	a.Kill()
	if code := there[0].closed(); code != 4401 {
		t.Errorf("the revoked token's connection was closed with %d", code)
	}
	a.Restart()
	for _, n := range []*node{a, b} {
		_, err := connect(limited(t), t, n.socket+"?access_token="+revoked, nil)
		if refused, ok := err.(*errRefused); !ok || refused.status != http.StatusUnauthorized {
			t.Errorf("the revoked token: %v", err)
		}
		dial(t, n.socket+"?access_token="+spared).expect("connected")
	}
	there[1].send(map[string]any{"type": "ping"})
	there[1].expect("pong")
}
