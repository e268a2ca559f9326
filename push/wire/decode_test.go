package wire

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	for _, tt := range []struct {
		frame string
		want  Request
	}{
		{`{"type":"ack","channel":"news","seq":42}`, Request{Type: TypeAck, Channel: "news", Seq: 42}},
		{" {\t\"seq\" : 9007199254740991 ,\r\n\"channel\":\"ä\\u00e4\\n\\ud83d\\ude00\",\"type\":\"ack\" } ",
			Request{Type: TypeAck, Channel: "ää\n😀", Seq: MaxSeq}},
		{`{"type":"ack","channel":"a","seq":0,"id":"ignored","token":[{}],"from":1.5}`, Request{Type: TypeAck, Channel: "a"}},
		{`{"type":"ack","` + strings.Repeat(`\u0078`, 12) + `":1,"channel":"a","seq":0}`, Request{Type: TypeAck, Channel: "a"}},
		{`{"type":"ack","channel":"a","seq":0,"id":3}`, Request{Type: TypeAck, ID: "3", Channel: "a"}},
		{`{"type":"ack","channel":1,"channel":"a","seq":1,"seq":2}`, Request{Type: TypeAck, Channel: "a", Seq: 2}},
		{`{"type":"ack","channel":"a","seq":1,"Seq":2,"SEQ":"x","Type":"ping"}`, Request{Type: TypeAck, Channel: "a", Seq: 1}},
		{`{"\u0074\u0079\u0070\u0065":"\u0061ck","channe\u006C":"\"\\\/\b\f\n\r\t","seq":1}`,
			Request{Type: TypeAck, Channel: "\"\\/\b\f\n\r\t", Seq: 1}},
		{`{"type":"ack","channel":"\ud800\u0041\udc00\ud83dx","seq":1}`,
			Request{Type: TypeAck, Channel: "\ufffdA\ufffd\ufffdx", Seq: 1}},

		{`{"type":"ping"}`, Request{Type: TypePing}},
		{`{"type":"ping","id":-0.5E+10}`, Request{Type: TypePing, ID: "-0.5E+10"}},
		{`{"type":"ping","id":null}`, Request{Type: TypePing}},
		{`{"type":"ping","id":12345678901234567890123456789012}`,
			Request{Type: TypePing, ID: "12345678901234567890123456789012"}},

		{`{"type":"auth","id":1,"token":"abc"}`, Request{Type: TypeAuth, ID: "1", Token: "abc"}},
		{`{"type":"auth","token":"` + strings.Repeat("x", MaxToken) + `"}`,
			Request{Type: TypeAuth, Token: strings.Repeat("x", MaxToken)}},

		{`{"type":"subscribe","id":1,"channel":"a"}`, Request{Type: TypeSubscribe, ID: "1", Channel: "a"}},
		{`{"type":"subscribe","id":1,"channel":"a","durable":null,"from":null,"epoch":null,"window":null}`,
			Request{Type: TypeSubscribe, ID: "1", Channel: "a"}},
		{`{"type":"subscribe","id":1,"channel":"a","durable":true,"from":"cursor","epoch":"e","window":4096}`,
			Request{Type: TypeSubscribe, ID: "1", Channel: "a", Durable: new(true), From: From{Mode: FromCursor},
				Epoch: "e", Window: 4096}},
		{`{"type":"subscribe","id":1,"channel":"a","durable":false,"from":"new","window":0}`,
			Request{Type: TypeSubscribe, ID: "1", Channel: "a", Durable: new(false), From: From{Mode: FromNew}}},
		{`{"type":"subscribe","id":1,"channel":"a","from":"\u0065arliest","window":1}`,
			Request{Type: TypeSubscribe, ID: "1", Channel: "a", From: From{Mode: FromEarliest}, Window: 1}},
		{`{"type":"subscribe","id":1,"channel":"a","from":0}`,
			Request{Type: TypeSubscribe, ID: "1", Channel: "a", From: From{Mode: FromSeq}}},
		{`{"type":"subscribe","id":1,"channel":"a","from":9007199254740991}`,
			Request{Type: TypeSubscribe, ID: "1", Channel: "a", From: From{Mode: FromSeq, Seq: MaxSeq}}},

		{`{"type":"unsubscribe","id":1,"channel":"a"}`, Request{Type: TypeUnsubscribe, ID: "1", Channel: "a"}},
		{`{"type":"unsubscribe","id":1,"channel":"a","forget":true}`,
			Request{Type: TypeUnsubscribe, ID: "1", Channel: "a", Forget: true}},
		{`{"type":"unsubscribe","channel":"a","forget":false}`, Request{Type: TypeUnsubscribe, Channel: "a"}},

		{`{"type":"publish","id":1,"channel":"a","data": {"z":1.0,"a": [1e2 ,"\u00e4"]} ,"messageId":"m"}`,
			Request{Type: TypePublish, ID: "1", Channel: "a", Data: []byte(`{"z":1.0,"a": [1e2 ,"\u00e4"]}`), MessageID: "m"}},
		{`{"type":"publish","id":1,"channel":"a","data":null}`,
			Request{Type: TypePublish, ID: "1", Channel: "a", Data: []byte("null")}},

		{`{"type":"dance","id":9,"channel":5}`, Request{Type: "dance", ID: "9"}},
		{`{"type":"dance","id":"x"}`, Request{Type: "dance"}},
		{`{"type":"","id":1}`, Request{ID: "1"}},
		{`{"type":"Ack"}`, Request{Type: "Ack"}},
		{`{"type":"ping","x":` + strings.Repeat("[", 127) + strings.Repeat("]", 127) + `}`, Request{Type: TypePing}},
	} {
		got, err := Decode([]byte(tt.frame))
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%.200s\ngot  %+v, %v\nwant %+v", tt.frame, got, err, tt.want)
		}
	}
}

func TestDecodeRejects(t *testing.T) {
	const (
		syntax  = "the frame is not one valid JSON object"
		depth   = "the frame is nested deeper than 128 levels"
		utf     = "the frame is not valid UTF-8"
		id      = `field "id" must be a number of at most 32 characters`
		seq     = `field "seq" must be a whole number from 0 to 9007199254740991`
		window  = `field "window" must be a whole number from 1 to 4096`
		from    = `field "from" must be "cursor", "new", "earliest" or a whole number from 0 to 9007199254740991`
		channel = `field "channel" must be a string of 1 to 255 bytes`
		token   = `field "token" must be a string of 1 to 16384 bytes`
	)
	for _, tt := range []struct {
		frame     string
		id        ID
		message   string
		malformed bool
	}{
		{``, "", syntax, true},
		{` `, "", syntax, true},
		{`[]`, "", syntax, true},
		{`"ack"`, "", syntax, true},
		{`null`, "", syntax, true},
		{`{`, "", syntax, true},
		{`{"id":1`, "1", syntax, true},
		{`{"id":1,}`, "1", syntax, true},
		{`{"id":1}{}`, "1", syntax, true},
		{`{"type":"ping","id":1} x`, "1", syntax, true},
		{`{'type':"ping"}`, "", syntax, true},
		{"\xef\xbb\xbf{}", "", syntax, true},
		{`{"id":1,"type":tru}`, "1", syntax, true},
		{`{"id":01}`, "", syntax, true},
		{`{"id":1,"x":"\x"}`, "1", syntax, true},
		{`{"id":1,"x":"\u12g4"}`, "1", syntax, true},
		{"{\"id\":1,\"x\":\"\n\"}", "1", syntax, true},
		{"{\"id\":1,\"type\":\"ping\",\"x\":\"\xff\"}", "1", utf, true},
		{"{\"type\":\"ping\",\"\xed\xa0\x80\":1}", "", utf, true},
		{`{"id":1,"x":` + strings.Repeat("[", 128) + strings.Repeat("]", 128) + `}`, "1", depth, true},
		{`{"x":` + strings.Repeat(`{"x":`, 1<<20), "", depth, true},

		{`{}`, "", `field "type" is missing`, false},
		{`{"type":null,"id":2}`, "2", `field "type" is missing`, false},
		{`{"type":5,"id":2}`, "2", `field "type" must be a string`, false},
		{`{"type":"ping","id":"1"}`, "", id, false},
		{`{"type":"auth","token":"t","id":true}`, "", id, false},
		{`{"type":"ping","id":123456789012345678901234567890123}`, "", id, false},
		{`{"type":"ack","seq":1}`, "", `field "channel" is missing`, false},
		{`{"type":"ack","channel":null,"seq":1}`, "", `field "channel" is missing`, false},
		{`{"type":"ack","channel":"","seq":1}`, "", channel, false},
		{`{"type":"ack","channel":["a"],"seq":1}`, "", channel, false},
		{`{"type":"ack","channel":"` + strings.Repeat("x", 256) + `","seq":1}`, "", channel, false},
		{`{"type":"ack","channel":"a"}`, "", `field "seq" is missing`, false},
		{`{"type":"ack","channel":"a","seq":null}`, "", `field "seq" is missing`, false},
		{`{"type":"ack","channel":"a","seq":-1}`, "", seq, false},
		{`{"type":"ack","channel":"a","seq":-0}`, "", seq, false},
		{`{"type":"ack","channel":"a","seq":5.0}`, "", seq, false},
		{`{"type":"ack","channel":"a","seq":1e3}`, "", seq, false},
		{`{"type":"ack","channel":"a","seq":"5"}`, "", seq, false},
		{`{"type":"ack","channel":"a","seq":9007199254740992}`, "", seq, false},
		{`{"type":"ack","channel":"a","seq":18446744073709551616,"id":7}`, "7", seq, false},
		{`{"type":"auth","id":1}`, "1", `field "token" is missing`, false},
		{`{"type":"auth","id":1,"token":5}`, "1", token, false},
		{`{"type":"auth","id":1,"token":"` + strings.Repeat("x", MaxToken+1) + `"}`, "1", token, false},
		{`{"type":"subscribe","id":1}`, "1", `field "channel" is missing`, false},
		{`{"type":"subscribe","id":1,"channel":"a","durable":"yes"}`, "1", `field "durable" must be true or false`, false},
		{`{"type":"subscribe","id":1,"channel":"a","from":"start"}`, "1", from, false},
		{`{"type":"subscribe","id":1,"channel":"a","from":1.5}`, "1", from, false},
		{`{"type":"subscribe","id":1,"channel":"a","from":{}}`, "1", from, false},
		{`{"type":"subscribe","id":1,"channel":"a","epoch":1}`, "1", `field "epoch" must be a string of at most 255 bytes`, false},
		{`{"type":"subscribe","id":1,"channel":"a","window":4097}`, "1", window, false},
		{`{"type":"subscribe","id":1,"channel":"a","window":-1}`, "1", window, false},
		{`{"type":"subscribe","id":1,"channel":"a","window":"9"}`, "1", window, false},
		{`{"type":"subscribe","id":[1],"channel":"a"}`, "", id, false},
		{`{"type":"unsubscribe","id":{},"channel":"a"}`, "", id, false},
		{`{"type":"unsubscribe","id":1,"channel":false}`, "1", channel, false},
		{`{"type":"unsubscribe","id":1,"channel":"a","forget":1}`, "1", `field "forget" must be true or false`, false},
		{`{"type":"publish","id":"","channel":"a","data":1}`, "", id, false},
		{`{"type":"publish","id":1,"data":1}`, "1", `field "channel" is missing`, false},
		{`{"type":"publish","id":1,"channel":"a"}`, "1", `field "data" is missing`, false},
		{`{"type":"publish","id":1,"channel":"a","data":1,"messageId":"` + strings.Repeat("x", 256) + `"}`, "1",
			`field "messageId" must be a string of at most 255 bytes`, false},
	} {
		_, err := Decode([]byte(tt.frame))
		var got *RequestError
		if !errors.As(err, &got) {
			t.Errorf("%.200s\ngot no RequestError but %v", tt.frame, err)
			continue
		}
		if want := (RequestError{ID: tt.id, Message: tt.message, Malformed: tt.malformed}); *got != want {
			t.Errorf("%.200s\ngot  %+v\nwant %+v", tt.frame, *got, want)
		}
	}
}

func TestDecodeKeepsNothingOfTheFrame(t *testing.T) {
	frame := []byte(`{"type":"publish","id":1,"channel":"a","data":[1],"messageId":"m"}`)
	r, err := Decode(frame)
	if err != nil {
		t.Fatal(err)
	}
	clear(frame)
	want := Request{Type: TypePublish, ID: "1", Channel: "a", Data: []byte("[1]"), MessageID: "m"}
	if !reflect.DeepEqual(r, want) {
		t.Errorf("got %+v, want %+v", r, want)
	}
}

func TestDecodeAckAllocations(t *testing.T) {
	frame := []byte(`{"type":"ack","channel":"orders:42","seq":123456}`)
	if n := testing.AllocsPerRun(100, func() { _, _ = Decode(frame) }); n > 1 {
		t.Errorf("%v allocations, want the channel's only", n)
	}
}
