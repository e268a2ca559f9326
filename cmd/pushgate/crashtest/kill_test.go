package crashtest

import (
	"fmt"
	"testing"

	"pushgate/store/postgres/pgtest"
)

const kills = 8

func TestKilledServerLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		killUnderLoad(t, start(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		killUnderLoad(t, start(t, "--store-url", pgtest.New(t)))
	})
}

func killUnderLoad(t *testing.T, n *node) {
	chance := newChance(t)
	random := chance.generator()
	l := newLedger(t)
	channels := []string{"news", "orders:1", "orders:2"}
	names := []string{"ada", "bob", "away"}
	for _, name := range names {
		n.subscription(name, channels...)
	}
	ada := follow(t, n.socket, "ada", chance.generator())
	bob := follow(t, n.socket, "bob", chance.generator())

	finish := press(t, crowd(t, l, n, chance, channels)...)
	for range kills {
		l.waitPublished(load(300 + random.IntN(900)))
		n.Kill()
		n.Restart()
	}
	l.waitPublished(200)
	finish()
	t.Logf("%d messages, %d answered as duplicates, %d tries failed", l.published(), l.duplicate, l.refusals)

	l.verifyStored(n)
	for _, r := range []*receiver{ada, bob, follow(t, n.socket, "away", chance.generator())} {
		l.verifyReceived(r)
		r.noGaps()
	}
}

// crowd are publishers of every kind.
func crowd(t *testing.T, l *ledger, n *node, chance *chance, channels []string) []*publisher {
	var all []*publisher
	for i, by := range []way{unary(n.publish), unary(n.publish), unary(n.publish), batch(n.publish), stream(n.publish)} {
		all = append(all, &publisher{
			t: t, name: fmt.Sprintf("%s%d", by.name, i), ledger: l, channels: channels, by: by,
			random: chance.generator(), padding: 200,
		})
	}
	return all
}
