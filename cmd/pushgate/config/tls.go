package config

import "pushgate/server/certificate"

// HTTPCertificate are the files of the HTTP listener; empty: it does not speak TLS.
func (f *Flags) HTTPCertificate() certificate.Files {
	return certificate.Files{Certificate: f.HTTP.TLSCertificate, Key: f.HTTP.TLSKey}
}

// GRPCCertificate are those of the gRPC listener.
func (f *Flags) GRPCCertificate() certificate.Files {
	return certificate.Files{Certificate: f.GRPC.TLSCertificate, Key: f.GRPC.TLSKey, ClientCA: f.GRPC.TLSClientCA, ClientOptional: f.GRPC.TLSClientCertificate == "optional"}
}

// AdminCertificate are those of the operators' listener.
func (f *Flags) AdminCertificate() certificate.Files {
	return certificate.Files{Certificate: f.Admin.TLSCertificate, Key: f.Admin.TLSKey}
}

func (f *Flags) checkTLS() error {
	for listener, files := range map[string]certificate.Files{"http": f.HTTPCertificate(), "grpc": f.GRPCCertificate(), "admin": f.AdminCertificate()} {
		switch {
		case files.Certificate != "" && files.Key == "":
			return f.problem(listener+".tls_key", "it is missing: a certificate is no use without its private key")
		case files.Certificate == "" && files.Key != "":
			return f.problem(listener+".tls_certificate", "it is missing: set it to the certificate of %s.tls_key", listener)
		case files.Certificate == "" && files.ClientCA != "":
			return f.problem(listener+".tls_client_ca", "clients show certificates over TLS only; set %s.tls_certificate and %s.tls_key too", listener, listener)
		}
	}
	return nil
}
