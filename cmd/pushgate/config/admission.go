package config

import (
	"cmp"

	"pushgate/server/admission"
)

// Proxies are the trusted proxies.
func (f *Flags) Proxies() (admission.Proxies, error) {
	return admission.ParseProxies(f.HTTP.TrustedProxies, admission.Header(f.HTTP.ForwardedHeader))
}

// Admission are the limits of connections, where they are not given those of a
// capacity.
func (f *Flags) Admission(c admission.Capacity) admission.Limits {
	return admission.Limits{
		Connections:   cmp.Or(f.Limits.Connections, c.Connections),
		PerSubscriber: f.Limits.ConnectionsPerSubscriber,
		PerAddress:    f.Limits.ConnectionsPerAddress,
		Rate:          cmp.Or(f.Limits.AcceptRate, c.Rate),
	}
}
