package ws_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"pushgate/push"
)

var channels = []string{"plain", "few:1", "mixed"}

// publishSome publishes until the chaos ends, each message until it is answered.
func (w *world) publishSome(r *rand.Rand, publisher uint64) {
	last := make(map[string]uint64)
	for number := 0; w.chaos.Err() == nil; number++ {
		channel := channels[r.IntN(len(channels))]
		id := fmt.Sprintf("%d-%d", publisher, number)
		p := push.Publication{Channel: channel, MessageID: id, Data: fmt.Appendf(nil, `{"n":%q,"pad":"%0*d"}`, id, r.IntN(200), 0)}
		switch {
		case r.IntN(5) == 0:
			p.Ephemeral = true
		case channel == "mixed" && r.IntN(3) == 0:
			p.TTL = time.Duration(1+r.IntN(100)) * time.Millisecond
		}
		w.record.sending(id, sent{channel: channel, data: string(p.Data), ttl: p.TTL, ephemeral: p.Ephemeral, at: time.Now().Truncate(time.Millisecond)})
		answer := w.publish(r, p)
		if p.Ephemeral {
			continue
		}
		w.record.answered(id, place{channel, answer.Seq})
		if answer.Seq <= last[channel] && !answer.Duplicate {
			w.t.Errorf("%s of %s got seq %d after %d", id, channel, answer.Seq, last[channel])
		}
		last[channel] = answer.Seq
		// What is retained for sure is not stored twice.
		if channel == "plain" && r.IntN(10) == 0 {
			if again := w.publish(r, p); !again.Duplicate || again.Seq != answer.Seq {
				w.t.Errorf("%s was stored as %d and again as %d", id, answer.Seq, again.Seq)
			}
		}
	}
}

// publish tries until there is an answer: nodes and stores come back.
func (w *world) publish(r *rand.Rand, p push.Publication) push.Published {
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	for {
		answer, err := w.node(r).engine.Publish(ctx, p)
		if err == nil {
			return answer
		}
		if !pause(ctx, time.Millisecond) {
			w.t.Errorf("publishing %s: %v", p.MessageID, err)
			return answer
		}
	}
}
