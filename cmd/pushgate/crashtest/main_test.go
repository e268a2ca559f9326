package crashtest

import (
	"os"
	"testing"

	"pushgate/cmd/pushgate/pushgatetest"
	"pushgate/store/postgres/pgtest"
)

func TestMain(m *testing.M) {
	os.Exit(pushgatetest.Around(func() int { return pgtest.Around(m.Run) }))
}
