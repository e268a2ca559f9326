package crashtest

import (
	"fmt"
	"testing"

	pb "pushgate/proto/gen/pushgate/v1"
)

func TestTwoPublishersOfOneChannel(t *testing.T) {
	t.Parallel()
	chance := newChance(t)
	n := start(t)
	n.subscription("ada", "news")
	ada := follow(t, n.socket, "ada", chance.generator())
	l := newLedger(t)
	var two []*publisher
	for _, name := range []string{"left", "right"} {
		two = append(two, &publisher{
			t: t, name: name, ledger: l, channels: []string{"news"}, by: unary(n.publish), random: chance.generator(), strict: true,
		})
	}
	finish := press(t, two...)
	l.waitPublished(500)
	finish()
	l.verifyStored(n)
	l.verifyReceived(ada)
	ada.noGaps()
	if l.refusals > 0 {
		t.Errorf("%d publishes were refused", l.refusals)
	}
}

func TestHundredChannelsInOneBatch(t *testing.T) {
	t.Parallel()
	n := start(t)
	const channels = 100
	var request pb.PublishBatchRequest
	for i := range channels {
		name := fmt.Sprintf("orders:%d", i)
		n.subscription("ada", name)
		request.Requests = append(request.Requests, &pb.PublishRequest{Channel: name, Data: fmt.Appendf(nil, "%d", i)})
	}
	request.Requests = append(request.Requests, &pb.PublishRequest{Channel: "bad ", Data: []byte("1")})
	c := dial(t, n.socket+"?subscriber=ada")
	if f := c.expect("connected"); len(f.Subscriptions) != channels {
		t.Fatalf("%d subscriptions were reopened, want %d", len(f.Subscriptions), channels)
	}
	answer, err := n.publish.PublishBatch(limited(t), &request)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range answer.GetResults() {
		if i == channels {
			if r.GetError().GetCode() != 3 {
				t.Errorf("the bad item is answered with %v", r)
			}
		} else if r.GetResponse().GetSeq() != 1 {
			t.Errorf("item %d is answered with %v", i, r)
		}
	}
	got := make(map[string]string)
	for range channels {
		f := c.expect("message")
		got[f.Channel] = string(f.Data)
	}
	for i := range channels {
		if data := got[fmt.Sprintf("orders:%d", i)]; data != fmt.Sprint(i) {
			t.Errorf("channel %d: got %q", i, data)
		}
	}
}
