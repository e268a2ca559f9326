package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzDecode compares Decode with what encoding/json reads from the same frame.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"type":"ack","channel":"news","seq":42}`,
		`{"type":"auth","id":1,"token":"abc"}`,
		`{"type":"subscribe","id":1,"channel":"a","durable":true,"from":"cursor","epoch":"e","window":4096}`,
		`{"type":"subscribe","id":1,"channel":"\ud83d\ude00\ud800\u0041","durable":null,"from":7,"window":0}`,
		`{"type":"unsubscribe","id":-1.5e+3,"channel":"a","forget":true}`,
		"{\"type\":\"publish\",\"id\":1,\"channel\":\"a\",\"data\": {\"z\":1.0,\"a\":[ 1e2,\"\\b\"]} ,\"messageId\":\"m\"}\n",
		`{"type":"ping","id":null,"id":2,"Id":3}`,
		`{"\u0074ype":"dance","":[[],{},{"x":[true,false,null]}]}`,
		`{"type":"ping"}x`, `{"type":"ping",}`, `[{}]`, "{\"type\":\"\xff\"}", `{"a":-}`, `{"a":01.e}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		before := bytes.Clone(frame)
		got, err := Decode(frame)
		if !bytes.Equal(frame, before) {
			t.Fatal("Decode changed the frame")
		}
		var wrong *RequestError
		if err != nil && !errors.As(err, &wrong) {
			t.Fatalf("%T is no RequestError", err)
		}

		var members map[string]json.RawMessage
		wellFormed := utf8.Valid(frame) && depthOf(frame) <= 128 && json.Unmarshal(frame, &members) == nil && members != nil
		if !wellFormed {
			if wrong == nil || !wrong.Malformed {
				t.Fatalf("a malformed frame gave %+v, %v", got, err)
			}
			return
		}
		want, ok := reference(members)
		switch {
		case wrong != nil && wrong.Malformed:
			t.Fatalf("a well-formed frame gave %v", err)
		case wrong != nil && ok:
			t.Fatalf("refused with %v, want %+v", err, want)
		case wrong == nil && !ok:
			t.Fatalf("accepted as %+v", got)
		case wrong != nil:
			if id, _ := referenceID(members); wrong.ID != id || !utf8.ValidString(wrong.Message) {
				t.Fatalf("the error carries id %q, want %q", wrong.ID, id)
			}
		default:
			compareRequests(t, got, want)
		}
	})
}

func compareRequests(t *testing.T, got, want Request) {
	t.Helper()
	if (got.Durable == nil) != (want.Durable == nil) || got.Durable != nil && *got.Durable != *want.Durable {
		t.Fatalf("got durable %v, want %v", got.Durable, want.Durable)
	}
	if !bytes.Equal(got.Data, want.Data) {
		t.Fatalf("got data %q, want %q", got.Data, want.Data)
	}
	got.Durable, got.Data, want.Durable, want.Data = nil, nil, nil, nil
	if a, b := flat(got), flat(want); a != b {
		t.Fatalf("got  %s\nwant %s", a, b)
	}
}

func flat(r Request) string {
	text, err := json.Marshal(r)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// depthOf counts the nesting of what may not be JSON at all.
func depthOf(frame []byte) (deepest int) {
	d := json.NewDecoder(bytes.NewReader(frame))
	for depth := 0; ; {
		token, err := d.Token()
		if err != nil {
			return deepest
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
			deepest = max(deepest, depth)
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}

// reference reads the members by the protocol's rules, in the plainest way that encoding/json offers.
func reference(members map[string]json.RawMessage) (r Request, ok bool) {
	absent := func(key string) bool { return members[key] == nil || string(members[key]) == "null" }
	text := func(key string, least, most int) string {
		var s string
		if !absent(key) && json.Unmarshal(members[key], &s) != nil {
			ok = false
		}
		if len(s) < least || len(s) > most {
			ok = false
		}
		return s
	}
	boolean := func(key string) bool {
		var b bool
		if !absent(key) && json.Unmarshal(members[key], &b) != nil {
			ok = false
		}
		return b
	}
	whole := func(key string, most int64) uint64 {
		n, isWhole := new(big.Int).SetString(string(members[key]), 10)
		if !isWhole || strings.HasPrefix(string(members[key]), "-") || n.Cmp(big.NewInt(most)) > 0 {
			ok = false
			return 0
		}
		return n.Uint64()
	}

	ok = true
	if absent("type") {
		return r, false
	}
	if r.Type = text("type", 0, 1<<30); !ok {
		return r, false
	}
	var idOK bool
	if r.ID, idOK = referenceID(members); !idOK && r.Type != TypeAck {
		switch r.Type {
		case TypeAuth, TypeSubscribe, TypeUnsubscribe, TypePublish, TypePing:
			return r, false
		}
	}
	switch r.Type {
	case TypeAuth:
		r.Token = text("token", 1, MaxToken)
	case TypeAck:
		r.Channel, r.Seq = text("channel", 1, MaxChannel), whole("seq", MaxSeq)
	case TypeUnsubscribe:
		r.Channel, r.Forget = text("channel", 1, MaxChannel), boolean("forget")
	case TypePublish:
		r.Channel, r.MessageID = text("channel", 1, MaxChannel), text("messageId", 0, MaxMessageID)
		r.Data = members["data"]
		ok = ok && r.Data != nil
	case TypeSubscribe:
		r.Channel, r.Epoch = text("channel", 1, MaxChannel), text("epoch", 0, MaxEpoch)
		if durable := boolean("durable"); !absent("durable") {
			r.Durable = &durable
		}
		if !absent("window") {
			r.Window = int(whole("window", MaxWindow))
		}
		if absent("from") {
			break
		}
		if members["from"][0] != '"' {
			r.From = From{Mode: FromSeq, Seq: whole("from", MaxSeq)}
			break
		}
		mode, known := map[string]FromMode{"cursor": FromCursor, "new": FromNew, "earliest": FromEarliest}[text("from", 1, 1<<30)]
		r.From.Mode, ok = mode, ok && known
	}
	return r, ok
}

func referenceID(members map[string]json.RawMessage) (id ID, ok bool) {
	raw := members["id"]
	var n *json.Number
	if raw == nil || raw[0] != '"' && json.Unmarshal(raw, &n) == nil && n == nil {
		return "", true
	}
	if n == nil || len(*n) > 32 {
		return "", false
	}
	return ID(*n), true
}

// FuzzEncodeMessage encodes a message that the publisher's checks let through, and reads it back.
func FuzzEncodeMessage(f *testing.F) {
	f.Add("news", uint64(1), "m1", []byte(`{"b":1.0, "a":1e2}`), "", "k", "v", int64(1700000000000))
	f.Add("a\"\\", uint64(0), "", []byte("hä\n\u2028"), "text/plain; charset=utf-8", "", "", int64(-1))
	f.Add("\xff", uint64(MaxSeq), "\x00", []byte("h\xe4"), "text/plain", "\xff", "\"", int64(0))
	f.Add("x", uint64(5), "", []byte{0, 255}, "image/png", "", "", int64(0))
	f.Add("x", uint64(5), "", []byte("[1, 2]\n"), "a/b+json", "", "", int64(0))
	f.Add("x", uint64(5), "", []byte(" \"\xff\""), "application/json;x", "", "", int64(0))
	f.Fuzz(func(t *testing.T, channel string, seq uint64, id string, data []byte, contentType, key, value string, millis int64) {
		valid := ValidJSON(data)
		if IsJSON(contentType) && !valid && utf8.Valid(data) && len(data) > 0 {
			contentType = "application/octet-stream"
		}
		headers, err := json.Marshal(map[string]string{key: value})
		if err != nil {
			t.Fatal(err)
		}
		m := &Message{Channel: channel, Seq: seq, ID: id, Data: data, ContentType: contentType, Headers: headers, TimeMillis: millis}
		frame := Encode(m)
		payload := frame.Payload()
		if !json.Valid(payload) || !utf8.Valid(payload) {
			t.Fatalf("%q is not JSON in UTF-8", payload)
		}
		if length, header := headerOf(frame.Bytes); length != len(payload) || header != len(frame.Bytes)-length {
			t.Fatalf("the header of %d bytes says %d bytes, the payload has %d", header, length, len(payload))
		}

		var got struct {
			Type, Channel, MessageID, ContentType string

			Seq     uint64
			Time    int64
			Data    json.RawMessage
			Data64  []byte
			Headers json.RawMessage
		}
		d := json.NewDecoder(bytes.NewReader(payload))
		d.DisallowUnknownFields()
		if err := d.Decode(&got); err != nil {
			t.Fatal(err)
		}
		clean := func(s string) string { return string([]rune(s)) }
		if got.Type != "message" || got.Channel != clean(channel) || got.Seq != seq || got.MessageID != clean(id) ||
			got.Time != millis || !bytes.Equal(got.Headers, headers) {
			t.Fatalf("%s from %+v", payload, m)
		}
		if !isPlainJSON(contentType) && got.ContentType != clean(contentType) {
			t.Fatalf("%s from %+v", payload, m)
		}

		var text string
		switch {
		case IsJSON(contentType) && valid:
			if !bytes.Equal(got.Data, bytes.Trim(data, " \t\r\n")) || !bytes.Contains(payload, data) {
				t.Fatalf("data is %q, want %q", got.Data, data)
			}
		case isText(contentType) && utf8.Valid(data) && !IsJSON(contentType):
			if err := json.Unmarshal(got.Data, &text); err != nil || text != string(data) {
				t.Fatalf("the text is %q (%v), want %q", text, err, data)
			}
		default:
			if got.Data != nil || !bytes.Equal(got.Data64, data) {
				t.Fatalf("data64 is %q, want %q", got.Data64, data)
			}
		}
	})
}

// headerOf reads a frame's header as RFC 6455 §5.2 says.
func headerOf(frame []byte) (payload, header int) {
	follow := map[byte]int{126: 2, 127: 8}[frame[1]]
	if follow == 0 {
		return int(frame[1]), 2
	}
	return int(new(big.Int).SetBytes(frame[2 : 2+follow]).Uint64()), 2 + follow
}
