package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// trust is how a client command speaks TLS.
type trust struct {
	CA          string `name:"ca" placeholder:"FILE" env:"PUSHGATE_CA" help:"Trust the node by these authorities, in PEM, instead of the system's."`
	Certificate string `name:"certificate" placeholder:"FILE" env:"PUSHGATE_CERTIFICATE" help:"Show this certificate, in PEM, to a node that asks for one."`
	Key         string `name:"key" placeholder:"FILE" env:"PUSHGATE_KEY" help:"The private key of the certificate, in PEM."`
}

func (t trust) config() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CA != "" {
		pem, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, usageError{fmt.Sprintf("--ca: %v", err)}
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, usageError{fmt.Sprintf("--ca: there is no certificate in %s", t.CA)}
		}
	}
	if t.Certificate == "" && t.Key == "" {
		return c, nil
	}
	pair, err := tls.LoadX509KeyPair(t.Certificate, t.Key)
	if err != nil {
		return nil, usageError{fmt.Sprintf("--certificate, --key: %v", err)}
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}
