package token

import (
	"encoding/pem"
	"slices"
	"testing"
)

// Files are the operator's, but what servers publish comes from elsewhere.
func FuzzKeys(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"1"}]}`))
	f.Add([]byte(`{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","alg":"ES256"}`))
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":7}]}`))
	f.Add([]byte(`{"kty":"oct","k":"YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE","key_ops":["verify"]}`))
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("no key")}))
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, parse := range []func() ([]key, error){
			func() ([]key, error) { return parseKeys(content) },
			func() ([]key, error) { return parseSet(content, false) },
		} {
			keys, err := parse()
			if (err == nil) != (len(keys) > 0) || len(keys) > maxKeys {
				t.Fatalf("%d keys, %v", len(keys), err)
			}
			for _, k := range keys {
				if len(k.algorithms) == 0 || k.material == nil {
					t.Fatalf("%+v", k)
				}
			}
		}
		keys, _ := parseSet(content, false)
		for _, k := range keys {
			if slices.Contains(k.algorithms, secretAlgorithms[0]) {
				t.Fatal("a server has published a secret")
			}
		}
	})
}
