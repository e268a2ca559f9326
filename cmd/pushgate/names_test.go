package main_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	grpcstatus "google.golang.org/grpc/status"

	"pushgate/cmd/pushgate/pushgatetest"
	pb "pushgate/proto/gen/pushgate/v1"
)

// hostileNames mean something to something that names may come by.
var hostileNames = []string{
	`'; DROP TABLE messages; --`, `" OR ""="`, `x') UNION SELECT * FROM subscriptions --`, `$1`, `?`, `:name`, `E'\''`,
	`%`, `%%`, `_`, `a_c`, `abc`, `a%`, `a`, `a\`, `a\%`, `*`, `a*`, `[a-z]`, `.*`, `^$`,
	`../../etc/passwd`, `/`, `//`, `.`, `..`, `a/b`, `C:\a`, `~`, `|id`, "`id`", `$(id)`, `a b`, `a&b=c#d?e`, `%2e%2e%2f`, `+`,
	`{{.Key}}`, `{sub}`, `${x}`, `%s%n%d`, `<script>alert(1)</script>`, `<!--`, `]]>`, `{"a":1}`, `[`, `"`, `'`, `null`, `true`, `0`, `-1`, `- a`, `# a`, `a: b`,
	`NaN`, `pushgate`, `__proto__`, `constructor`,
	"\u202eevil", "a\u200bb", "\ufeffa", "e\u0301", "\u00e9", "E\u0301", "\u00c9", "ß", "SS", "ı", "I", "i", "a\u2028b", "\ufffd", "\U0001f469\u200d\U0001f680",
	strings.Repeat("ж", 127), strings.Repeat("ж", 127) + "z", strings.Repeat("\U0001f680", 63), strings.Repeat("a", 255), strings.Repeat("'", 255),
}

// badNames are none.
var badNames = []string{
	"", " ", "a ", " a", "\u00a0a", "a\x00", "a\nb", "a\r\nb", "\x1b[31ma", "a\x7f", "a\u0085", "a\u009b31m", "a\t", "\u2028", "a\u3000", strings.Repeat("a", 256), strings.Repeat("ж", 128),
}

func control(t *testing.T, s *pushgatetest.Server) (pb.ControlServiceClient, pb.PublishServiceClient) {
	t.Helper()
	conn := dialed(t, s)
	return pb.NewControlServiceClient(conn), pb.NewPublishServiceClient(conn)
}

func subscribing(t *testing.T, s *pushgatetest.Server) pb.SubscribeServiceClient {
	t.Helper()
	return pb.NewSubscribeServiceClient(dialed(t, s))
}

func dialed(t *testing.T, s *pushgatetest.Server, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(s.GRPC, append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func quoted(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

// must is for answers that have no reason to fail.
func must[T any](answer T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
}

// Names are data, whatever they look like: in both stores, by both protocols, and as
// the names of everything there is.
func TestNamesAreData(t *testing.T) {
	stores(t, func(t *testing.T, args []string) {
		s := pushgatetest.Start(t, pushgatetest.Command{Args: append(args, "--log-level=debug")})
		admin, publisher := control(t, s)
		for _, name := range hostileNames {
			comes := func(ack bool) {
				t.Helper()
				c := visit(t, s, "?subscriber="+url.QueryEscape(name), nil)
				c.until("connected", "")
				if !ack {
					c.send(`{"type":"subscribe","id":1,"channel":` + quoted(name) + `,"durable":true,"from":"earliest"}`)
					c.until("subscribed", "")
				}
				var got struct {
					Channel, MessageID string
					Seq                int
					Headers            map[string]string
				}
				if frame := c.until("message", ""); json.Unmarshal([]byte(frame), &got) != nil || got.Channel != name || got.Seq != 1 || got.Headers[name] != name {
					t.Fatalf("%q: got %s", name, frame)
				}
				if ack {
					c.send(`{"type":"ack","channel":` + quoted(name) + `,"seq":1}`)
					c.send(`{"type":"ping","id":2}`)
					c.until("pong", "")
				}
				_ = c.conn.Close(1000, "")
			}
			request := &pb.PublishRequest{Channel: name, Data: []byte(quoted(name)), MessageId: name, Headers: map[string]string{name: name}}
			if must(publisher.Publish(t.Context(), request))(t).GetDuplicate() || !must(publisher.Publish(t.Context(), request))(t).GetDuplicate() {
				t.Errorf("%q: not once", name)
			}
			comes(false)
			comes(true)
		}
		acked := func(name string) bool {
			subscriptions := must(admin.ListSubscriptions(t.Context(), &pb.ListSubscriptionsRequest{Subscriber: name}))(t).GetSubscriptions()
			if len(subscriptions) != 1 || subscriptions[0].GetChannel() != name {
				t.Fatalf("subscriptions of %q: %v", name, subscriptions)
			}
			return subscriptions[0].GetCursor() == 1
		}
		for _, name := range hostileNames {
			for deadline := time.Now().Add(pushgatetest.Patience); !acked(name); { // acks are recorded a little later
				if time.Now().After(deadline) {
					t.Fatalf("%q: the ack is not recorded", name)
				}
			}
			var channels, want []string
			for _, channel := range must(admin.ListChannels(t.Context(), &pb.ListChannelsRequest{Prefix: name, PageSize: 1000}))(t).GetChannels() {
				channels = append(channels, channel.GetName())
			}
			for _, other := range hostileNames {
				if strings.HasPrefix(other, name) {
					want = append(want, other)
				}
			}
			slices.Sort(want)
			if !slices.Equal(channels, want) {
				t.Errorf("channels that begin with %q: %q, not %q", name, channels, want)
			}
			message := must(admin.GetMessage(t.Context(), &pb.GetMessageRequest{Channel: name, Key: &pb.GetMessageRequest_MessageId{MessageId: name}}))(t)
			if m := message.GetMessage(); m.GetMessageId() != name || m.GetHeaders()[name] != name || message.GetAckedCount() != 1 {
				t.Errorf("the message of %q: %v", name, message)
			}
			if _, err := admin.GetMessage(t.Context(), &pb.GetMessageRequest{Channel: name, Key: &pb.GetMessageRequest_MessageId{MessageId: name + "x"}}); len(name) < 255 && grpcstatus.Code(err) != codes.NotFound {
				t.Errorf("%q and an x: %v", name, err)
			}
		}
		// What one loses the others keep.
		for i, name := range hostileNames {
			if purged := must(admin.PurgeChannel(t.Context(), &pb.PurgeChannelRequest{Channel: name, UpToSeq: 1}))(t).GetPurged(); purged != 1 {
				t.Errorf("%q: purged %d", name, purged)
			}
			if !must(admin.DeleteSubscription(t.Context(), &pb.DeleteSubscriptionRequest{Subscriber: name, Channel: name}))(t).GetExisted() {
				t.Errorf("%q had no subscription", name)
			}
			channels := must(admin.ListChannels(t.Context(), &pb.ListChannelsRequest{PageSize: 1000}))(t).GetChannels()
			messages, subscriptions := 0, 0
			for _, channel := range channels {
				messages += int(channel.GetMessages())
				subscriptions += int(channel.GetSubscriptions())
			}
			if left := len(hostileNames) - i - 1; messages != left || subscriptions != left {
				t.Fatalf("after %q there are %d messages and %d subscriptions; want %d", name, messages, subscriptions, left)
			}
		}
		metrics := page(t, "http://"+s.HTTP+"/metrics")
		for _, name := range hostileNames {
			if len(name) > 3 && name != "pushgate" && name != "null" && name != "true" && (strings.Contains(metrics, name) || strings.Contains(metrics, strings.Trim(strconv.Quote(name), `"`))) {
				t.Errorf("%q is in the metrics", name)
			}
		}
	})
}

// What is no name is refused by every way in, with one line, and nothing of it is kept.
func TestNamesThatAreNone(t *testing.T) {
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--log-level=debug"}})
	admin, publisher := control(t, s)
	c := visit(t, s, "", nil)
	c.until("connected", "")
	for _, name := range badNames {
		_, published := publisher.Publish(t.Context(), &pb.PublishRequest{Channel: name, Data: []byte("1")})
		_, created := admin.CreateSubscription(t.Context(), &pb.CreateSubscriptionRequest{Subscriber: name, Channel: "a"})
		_, createdIn := admin.CreateSubscription(t.Context(), &pb.CreateSubscriptionRequest{Subscriber: "a", Channel: name})
		_, identified := publisher.Publish(t.Context(), &pb.PublishRequest{Channel: "a", Data: []byte("1"), MessageId: name})
		for way, err := range map[string]error{"channel": published, "subscriber": created, "its channel": createdIn, "message id": identified} {
			if way == "message id" && name == "" {
				continue // the server makes one up
			}
			if grpcstatus.Code(err) != codes.InvalidArgument || strings.ContainsAny(grpcstatus.Convert(err).Message(), "\n\x1b\x00") {
				t.Errorf("%q as %s: %v", name, way, err)
			}
		}
		if name != "" {
			visit(t, s, "?subscriber="+url.QueryEscape(name), nil).is(http.StatusBadRequest, "subscriber")
		}
		for _, kind := range []string{"subscribe", "unsubscribe", "ack", "publish"} {
			c.send(`{"type":"` + kind + `","id":1,"channel":` + quoted(name) + `,"seq":1,"data":1}`)
			c.until("error", "")
		}
	}
	if channels := must(admin.ListChannels(t.Context(), &pb.ListChannelsRequest{}))(t).GetChannels(); len(channels) != 1 {
		t.Errorf("channels: %v", channels)
	}
}
