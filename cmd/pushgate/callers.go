package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"pushgate/cmd/pushgate/config"
	"pushgate/push"
	"pushgate/server/admission"
	"pushgate/server/auth/caller"
	"pushgate/server/auth/token"
)

// newDirectory knows who may call by gRPC.
func newDirectory(f *config.Flags, v *token.Verifier, e *push.Engine, failures *admission.Failures, registry *prometheus.Registry) (*caller.Directory, error) {
	settings, err := f.CallerSettings()
	if err != nil {
		return nil, err
	}
	o := caller.Options{Callers: settings, Revoked: e.Revoked, Failures: failures, Registry: registry}
	if f.GRPC.Tokens && v != nil {
		o.Tokens = v
	}
	return caller.NewDirectory(o)
}
