package main_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"pushgate/cmd/pushgate/pushgatetest"
	pb "pushgate/proto/gen/pushgate/v1"
)

func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

// A payload that is JSON comes out as it went in, byte for byte, whatever it would mean
// to whom; what is none is refused, by both ways in, and costs the node nothing.
func TestOddJSON(t *testing.T) {
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--limits-max-payload=4MiB", "--limits-max-frame=4MiB", "--config", configuration(t, "namespaces: {default: {client_publish: true}}")}})
	_, publisher := control(t, s)
	receiver, sender := visit(t, s, "?channel=news", nil), visit(t, s, "", nil)
	receiver.until("subscribed", "news")
	receiver.conn.SetReadLimit(8 << 20)
	for name, c := range map[string]struct {
		data string
		good bool
	}{
		"deep":                       {nested(100), true},
		"too deep":                   {nested(10_001), false},
		"as deep as fits":            {nested(1 << 20), false},
		"only begun":                 {strings.Repeat("[", 1<<20), false},
		"objects only begun":         {strings.Repeat(`{"a":`, 1<<18), false},
		"brackets of both kinds":     {strings.Repeat(`[{"a":`, 1<<17), false},
		"a huge number":              {"1" + strings.Repeat("0", 1<<20), true},
		"a huge exponent":            {"-1e999999999", true},
		"a tiny one":                 {"1e-999999999", true},
		"more than 53 bits":          {"9007199254740993", true},
		"minus nothing":              {"-0", true},
		"the same key twice":         {`{"a":1,"a":2,"type":"closing","channel":"x"}`, true},
		"an empty key":               {`{"":{"":0}}`, true},
		"half a character":           {`"\ud800"`, true},
		"the other half":             {`"\udc00x\ud800"`, true},
		"an escaped NUL":             {`"\u0000\u001b[31m"`, true},
		"separators of lines":        {"\"\u2028\u2029\"", true},
		"what HTML would see":        {`"</script><!--"`, true},
		"a prototype":                {`{"__proto__":{"admin":true}}`, true},
		"white space":                {"[ 1 ,\t\r\n 2 ]", true},
		"NaN":                        {"NaN", false},
		"a plus":                     {"+1", false},
		"a zero before":              {"01", false},
		"hexadecimal":                {"0x10", false},
		"a comma at the end":         {"[1,]", false},
		"a comment":                  {"1 // one", false},
		"two values":                 {"1 2", false},
		"a mark of the byte order":   {"\ufeff1", false},
		"a bare NUL":                 {"\"\x00\"", false},
		"a bare line":                {"\"a\nb\"", false},
		"no UTF-8":                   {"\"\xff\"", false},
		"a surrogate in UTF-8":       {"\"\xed\xa0\x80\"", false},
		"a long form":                {"\"\xc0\xaf\"", false},
		"nothing":                    {"", false},
		"a string that does not end": {`"` + strings.Repeat("a", 1<<20), false},
	} {
		t.Run(name, func(t *testing.T) {
			answer, err := publisher.Publish(t.Context(), &pb.PublishRequest{Channel: "news", Data: []byte(c.data)})
			sender.send(`{"type":"publish","id":7,"channel":"news","data":` + c.data + `}`)
			sender.send(`{"type":"ping","id":8}`)
			said := everything(t, sender)
			if !c.good {
				if grpcstatus.Code(err) != codes.InvalidArgument || len(grpcstatus.Convert(err).Message()) > 300 || !strings.Contains(said, `"type":"error"`) {
					t.Errorf("by gRPC: %v, %v; by WebSocket: %.300s", answer, err, said)
				}
				return
			}
			if err != nil || strings.Contains(said, `"type":"error"`) {
				t.Fatalf("by gRPC: %v; by WebSocket: %.300s", err, said)
			}
			for range 2 {
				if frame := receiver.until("message", ""); !strings.Contains(frame, `"data":`+c.data) {
					t.Errorf("got %.300s", frame)
				}
			}
		})
	}
	// Frames are not nested as deeply as payloads that come by gRPC.
	must(publisher.Publish(t.Context(), &pb.PublishRequest{Channel: "news", Data: []byte(nested(10_000))}))(t)
	receiver.until("message", nested(10_000))
	sender.send(`{"type":"publish","id":7,"channel":"news","data":` + nested(128) + `}`)
	sender.until("error", "nested deeper than 128 levels")
}
