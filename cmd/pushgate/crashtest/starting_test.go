package crashtest

import (
	"testing"
	"time"

	"pushgate/cmd/pushgate/pushgatetest"
	"pushgate/store/postgres/pgtest"
)

// A program that is killed while it starts, also while it makes its database,
// starts the next time.
func TestKilledWhileStarting(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		killWhileStarting(t)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		killWhileStarting(t, "--store-url", pgtest.New(t))
	})
}

func killWhileStarting(t *testing.T, args ...string) {
	t.Helper()
	random := newChance(t).generator()
	dir := t.TempDir()
	serve := append([]string{"serve", "--http-address", "127.0.0.1:0", "--grpc-address", "127.0.0.1:0"}, args...)
	for range 12 {
		p := pushgatetest.Launch(t, pushgatetest.Command{Args: serve, Dir: dir})
		// Where in its start it is then is left to chance.
		time.Sleep(time.Duration(random.IntN(int(60 * time.Millisecond))))
		p.Kill()
	}
	n := dialNode(t, pushgatetest.Start(t, pushgatetest.Command{Args: args, Dir: dir}))
	n.subscription("ada", "news")
	n.send("news", `"alive"`)
	c := dial(t, n.socket+"?subscriber=ada")
	c.expect("connected")
	c.messages("news", 1, 1)
}
