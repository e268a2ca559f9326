package front

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
)

// head is the first request of a connection while it is being received.
type head struct {
	path  string
	bytes []byte
	end   int // after the empty line; 0: the request is not one for us
}

// usualHead is a length in bytes that few heads exceed.
const usualHead = 2 << 10

var buffers = sync.Pool{New: func() any { return &head{bytes: make([]byte, 0, usualHead)} }}

func newHead(path string) *head {
	h := buffers.Get().(*head)
	h.path, h.bytes, h.end = path, h.bytes[:0], 0
	return h
}

func (h *head) release() {
	if cap(h.bytes) > usualHead {
		h.bytes = make([]byte, 0, usualHead)
	}
	buffers.Put(h)
}

// read receives until the head is there, or it is clear that the request is not
// ours: then end is 0. It fails when the client does not send one.
func (h *head) read(from io.Reader, limit int) error {
	for {
		if len(h.bytes) == cap(h.bytes) {
			grown := make([]byte, len(h.bytes), min(2*cap(h.bytes), limit))
			copy(grown, h.bytes)
			h.bytes = grown
		}
		n, err := from.Read(h.bytes[len(h.bytes):cap(h.bytes)])
		seen := len(h.bytes)
		h.bytes = h.bytes[:seen+n]
		if n == 0 && err != nil {
			return err
		}
		if !h.ours() || h.ended(seen) || len(h.bytes) >= limit {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// ours says whether what has come can be the beginning of a request for our path.
func (h *head) ours() bool {
	for i, want := range []byte("GET " + h.path) {
		if i == len(h.bytes) {
			return true
		}
		if h.bytes[i] != want {
			return false
		}
	}
	next := len("GET ") + len(h.path)
	return next == len(h.bytes) || h.bytes[next] == ' ' || h.bytes[next] == '?'
}

// ended looks for an empty line in what has come since so many bytes were there.
func (h *head) ended(seen int) bool {
	from := max(0, seen-3)
	if i := bytes.Index(h.bytes[from:], []byte("\r\n\r\n")); i >= 0 {
		h.end = from + i + 4
		return true
	}
	// Lines may end without a carriage return (RFC 9112 §2.2): net/http knows how.
	return bytes.Contains(h.bytes[from:], []byte("\n\n"))
}

func (h *head) received() []byte { return h.bytes }

// rest is what came after the head.
func (h *head) rest() []byte { return h.bytes[h.end:] }

var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 4<<10) }}

// request is the request, or nil when it is net/http's.
func (h *head) request() *http.Request {
	if h.end == 0 || !h.ours() || !plain(h.bytes[:h.end]) {
		return nil
	}
	in := readers.Get().(*bufio.Reader)
	defer readers.Put(in)
	in.Reset(bytes.NewReader(h.bytes[:h.end]))
	defer in.Reset(nil)
	r, err := http.ReadRequest(in)
	if err != nil || !errors.Is(drained(in), io.EOF) {
		return nil
	}
	if r.Proto != "HTTP/1.1" || r.Host == "" || r.ContentLength != 0 || len(r.TransferEncoding) > 0 || len(r.Trailer) > 0 ||
		r.Header["Expect"] != nil || r.Header["Content-Length"] != nil || r.URL.Path != h.path {
		return nil
	}
	return r
}

func drained(in *bufio.Reader) error {
	_, err := in.Peek(1)
	return err
}

// plain says whether a head has one Host, and nothing but lines of a usual name and
// a value without control characters.
func plain(head []byte) bool {
	lines := bytes.SplitSeq(bytes.TrimSuffix(head, []byte("\r\n\r\n")), []byte("\r\n"))
	hosts, first := 0, true
	for line := range lines {
		if !printable(line) {
			return false
		}
		if first {
			first = false
			continue
		}
		name, value, found := bytes.Cut(line, []byte(":"))
		if !found || !only(name, "-_") {
			return false
		}
		if bytes.EqualFold(name, []byte("Host")) {
			if hosts++; !only(bytes.TrimSpace(value), "-_.:[]") {
				return false
			}
		}
	}
	return hosts == 1
}

func printable(text []byte) bool {
	for _, c := range text {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// only says whether a text is there and has nothing but letters of ASCII, digits
// and the given others.
func only(text []byte, others string) bool {
	for _, c := range text {
		if lower := c | 0x20; (lower < 'a' || lower > 'z') && (c < '0' || c > '9') && strings.IndexByte(others, c) < 0 {
			return false
		}
	}
	return len(text) > 0
}
