package consumer

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pushgate/consumer/broker"
)

func rec(key, value string, headers ...string) broker.Record {
	r := broker.Record{Key: []byte(key), Value: []byte(value)}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Headers = append(r.Headers, broker.Header{Name: headers[i], Value: []byte(headers[i+1])})
	}
	return r
}

func TestChannels(t *testing.T) {
	for _, test := range []struct {
		channel, each string
		record        broker.Record
		want          string // channels, or the reason and the text
	}{
		{"news", "", rec("", "1"), "[news]"},
		{"{{.Key}}", "", rec("a", "1"), "[a]"},
		{"{{.Key}}", "", rec("", "1"), "channel: the name of the channel is empty"},
		{"orders:{{.Key}}", "", rec("42", "1"), "[orders:42]"},
		{"{{.Topic}}:{{.Key}}", "", rec("42", "1"), "[topic:42]"},
		{"{{.Headers.to}}", "", rec("", "1", "to", "a", "to", "b"), "[b]"},
		{`{{index .Headers "x-to"}}`, "", rec("", "1", "x-to", "a"), "[a]"},
		{"{{.Headers.to}}", "", rec("", "1"), `channel: <.Headers.to>: map has no entry for key "to"`},
		{"user:{{.JSON.id}}", "", rec("", `{"id":12345678901234567890}`), "[user:12345678901234567890]"},
		{"user:{{.JSON.id}}", "", rec("", `{"id":"ä"}`), "[user:ä]"},
		{"user:{{.JSON.id}}", "", rec("", `{"id":{"a":1}}`), `channel: <.JSON.id>: map has no entry for key "id"`},
		{"user:{{.JSON.id}}", "", rec("", `{"id":null}`), `channel: <.JSON.id>: map has no entry for key "id"`},
		{"user:{{.JSON.id}}", "", rec("", `[1]`), "json: the payload is not a JSON object"},
		{"user:{{.JSON.id}}", "", rec("", `null`), "json: the payload is not a JSON object"},
		{"{{if .Key}}{{.Key}}{{else}}none{{end}}", "", rec("", "1"), "[none]"},
		{"user:{{.Item}}", "to", rec("", `{"to":["a",7,"a",true]}`), "[user:a user:7 user:true]"},
		{"user:{{.Item}}", "to", rec("", `{"to":[]}`), "[]"},
		{"user:{{.Item}}", "to", rec("", `{"to":"a"}`), `json: the payload's field "to" is not a list`},
		{"user:{{.Item}}", "to", rec("", `{}`), `json: the payload's field "to" is not a list`},
		{"user:{{.Item}}", "to", rec("", `{"to":["a",[]]}`), `json: item 1 of the payload's field "to" is not a text or a number`},
		{"user:{{.Item}}", "to", rec("", `{"to":[`+strings.Repeat("1,", maxFanOut)+`1]}`), "channel: the list has too many items"},
	} {
		m, bad := newMapper(Mapping{Channel: test.channel, ForEach: test.each, Format: Raw})
		if bad != nil {
			t.Errorf("%s: %v", test.channel, bad)
			continue
		}
		if got := outcome(m, test.record); got != test.want {
			t.Errorf("%s of %s: got %s, want %s", test.channel, test.record.Value, got, test.want)
		}
	}
}

func outcome(m *mapper, r broker.Record) string {
	messages, bad := m.messages("topic", r, 1<<20)
	if bad != nil {
		return bad.reason + ": " + bad.text
	}
	channels := []string{}
	for _, message := range messages {
		channels = append(channels, message.Channel)
	}
	return fmt.Sprint(channels)
}

func TestMappingsThatCannotBe(t *testing.T) {
	for want, m := range map[string]Mapping{
		"channel: there is none; write a name, or a template as orders:{{.Key}}":                         {Format: Raw},
		"channel: bad character U+007D '}'":                                                              {Format: Raw, Channel: "{{.Key}"},
		"channel: function \"upper\" not defined":                                                        {Format: Raw, Channel: "{{upper .Key}}"},
		"channel: there is no .Value; there are .Topic, .Key, .Headers, .JSON and, with for_each, .Item": {Format: Raw, Channel: "{{if .Value}}a{{end}}"},
		"channel: .Item is an item of the list that for_each names; name it":                             {Format: Raw, Channel: "{{.Item}}"},
		"for_each: the channel does not use .Item: all messages would go to one channel":                 {Format: Raw, Channel: "a", ForEach: "to"},
		"format: \"avro\" is not one of raw, cloudevents":                                                {Format: "avro", Channel: "a"},
	} {
		if _, err := newMapper(m); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

func TestRawMessages(t *testing.T) {
	m, bad := newMapper(Mapping{Channel: "a", Format: Raw, ContentType: "text/plain", Headers: []string{"trace", "other"}})
	if bad != nil {
		t.Fatal(bad)
	}
	for _, test := range []struct {
		record broker.Record
		want   Message
	}{
		{rec("", "hi"), Message{Channel: "a", Data: []byte("hi"), ContentType: "text/plain"}},
		{rec("", "{}", "content-type", "application/json", "trace", "t1", "secret", "s"),
			Message{Channel: "a", Data: []byte("{}"), ContentType: "application/json", Headers: map[string]string{"trace": "t1"}}},
		{rec("", "x", "pushgate-ttl", "90s", "pushgate-ephemeral", "true"),
			Message{Channel: "a", Data: []byte("x"), ContentType: "text/plain", TTL: 90 * time.Second, Ephemeral: true}},
	} {
		got, bad := m.messages("topic", test.record, 1<<20)
		if bad != nil || len(got) != 1 || !reflect.DeepEqual(got[0], test.want) {
			t.Errorf("got  %+v %v\nwant %+v", got, bad, test.want)
		}
	}
	for _, headers := range [][2]string{{"pushgate-ttl", "5"}, {"pushgate-ttl", "-1s"}, {"pushgate-ephemeral", "yes"}} {
		if _, bad := m.messages("topic", rec("", "x", headers[0], headers[1]), 1<<20); bad == nil || bad.reason != reasonHeader {
			t.Errorf("%v: %v", headers, bad)
		}
	}
}

func TestCloudEvents(t *testing.T) {
	m, bad := newMapper(Mapping{Channel: "{{.Headers.ce_subject}}:{{.JSON.n}}", Format: CloudEvents})
	if bad != nil {
		t.Fatal(bad)
	}
	structured := func(rest string) broker.Record {
		return rec("", `{"specversion":"1.0","id":"e1","source":"/s","type":"t","subject":"u",`+rest+`}`,
			"content-type", "application/cloudevents+json; charset=UTF-8")
	}
	want := Message{Channel: "u:1", Data: []byte(`{"n":1}`), MessageID: "e1",
		Headers: map[string]string{"source": "/s", "type": "t", "subject": "u", "trace": "7"}}
	for name, r := range map[string]broker.Record{
		"binary":           rec("", `{"n":1}`, "ce_specversion", "1.0", "ce_id", "e1", "ce_source", "/s", "ce_type", "t", "ce_subject", "u", "ce_trace", "7"),
		"structured":       structured(`"trace":7,"data":{"n":1}`),
		"base64":           structured(`"trace":"7","data_base64":"eyJuIjoxfQ=="`),
		"structured, null": structured(`"trace":7,"other":null,"data":{"n":1}`),
	} {
		got, bad := m.messages("topic", r, 1<<20)
		if bad != nil || len(got) != 1 || !reflect.DeepEqual(got[0], want) {
			t.Errorf("%s: got  %+v %v\nwant %+v", name, got, bad, want)
		}
	}

	m.channel, _ = parseChannel("x", false)
	for rest, want := range map[string]Message{
		`"datacontenttype":"text/plain","data":"a\n"`:       {Data: []byte("a\n"), ContentType: "text/plain"},
		`"datacontenttype":"application/json","data":"a"`:   {Data: []byte(`"a"`), ContentType: "application/json"},
		`"datacontenttype":"application/x+json","data":1`:   {Data: []byte(`1`), ContentType: "application/x+json"},
		`"datacontenttype":"text/xml","data_base64":"PA=="`: {Data: []byte(`<`), ContentType: "text/xml"},
		`"time":"2026-01-01T00:00:00Z"`:                     {Data: []byte(`null`)},
	} {
		got, bad := m.messages("topic", structured(rest), 1<<20)
		if bad != nil || string(got[0].Data) != string(want.Data) || got[0].ContentType != want.ContentType {
			t.Errorf("%s: got %+v %v", rest, got, bad)
		}
	}

	for want, r := range map[string]broker.Record{
		"not a CloudEvent: there is no specversion":                            rec("", "1"),
		"not a CloudEvent: there is no id":                                     rec("", "1", "ce_specversion", "1.0"),
		"CloudEvents \"0.3\" is not version 1":                                 rec("", "1", "ce_specversion", "0.3", "ce_id", "1", "ce_source", "s", "ce_type", "t"),
		"the event is not a JSON object":                                       rec("", "[]", "content-type", "application/cloudevents+json"),
		"data_base64 is not base64":                                            structured(`"data_base64":"?"`),
		"data_base64 is not a text":                                            structured(`"data_base64":1`),
		"the event's attribute \"x\" is not a text, a number or a truth value": structured(`"x":{}`),
		"\"application/cloudevents-batch+json\": of structured events only single ones in JSON are read": rec("", "[]", "content-type", "application/cloudevents-batch+json"),
	} {
		if _, bad := m.messages("topic", r, 1<<20); bad == nil || bad.reason != reasonEvent || bad.text != want {
			t.Errorf("got %v, want %s", bad, want)
		}
	}
}
