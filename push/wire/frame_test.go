package wire

import (
	"bytes"
	"testing"
)

// A message's frame is the same whichever way it is made, says what the message
// said, and keeps a payload that stands in it as it is only once.
func TestEncodeMessage(t *testing.T) {
	long := bytes.Repeat([]byte(`"é<\n",`), 20_000)
	for name, m := range map[string]Message{
		"JSON":             {Channel: "a", Data: []byte(`{"a": 1.0}`)},
		"JSON and the lot": {Channel: "a\"\xff", Seq: 7, ID: "i<\x01", Data: append(append([]byte(`[`), long...), `1]`...), ContentType: "application/geo+json", Headers: []byte(`{"a":"é"}`), TimeMillis: 1},
		"text":             {Channel: "a", Data: long, ContentType: "text/plain", Headers: []byte(`{"a":"b"}`)},
		"binary":           {Channel: "a", Data: []byte{0, 1, 2}, ContentType: "application/octet-stream"},
		"JSON that is not": {Channel: "a", Data: []byte("\xff")},
		"nothing":          {Channel: "a", ContentType: "text/plain"},
	} {
		t.Run(name, func(t *testing.T) {
			want := bytes.Clone(m.Data)
			plain, f := Encode(&m), EncodeMessage(m)
			if !bytes.Equal(f.Bytes, plain.Bytes) {
				t.Errorf("%s\nis not\n%s", f.Bytes, plain.Bytes)
			}
			clear(m.Data) // it is the caller's again if the frame has it
			said := f.Event.(*Message)
			shared := IsJSON(m.ContentType) && name != "JSON that is not"
			if got := bytes.Equal(said.Data, want); got != (shared || len(want) == 0) {
				t.Errorf("the payload %q is shared with the frame: %t", said.Data, got)
			}
		})
	}
}
