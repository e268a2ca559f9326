package admission_test

import (
	"testing"

	"pushgate/server/admission"
)

func TestCapacity(t *testing.T) {
	need := admission.Need{Memory: 256 << 20, Files: 256}
	for _, test := range []struct {
		name                             string
		machine                          admission.Machine
		connections, handshakes, sockets int
		why                              string
	}{
		{"files", admission.Machine{Memory: 64 << 30, From: "the machine", Files: 20000}, 16122, 2500, 1250, "open files: 16122 of 20000"},
		{"memory", admission.Machine{Memory: 1 << 30, From: "the control group's limit", Files: 1 << 20}, 18022, 8192, 512, "memory: 1024 MiB of the control group's limit"},
		{"no bound of files", admission.Machine{Memory: 4 << 30, From: "GOMEMLIMIT"}, 96665, 8192, 2048, "memory: 4096 MiB of GOMEMLIMIT"},
		{"few files", admission.Machine{Files: 256}, 100, 64, 128, "open files: 100 of 256"},
		{"little memory", admission.Machine{Memory: 64 << 20, From: "GOMEMLIMIT", Files: 1024}, 100, 128, 128, "memory: 64 MiB of GOMEMLIMIT"},
		{"nobody knows", admission.Machine{}, 0, 8192, 8192, ""},
	} {
		c := admission.CapacityOf(test.machine, need)
		if c.Connections != test.connections || c.Handshakes != test.handshakes || c.Sockets != test.sockets || c.Why != test.why || c.Rate < 5000 {
			t.Errorf("%s: got %+v", test.name, c)
		}
	}
	plain := admission.CapacityOf(admission.Machine{Memory: 1 << 30}, need)
	need.TLS = true
	if c := admission.CapacityOf(admission.Machine{Memory: 1 << 30}, need); c.Connections != plain.Connections*2/3 {
		t.Errorf("%d connections by TLS, %d without", c.Connections, plain.Connections)
	}
	need.Sockets = 10
	if c := admission.CapacityOf(admission.Machine{Memory: 1 << 30}, need); c.Sockets != 10 {
		t.Errorf("%d sockets of gRPC, want 10", c.Sockets)
	}
}
