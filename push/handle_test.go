package push

import (
	"testing"
	"testing/synctest"

	"pushgate/push/wire"
	"pushgate/store"
)

// Whatever a client sends, its answers wait for it in bounded memory.
func TestClientThatDoesNotReadIsNotReadFrom(t *testing.T) {
	for name, frame := range map[string]string{
		"pings":        `{"type":"ping"}`,
		"bad requests": `{"type":"ack","channel":"a","seq":-1}`,
		"unknown":      `{"type":"dance"}`,
		"early acks":   `{"type":"ack","channel":"a","seq":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const limit = 4 << 10
				e := startEngine(t, openStore(t), func(c *Config) { c.OutboxBytes = limit })
				p := connect(t, e, Connection{})
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					for range 1000 {
						p.session.HandleFrame(t.Context(), []byte(frame))
					}
				}()
				synctest.Wait()
				if view := p.session.view(); view.OutboxBytes > 2*limit {
					t.Errorf("%d bytes wait for the client", view.OutboxBytes)
				}
				select {
				case <-ended:
					t.Error("everything was taken from a client that reads nothing")
				default:
				}
				p.session.Detach(CauseLost)
				<-ended
			})
		})
	}
}

// What a client asks for after its connection's end was decided does not happen.
func TestNothingIsTakenAfterTheEnd(t *testing.T) {
	e := startEngine(t, openStore(t), func(c *Config) { c.Namespaces.Default.ClientPublish = true })
	p := connect(t, e, Connection{Subscriber: "ada", Channels: []string{"a"}})
	p.session.End(End{Code: wire.CloseForbidden, Reason: "disconnected"})
	for _, frame := range []string{
		`{"type":"publish","id":1,"channel":"a","data":1}`,
		`{"type":"subscribe","id":2,"channel":"b"}`,
		`{"type":"unsubscribe","id":3,"channel":"a","forget":true}`,
	} {
		p.session.HandleFrame(t.Context(), []byte(frame))
	}
	if _, err := e.Publish(t.Context(), Publication{Channel: "a", Data: []byte(`2`)}); err != nil {
		t.Fatal(err)
	}
	c, err := e.Channel(t.Context(), "a")
	if err != nil || c.LastSeq != 1 {
		t.Errorf("the channel is at %d, %v", c.LastSeq, err)
	}
	subs, err := e.ListSubscriptions(t.Context(), store.SubscriptionQuery{Subscriber: "ada", Limit: 10})
	if err != nil || len(subs) != 1 || subs[0].Channel != "a" {
		t.Errorf("subscriptions: %v, %v", subs, err)
	}
}
