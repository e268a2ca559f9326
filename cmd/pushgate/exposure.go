package main

import "log/slog"

// exposure says for each listener who gets in.
func (c *serveCommand) exposure() []slog.Attr {
	clients := "everybody"
	switch {
	case c.TokensConfigured():
		clients = "tokens"
	case c.Authorizer.Connect:
		clients = "authorizer"
	}
	callers := "everybody"
	switch {
	case c.CallersConfigured():
		callers = "callers"
	case c.GRPC.TLSClientCA != "":
		callers = "certificates"
	}
	operators := "everybody"
	if c.Admin.TokenFile != "" {
		operators = "secret"
	}
	all := []slog.Attr{
		slog.Group("http", "address", c.HTTP.Address, "admits", clients, "tls", c.HTTP.TLSCertificate != ""),
		slog.Group("grpc", "address", c.GRPC.Address, "admits", callers, "tls", c.GRPC.TLSCertificate != ""),
	}
	if c.Admin.Address != "" {
		all = append(all, slog.Group("admin", "address", c.Admin.Address, "admits", operators, "tls", c.Admin.TLSCertificate != ""))
	}
	return all
}
