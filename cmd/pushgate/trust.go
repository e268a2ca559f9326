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
		var err error
		if c.RootCAs, err = authorities(t.CA); err != nil {
			return nil, usageError{fmt.Sprintf("--ca: %v", err)}
		}
	}
	switch {
	case t.Certificate == "" && t.Key == "":
		return c, nil
	case t.Key == "":
		return nil, usageError{"--certificate: its private key is missing; give --key, too"}
	case t.Certificate == "":
		return nil, usageError{"--key: the certificate is missing; give --certificate, too"}
	}
	pair, err := tls.LoadX509KeyPair(t.Certificate, t.Key)
	if err != nil {
		return nil, usageError{fmt.Sprintf("--certificate, --key: %v", err)}
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}

// authorities reads those of a file in PEM.
func authorities(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("there is no certificate in %s", path)
	}
	return pool, nil
}
