package ws_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"pushgate/push"
)

// narrow makes a node on which a client that does not read is soon noticed.
func narrow(s *setup) {
	s.OutboxBytes, s.sendBuffer = 32<<10, 16<<10
	s.RingMessages, s.RingBytes = 16, 64<<10
}

// payload is such that a flood of it fills every buffer on the way.
var payload = `"` + strings.Repeat("x", 4094) + `"`

const flood = 300

// event is what the slow clients of these tests look at.
type event struct {
	Type, Channel, Reason string
	Seq, From, To         uint64
	Data                  json.RawMessage
}

func (c *rawClient) event() event {
	c.t.Helper()
	payload := c.expect(opText, "")
	var e event
	if err := json.Unmarshal(payload, &e); err != nil {
		c.t.Fatalf("%v in %s", err, payload)
	}
	return e
}

func TestDurableSubscriberThatStopsReadingLosesNothing(t *testing.T) {
	n := start(t, narrow)
	slow := n.rawDial("subscriber=slow", masked(opText, `{"type":"subscribe","id":1,"channel":"a","window":4096}`))
	slow.expect(opText, "connected")
	slow.expect(opText, "subscribed")
	quick := n.dial("subscriber=quick")
	quick.expect("connected", nil)
	quick.subscribe(frame{"channel": "a", "window": 4096})
	for seq := range uint64(flood) {
		n.publish("a", payload)
		// In step with the publishes: nobody waits for the slow one.
		quick.messages("a", seq+1, seq+1)
	}
	slow.catchUp()
	for seq := range uint64(flood) {
		if e := slow.event(); e.Type != "message" || e.Seq != seq+1 {
			t.Fatalf("got %+v, want message %d", e, seq+1)
		}
	}
	n.publish("a", payload)
	if e := slow.event(); e.Seq != flood+1 {
		t.Fatalf("got %+v", e)
	}
	if n.ends(4408) != 0 {
		t.Fatal("it was closed")
	}
}

func TestLiveSubscriberThatStopsReadingIsToldWhatItMissed(t *testing.T) {
	n := start(t, narrow)
	slow := n.rawDial("channel=a")
	slow.expect(opText, "connected")
	slow.expect(opText, "subscribed")
	quick := n.dial("channel=a")
	quick.expect("connected", nil)
	quick.expect("subscribed", nil)
	for seq := range uint64(flood) {
		n.publish("a", payload)
		quick.messages("a", seq+1, seq+1)
	}
	slow.catchUp()
	position, missed := uint64(0), uint64(0)
	for position < flood {
		switch e := slow.event(); {
		case e.Type == "message" && e.Seq == position+1:
			position = e.Seq
		case e.Type == "gap" && e.From == position+1 && e.To >= e.From && e.To <= flood && e.Reason == "slow":
			position, missed = e.To, missed+e.To-position
		default:
			t.Fatalf("got %+v behind %d", e, position)
		}
	}
	if missed == 0 {
		t.Fatal("it missed nothing: the buffers are larger than this test thinks")
	}
	n.publish("a", payload)
	if e := slow.event(); e.Seq != flood+1 {
		t.Fatalf("got %+v", e)
	}
}

func TestLostEphemeralMessagesAreTold(t *testing.T) {
	n := start(t, narrow)
	slow := n.rawDial("channel=a&subscriber=ada")
	slow.expect(opText, "connected")
	slow.expect(opText, "subscribed")
	for i := range flood {
		p := push.Publication{Channel: "a", Ephemeral: true, Data: fmt.Appendf(nil, "%-*d", len(payload), i)}
		if _, err := n.engine.Publish(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	n.publish("a", `"after"`)
	slow.catchUp()
	next, told, gaps := 0, false, 0
	for {
		e := slow.event()
		number, _ := strconv.Atoi(strings.TrimSpace(string(e.Data)))
		switch {
		case e.Type == "gap" && e.From == 0 && e.To == 0 && e.Reason == "slow":
			told = true
			gaps++
		case e.Type == "message" && e.Seq == 0 && (number == next || told && number > next):
			next, told = number+1, false
		case e.Type == "message" && e.Seq == 1:
			if !told && next < flood {
				t.Fatalf("it got messages up to %d, and was not told of a gap", next)
			}
			if gaps == 0 {
				t.Fatal("it missed nothing: the buffers are larger than this test thinks")
			}
			return
		default:
			t.Fatalf("got %s %d-%d with %d; %d is next, told of a gap: %v", e.Type, e.From, e.To, number, next, told)
		}
	}
}

func TestCloseWithStalledClients(t *testing.T) {
	n := start(t, narrow)
	for range 20 {
		c := n.rawDial("channel=a")
		c.expect(opText, "connected")
		c.expect(opText, "subscribed")
	}
	for range 100 {
		n.publish("a", payload)
	}
	n.stop()
	if left := n.engine.Sessions(); left != 0 {
		t.Fatalf("%d sessions are left", left)
	}
}
