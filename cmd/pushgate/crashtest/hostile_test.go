package crashtest

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	random "math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"

	"pushgate/cmd/pushgate/pushgatetest"
)

// frozen clients, each with a copy of what is published in the test, would take
// a multiple of the memory that the server may.
const frozen = 40

func TestHealthySubscriberDoesNotNoticeBadOnes(t *testing.T) {
	t.Parallel()
	chance := newChance(t)
	n := start(t)
	n.subscription("ada", "news")
	ada := follow(t, n.socket, "ada", chance.generator())
	ada.waitConnected(1)

	freeze(t, n, frozen)
	ctx, cancel := context.WithCancel(t.Context())
	var bad sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		bad.Wait()
	})
	var visits sync.WaitGroup
	for _, behave := range []behaviour{vanish, babble, half, knock, return10} {
		for i := range 4 {
			visits.Add(1)
			visited := sync.OnceFunc(visits.Done)
			random := chance.generator()
			bad.Go(func() {
				defer visited()
				for visit := 0; ctx.Err() == nil; visit++ {
					if visit == 3 {
						visited()
					}
					if err := behave(ctx, n, i, random); err != nil && ctx.Err() == nil {
						t.Errorf("a bad client could not even begin: %v", err)
						return
					}
				}
			})
		}
	}
	l := newLedger(t)
	finish := press(t, &publisher{
		t: t, name: "big", ledger: l, channels: []string{"news"}, by: batch(n.publish), random: chance.generator(), padding: 16 << 10,
	})
	l.waitPublished(load(3000))
	visits.Wait()
	finish()
	l.verifyReceived(ada)
	ada.noGaps()
	if ada.times() != 1 {
		t.Errorf("the healthy subscriber was cut off: %d connections", ada.times())
	}
	t.Logf("%d messages, %d MiB", l.published(), l.bytes()>>20)
	if runtime.GOOS == "linux" {
		n.checkMemory()
	}
}

// behaviour is one visit of a bad client. It fails only if the server is not
// there for it.
type behaviour func(ctx context.Context, n *node, client int, random *random.Rand) error

// pace is the time between two visits.
const pace = 100 * time.Millisecond

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// vanish reads a little and breaks the TCP connection off.
func vanish(ctx context.Context, n *node, client int, random *random.Rand) error {
	conn, r, err := upgrade(n, fmt.Sprintf("channel=news&subscriber=vanish%d", client))
	if err != nil {
		return err
	}
	_, _ = io.CopyN(io.Discard, r, int64(random.IntN(100<<10)))
	_ = conn.SetLinger(0)
	_ = conn.Close()
	pause(ctx, pace/10)
	return nil
}

// freeze connects clients that never read; every other one is not durable.
func freeze(t *testing.T, n *node, clients int) {
	t.Helper()
	for i := range clients {
		query := "channel=news"
		if i%2 == 0 {
			query += fmt.Sprintf("&subscriber=frozen%d", i)
		}
		conn, _, err := upgrade(n, query)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
}

// babble sends what is no WebSocket frame.
func babble(ctx context.Context, n *node, client int, random *random.Rand) error {
	conn, r, err := upgrade(n, fmt.Sprintf("channel=news&subscriber=babble%d", client))
	if err != nil {
		return err
	}
	garbage := make([]byte, 1+random.IntN(64<<10))
	_, _ = rand.Read(garbage)
	_, _ = conn.Write(garbage)
	_ = conn.SetReadDeadline(time.Now().Add(pace))
	_, _ = io.Copy(io.Discard, r)
	return conn.Close()
}

// half announces a frame and sends a part of it.
func half(ctx context.Context, n *node, client int, random *random.Rand) error {
	conn, _, err := upgrade(n, fmt.Sprintf("channel=news&subscriber=half%d", client))
	if err != nil {
		return err
	}
	header := []byte{0x81, 0xfe, byte(random.IntN(256)), byte(random.IntN(256)), 1, 2, 3, 4}
	if random.IntN(2) == 0 {
		header = []byte{0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4}
	}
	_, _ = conn.Write(append(header, make([]byte, random.IntN(200))...))
	pause(ctx, pace)
	return conn.Close()
}

// knock does not even speak HTTP.
func knock(ctx context.Context, n *node, _ int, random *random.Rand) error {
	conn, err := net.Dial("tcp", n.http[len("http://"):])
	if err != nil {
		return err
	}
	garbage := make([]byte, 1+random.IntN(8<<10))
	_, _ = rand.Read(garbage)
	_, _ = conn.Write(garbage)
	pause(ctx, pace/4)
	return conn.Close()
}

// return10 connects ten times a second, under one name.
func return10(ctx context.Context, n *node, client int, _ *random.Rand) error {
	c, err := connect(ctx, n.t, n.socket+"?channel=news&subscriber=often", nil)
	if err != nil {
		return err
	}
	_, _ = c.read(ctx)
	_ = c.socket.CloseNow()
	pause(ctx, pace)
	return nil
}

// upgrade opens a WebSocket by hand, with a small receive buffer, and leaves
// the connection to the caller.
func upgrade(n *node, query string) (*net.TCPConn, *bufio.Reader, error) {
	raw, err := net.Dial("tcp", n.http[len("http://"):])
	if err != nil {
		return nil, nil, err
	}
	conn := raw.(*net.TCPConn)
	_ = conn.SetReadBuffer(4 << 10)
	_ = conn.SetDeadline(time.Now().Add(pushgatetest.Patience))
	_, _ = fmt.Fprintf(conn, "GET /ws?%s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", query)
	r := bufio.NewReader(conn)
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		_ = conn.Close()
		return nil, nil, err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusSwitchingProtocols {
		_ = conn.Close()
		return nil, nil, fmt.Errorf("HTTP %s", response.Status)
	}
	return conn, r, nil
}
