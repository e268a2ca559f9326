package crashtest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	pb "pushgate/proto/gen/pushgate/v1"
)

// tokenPage is what docs/protocol.md tells the author of a page that has tokens: it shows
// the first in the subprotocol or, with #late, by a frame, and asks its own backend for
// another whenever the server says that it expires.
const tokenPage = `<!doctype html><pre id="log"></pre><script>
const log = text => { document.getElementById("log").textContent += text + "\n" }
const fresh = async () => (await fetch("/token")).text()
let ws
const connect = async () => {
  const late = location.hash === "#late"
  const token = await fresh()
  ws = new WebSocket("%s?channel=orders:1&channel=secrets:1", late ? [] : ["pushgate.v1.json", "pushgate.token." + token])
  ws.onopen = () => {
    log("protocol: " + ws.protocol)
    if (late) ws.send(JSON.stringify({ type: "auth", id: 1, token }))
  }
  ws.onclose = ({ code, reason }) => log("closed: " + code + " " + reason)
  ws.onmessage = async ({ data }) => {
    log(data)
    const frame = JSON.parse(data)
    if (frame.type === "message") ws.send(JSON.stringify({ type: "ack", channel: frame.channel, seq: frame.seq }))
    if (frame.type === "tokenExpiring") ws.send(JSON.stringify({ type: "auth", id: 2, token: await fresh() }))
  }
}
connect()
</script>`

func TestBrowserWithTokens(t *testing.T) {
	t.Parallel()
	b := startBrowser(t)
	n := start(t, "--token-secret", tokenSecret, "--token-notice", "1h")
	// Each page gets one first that expires within the notice, and then one that does not.
	tokens := [2]string{token(t, "ada", "--expires", "30m"), token(t, "ada", "--expires", "3h")}
	var asked atomic.Int64
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			_, _ = io.WriteString(w, tokens[(asked.Add(1)-1)%2])
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, tokenPage, n.socket)
	}))
	t.Cleanup(site.Close)
	receipts := n.watchDeliveries("orders:1")

	pages := map[string]*page{}
	for seq, fragment := range []string{"", "#late"} {
		p := b.open()
		pages[fragment] = p
		p.visit(site.URL + "/" + fragment)
		p.waitLog(`"type":"subscribed","channel":"orders:1"`, `you may not subscribe to \"secrets:1\"`, `"type":"tokenExpiring"`, `{"type":"authenticated","id":2,"subscriber":"ada"`)
		n.send("orders:1", fmt.Sprintf(`{"n":%d}`, seq))
		n.send("secrets:1", `"secret"`)
		p.lacks(p.waitLog(fmt.Sprintf(`"data":{"n":%d}`, seq)), `"secret"`)
		receipts.acked("ada", uint64(seq+1))
	}
	pages[""].waitLog("protocol: pushgate.v1.json\n")

	if _, err := n.control.RevokeTokens(limited(t), &pb.RevokeTokensRequest{Subscriber: "ada"}); err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		p.waitLog(`"code":4401,"reason":"token revoked"`, "closed: 4401 token revoked")
	}
}
