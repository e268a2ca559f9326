package rpc

import (
	"strconv"
	"testing"

	"pushgate/push"
)

func TestUnread(t *testing.T) {
	u := newUnread()
	for seq := range uint64(1000) {
		u.add(push.Delivery{Channel: "a", Subscriber: "s", Seq: seq})
		u.add(push.Delivery{Channel: "b", Subscriber: "s", Seq: seq})
	}
	<-u.more
	list, lagged := u.take()
	if len(list) != 2 || lagged || list[0].Channel != "a" || list[0].Seq != 999 || list[1].Channel != "b" || list[1].Seq != 999 {
		t.Errorf("took %v, %v", list, lagged)
	}
	u.add(push.Delivery{Channel: "b", Subscriber: "s", Seq: 1000})
	<-u.more
	if list, _ := u.take(); len(list) != 1 || list[0].Seq != 1000 {
		t.Errorf("took %v", list)
	}
}

func TestUnreadIsBounded(t *testing.T) {
	u := newUnread()
	for i := range maxUnread {
		if !u.add(push.Delivery{Channel: "a", Subscriber: strconv.Itoa(i)}) {
			t.Fatalf("full at %d", i)
		}
	}
	if !u.add(push.Delivery{Channel: "a", Subscriber: "0", Seq: 1}) || u.add(push.Delivery{Channel: "a", Subscriber: "one more"}) {
		t.Error("the bound counts subscriptions")
	}
	if list, lagged := u.take(); len(list) != maxUnread || !lagged {
		t.Errorf("took %d, %v", len(list), lagged)
	}
}
