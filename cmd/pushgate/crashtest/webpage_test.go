package crashtest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// applicationPage is what the README tells the author of a web page to do.
const applicationPage = `<!doctype html><pre id="log"></pre><script>
const ws = new WebSocket("%s?channel=news&subscriber=ada")
ws.onmessage = ({ data }) => {
  document.getElementById("log").textContent += data + "\n"
  const frame = JSON.parse(data)
  if (frame.type !== "message") return
  ws.send(JSON.stringify({ type: "ack", channel: frame.channel, seq: frame.seq }))
}
</script>`

func TestWebPageGetsWhatItMissed(t *testing.T) {
	t.Parallel()
	p := startBrowser(t).open()
	n := start(t)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, fmt.Sprintf(applicationPage, n.socket))
	}))
	t.Cleanup(site.Close)
	receipts := n.watchDeliveries("news")

	p.visit(site.URL)
	p.waitLog(`"type":"subscribed"`)
	n.send("news", `{"n":1}`)
	p.waitLog(`"data":{"n":1}`)
	receipts.acked("ada", 1)

	p.visit("about:blank")
	n.waitNobody()
	n.send("news", `{"n":2}`)
	p.visit(site.URL)
	p.lacks(p.waitLog(`"data":{"n":2}`), `"data":{"n":1}`)
	receipts.acked("ada", 2)

	p.reload()
	p.waitLog(`"type":"connected"`)
	n.send("news", `{"n":3}`)
	p.lacks(p.waitLog(`"data":{"n":3}`), `"data":{"n":2}`)
	receipts.acked("ada", 3)

	// The server dies, a message is published, and the page comes back.
	n.Kill()
	n.Restart()
	n.send("news", `{"n":4}`)
	p.reload()
	p.lacks(p.waitLog(`"data":{"n":4}`), `"data":{"n":3}`)
}

func TestTryItPageGetsWhatItMissed(t *testing.T) {
	t.Parallel()
	p := startBrowser(t).open()
	n := start(t)
	receipts := n.watchDeliveries("tried")
	connect := func() {
		t.Helper()
		p.run(`document.getElementById('channel').value = 'tried';
			document.getElementById('subscriber').value = 'eve';
			document.querySelector('button').click(); ''`)
	}

	p.visit(n.http + "/")
	connect()
	p.waitLog(`"type":"subscribed"`)
	n.send("tried", `{"n":1}`)
	p.waitLog(`"data":{"n":1}`)
	receipts.acked("eve", 1)

	p.reload()
	n.waitNobody()
	n.send("tried", `{"n":2}`)
	connect()
	p.lacks(p.waitLog(`"data":{"n":2}`), `"data":{"n":1}`)
}

// waitNobody waits until the last connection is gone.
func (n *node) waitNobody() {
	n.t.Helper()
	poll(n.t, "no connection is left", func() bool { return n.metric("pushgate_connections") == "0" })
}
