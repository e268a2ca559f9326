package crashtest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// compressedPage logs what was negotiated and how long messages are, and sends
// what is said to it: browsers compress every frame once that is negotiated.
const compressedPage = `<!doctype html><pre id="log"></pre><script>
const log = text => { document.getElementById("log").textContent += text + "\n" }
const ws = new WebSocket("%s?channel=news&subscriber=ada")
ws.onopen = () => log("extensions: " + ws.extensions)
ws.onclose = ({ code }) => log("closed: " + code)
ws.onmessage = ({ data }) => {
  const frame = JSON.parse(data)
  if (frame.type !== "message") { log(data); return }
  log("message " + frame.seq + " of " + frame.data.text.length + ", " + (frame.data.text === "täglich ".repeat(frame.data.times)))
  ws.send(JSON.stringify({ type: "ack", channel: frame.channel, seq: frame.seq }))
}
</script>`

func TestBrowserWithCompression(t *testing.T) {
	t.Parallel()
	p := startBrowser(t).open()
	n := start(t, "--http-compression")
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, fmt.Sprintf(compressedPage, n.socket))
	}))
	t.Cleanup(site.Close)
	receipts := n.watchDeliveries("news")

	p.visit(site.URL)
	p.waitLog(`"type":"subscribed"`, "extensions: permessage-deflate")
	for seq, times := range []int{1, 50, 200, 10_000} {
		n.send("news", fmt.Sprintf(`{"times":%d,"text":%q}`, times, strings.Repeat("täglich ", times)))
		p.waitLog(fmt.Sprintf("message %d of %d, true", seq+1, 8*times))
		receipts.acked("ada", uint64(seq+1))
	}
	if got := n.metric("pushgate_compressed_messages_total"); got != "2" {
		t.Errorf("%s messages were compressed, want those above the threshold", got)
	}

	p.run(`ws.send(JSON.stringify({ type: "ping", id: 7, pad: "x".repeat(60000) })); ''`)
	p.waitLog(`{"type":"pong","id":7}`)
	p.run(`ws.send(JSON.stringify({ type: "ping", id: 8, pad: "x".repeat(10000000) })); ''`)
	p.waitLog(`"code":1009,"reason":"frame too big"`, "closed: 1009")
}
