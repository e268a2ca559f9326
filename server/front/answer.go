package front

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// answer has the handler answer a request, and closes what it does not hijack.
func (f *Listener) answer(c net.Conn, r *http.Request, rest []byte) {
	ctx := context.Background()
	if f.options.Handshakes != nil {
		ctx = f.options.Handshakes.Context(ctx, c)
	}
	w := &response{conn: c, rest: rest, header: make(http.Header)}
	_ = c.SetWriteDeadline(time.Now().Add(f.options.Timeout))
	f.options.Handler.ServeHTTP(w, r.WithContext(ctx))
	if w.hijacked {
		if f.options.Handshakes != nil {
			f.options.Handshakes.End(c)
		}
		return
	}
	w.finish()
	f.drop(c)
}

// response is the http.ResponseWriter of one request. What is answered is short:
// it is sent as a whole.
type response struct {
	conn     net.Conn
	rest     []byte // what the client sent after its request
	header   http.Header
	status   int
	body     bytes.Buffer
	hijacked bool
}

func (w *response) Header() http.Header { return w.header }

// WriteHeader sends the head of a 101 at once; others wait for the body.
func (w *response) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	w.status = status
	if status == http.StatusSwitchingProtocols {
		_, _ = w.conn.Write(w.head(0)) // whoever cannot be written to is noticed by the next
	}
}

func (w *response) Write(p []byte) (int, error) {
	if w.hijacked {
		return 0, http.ErrHijacked
	}
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// head is the head of the answer, with room for a body.
func (w *response) head(body int) []byte {
	head := make([]byte, 0, usualAnswer+body)
	head = append(head, "HTTP/1.1 "...)
	head = strconv.AppendInt(head, int64(w.status), 10)
	head = append(append(head, ' '), http.StatusText(w.status)...)
	for name, values := range w.header {
		for _, value := range values {
			head = append(append(head, "\r\n"...), name...)
			head = append(append(head, ": "...), lines.Replace(value)...)
		}
	}
	return append(head, "\r\n\r\n"...)
}

// usualAnswer is a length in bytes that few heads of answers exceed.
const usualAnswer = 320

// lines keeps a value from being more than one line.
var lines = strings.NewReplacer("\r", " ", "\n", " ")

// finish sends the answer.
func (w *response) finish() {
	w.WriteHeader(http.StatusOK)
	w.header.Set("Connection", "close")
	w.header.Set("Content-Length", strconv.Itoa(w.body.Len()))
	w.header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	_, _ = w.conn.Write(append(w.head(w.body.Len()), w.body.Bytes()...)) // a client that is gone needs no answer
}

// Hijack implements http.Hijacker.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.hijacked {
		return nil, nil, http.ErrHijacked
	}
	if err := w.conn.SetDeadline(time.Time{}); err != nil {
		return nil, nil, errors.Join(errors.New("front: taking over the connection"), err)
	}
	w.hijacked = true
	received := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(w.rest), w.conn), max(len(w.rest), 16))
	_, _ = received.Peek(len(w.rest))
	return w.conn, bufio.NewReadWriter(received, bufio.NewWriterSize(w.conn, 16)), nil
}
