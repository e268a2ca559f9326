package limittest

import (
	"testing"

	"pushgate/cmd/pushgate/pushgatetest"
)

func TestMain(m *testing.M) { pushgatetest.Main(m) }
