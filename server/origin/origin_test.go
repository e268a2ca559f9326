package origin_test

import (
	"testing"

	"pushgate/server/origin"
)

func TestAllows(t *testing.T) {
	const yes, no = true, false
	listed := []string{"https://app.example.com", "partner.example:8443"}
	for name, c := range map[string]struct {
		policy  origin.Policy
		host    string
		origins []string
		want    bool
	}{
		"no page":                      {host: "example.com", want: yes},
		"an empty one":                 {host: "example.com", origins: []string{""}, want: yes},
		"its own":                      {host: "example.com", origins: []string{"https://example.com"}, want: yes},
		"its own, upper case":          {host: "Example.COM", origins: []string{"HTTPS://eXample.com"}, want: yes},
		"its own, with the usual port": {host: "example.com:443", origins: []string{"https://example.com"}, want: yes},
		"its own, with a port":         {host: "example.com:8080", origins: []string{"http://example.com:8080"}, want: yes},
		"its own, IPv6":                {host: "[2001:db8::1]:8080", origins: []string{"http://[2001:db8::1]:8080"}, want: yes},
		"its own in plain text":        {policy: origin.Policy{Secure: true}, host: "example.com", origins: []string{"http://example.com"}, want: no},
		"its own, by TLS":              {policy: origin.Policy{Secure: true}, host: "example.com:8443", origins: []string{"https://example.com:8443"}, want: yes},
		"another port":                 {host: "example.com", origins: []string{"https://example.com:444"}, want: no},
		"another port, no other name":  {host: "example.com:8080", origins: []string{"http://example.com"}, want: no},
		"a scheme's other port":        {host: "example.com:443", origins: []string{"http://example.com"}, want: no},
		"a sub-domain":                 {host: "example.com", origins: []string{"https://a.example.com"}, want: no},
		"the domain above":             {host: "a.example.com", origins: []string{"https://example.com"}, want: no},
		"a beginning":                  {host: "example.com", origins: []string{"https://example.com.evil.net"}, want: no},
		"an end":                       {host: "example.com", origins: []string{"https://evil-example.com"}, want: no},
		"a user":                       {host: "example.com", origins: []string{"https://example.com@evil.net"}, want: no},
		"a user of it":                 {host: "example.com", origins: []string{"https://evil@example.com"}, want: no},
		"a path":                       {host: "example.com", origins: []string{"https://example.com/"}, want: no},
		"a query":                      {host: "example.com", origins: []string{"https://example.com?"}, want: no},
		"a backslash":                  {host: "example.com", origins: []string{`https://evil.net\@example.com`}, want: no},
		"a trailing dot":               {host: "example.com", origins: []string{"https://example.com."}, want: no},
		"no scheme":                    {host: "example.com", origins: []string{"example.com"}, want: no},
		"no host":                      {host: "example.com", origins: []string{"https://"}, want: no},
		"no URL":                       {host: "example.com", origins: []string{"https://%zz"}, want: no},
		"null":                         {host: "example.com", origins: []string{"null"}, want: no},
		"null, here":                   {host: "localhost:8080", origins: []string{"null"}, want: no},
		"a file":                       {host: "localhost:8080", origins: []string{"file://"}, want: no},
		"an extension":                 {host: "localhost:8080", origins: []string{"chrome-extension://abcdef"}, want: no},
		"several":                      {host: "example.com", origins: []string{"https://example.com", "https://example.com"}, want: no},
		"a list":                       {host: "example.com", origins: []string{"https://evil.net https://example.com"}, want: no},

		"listed":                     {policy: origin.Policy{Allowed: listed}, host: "push.example.com", origins: []string{"https://app.example.com"}, want: yes},
		"listed, upper case":         {policy: origin.Policy{Allowed: listed}, host: "push.example.com", origins: []string{"https://APP.example.com"}, want: yes},
		"listed, another scheme":     {policy: origin.Policy{Allowed: listed}, host: "push.example.com", origins: []string{"http://app.example.com"}, want: no},
		"listed, another port":       {policy: origin.Policy{Allowed: listed}, host: "push.example.com", origins: []string{"https://app.example.com:444"}, want: no},
		"listed by host":             {policy: origin.Policy{Allowed: listed}, host: "push.example.com", origins: []string{"http://partner.example:8443"}, want: yes},
		"listed by host, its user":   {policy: origin.Policy{Allowed: listed}, host: "push.example.com", origins: []string{"http://x@partner.example:8443"}, want: no},
		"not listed":                 {policy: origin.Policy{Allowed: listed}, host: "push.example.com", origins: []string{"https://other.example.com"}, want: no},
		"its own is not on the list": {policy: origin.Policy{Allowed: listed}, host: "push.example.com", origins: []string{"https://push.example.com"}, want: yes},
		"null is listed":             {policy: origin.Policy{Allowed: []string{"null"}}, host: "push.example.com", origins: []string{"null"}, want: yes},
		"all":                        {policy: origin.Policy{Allowed: []string{"*"}}, host: "push.example.com", origins: []string{"https://evil.net"}, want: yes},
		"all, null":                  {policy: origin.Policy{Allowed: []string{"*"}}, host: "push.example.com", origins: []string{"null"}, want: yes},
		"all, several":               {policy: origin.Policy{Allowed: []string{"*"}}, host: "push.example.com", origins: []string{"https://a", "https://b"}, want: no},

		"another port here":         {host: "localhost:8080", origins: []string{"http://localhost:3000"}, want: yes},
		"another name for here":     {host: "127.0.0.1:8080", origins: []string{"http://localhost:3000"}, want: yes},
		"here, IPv6":                {host: "[::1]:8080", origins: []string{"https://[::1]:3000"}, want: yes},
		"here, a user":              {host: "localhost:8080", origins: []string{"http://localhost:3000@evil.net"}, want: no},
		"here, a beginning":         {host: "localhost:8080", origins: []string{"http://localhost.evil.net"}, want: no},
		"here, from elsewhere":      {host: "localhost:8080", origins: []string{"https://evil.net"}, want: no},
		"a page of here, elsewhere": {host: "push.example.com", origins: []string{"http://localhost:3000"}, want: no},

		"rebound":                      {policy: origin.Policy{Unguarded: true}, host: "evil.net:8080", origins: []string{"http://evil.net:8080"}, want: no},
		"rebound, but listed":          {policy: origin.Policy{Unguarded: true, Allowed: []string{"evil.net:8080"}}, host: "evil.net:8080", origins: []string{"http://evil.net:8080"}, want: yes},
		"unguarded, by name":           {policy: origin.Policy{Unguarded: true}, host: "localhost:8080", origins: []string{"http://localhost:8080"}, want: yes},
		"unguarded, by address":        {policy: origin.Policy{Unguarded: true}, host: "192.0.2.1:8080", origins: []string{"http://192.0.2.1:8080"}, want: yes},
		"unguarded, by IPv6":           {policy: origin.Policy{Unguarded: true}, host: "[2001:db8::1]", origins: []string{"http://[2001:db8::1]"}, want: yes},
		"unguarded, an address's look": {policy: origin.Policy{Unguarded: true}, host: "127.0.0.1.evil.net", origins: []string{"http://127.0.0.1.evil.net"}, want: no},
		"unguarded, no page":           {policy: origin.Policy{Unguarded: true}, host: "evil.net", want: yes},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.policy.Allows(c.origins, c.host); got != c.want {
				t.Errorf("%q to %s: %v", c.origins, c.host, got)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	for text, good := range map[string]bool{
		"https://app.example.com": true, "http://app.example.com:8080": true, "https://[::1]:1": true, "app.example.com": true,
		"app.example.com:8443": true, "*": true, "null": true, "capacitor://localhost": true, "https://xn--bcher-kva.example": true,
		"": false, "https://": false, "://host": false, "https://app.example.com/": false, "https://app.example.com/x": false,
		"https://app.example.com?x": false, "https://app.example.com#x": false, "https://me@app.example.com": false,
		"https://*.example.com": false, "*.example.com": false, "https://app.example.com.": false, "https://app.example.com:443": false,
		"http://app.example.com:80": false, "https://app.example.com:x": false, "app example": false,
	} {
		if err := origin.Check(text); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}
