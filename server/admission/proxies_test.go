package admission_test

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pushgate/server/admission"
)

func proxies(t testing.TB, header admission.Header, list ...string) admission.Proxies {
	t.Helper()
	p, err := admission.ParseProxies(list, header)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestClientAddress(t *testing.T) {
	trusted := []string{"10.0.0.0/8", "fd00::/8", "192.0.2.7"}
	const proxy = "10.0.0.1:4711"
	for _, test := range []struct {
		name           string
		peer           string
		xff, forwarded []string
		want           string // "" is the peer
	}{
		{"nobody says anything", proxy, nil, nil, ""},
		{"from one proxy", proxy, []string{"203.0.113.5"}, nil, "203.0.113.5"},
		{"a stranger is not believed", "203.0.113.9:1", []string{"8.8.8.8"}, []string{"for=8.8.8.8"}, ""},
		{"what the client had sent is not believed", proxy, []string{"8.8.8.8, 203.0.113.5"}, nil, "203.0.113.5"},
		{"nor in a header of its own", proxy, []string{"8.8.8.8", "203.0.113.5"}, nil, "203.0.113.5"},
		{"past proxies", proxy, []string{"8.8.8.8,203.0.113.5, 10.1.1.1,192.0.2.7"}, nil, "203.0.113.5"},
		{"past proxies in several headers", proxy, []string{"8.8.8.8,203.0.113.5", "10.1.1.1", "fd00::1"}, nil, "203.0.113.5"},
		{"a client among the proxies", proxy, []string{"10.2.2.2, 10.1.1.1"}, nil, "10.2.2.2"},
		{"with a port", proxy, []string{"203.0.113.5:80"}, nil, "203.0.113.5"},
		{"IPv6", proxy, []string{"2001:db8::5"}, nil, "2001:db8::5"},
		{"IPv6 in brackets", proxy, []string{"[2001:db8::5]"}, nil, "2001:db8::5"},
		{"IPv6 with a port", proxy, []string{"[2001:db8::5]:80"}, nil, "2001:db8::5"},
		{"IPv4 in IPv6", proxy, []string{"::ffff:203.0.113.5, ::ffff:10.1.1.1"}, nil, "203.0.113.5"},
		{"a peer that is IPv4 in IPv6", "[::ffff:10.0.0.1]:1", []string{"203.0.113.5"}, nil, "203.0.113.5"},

		{"no address", proxy, []string{"unknown"}, nil, ""},
		{"no address beyond a proxy", proxy, []string{"8.8.8.8, unknown, 10.1.1.1"}, nil, "10.1.1.1"},
		{"empty", proxy, []string{""}, nil, ""},
		{"commas", proxy, []string{"203.0.113.5,,"}, nil, ""},
		{"a zone", proxy, []string{"fe80::1%eth0"}, nil, ""},
		{"half a bracket", proxy, []string{"[2001:db8::5"}, nil, ""},
		{"a leading zero", proxy, []string{"010.0.0.1"}, nil, ""},
		{"a network", proxy, []string{"203.0.113.0/24"}, nil, ""},
		{"too many proxies", proxy, []string{"8.8.8.8" + strings.Repeat(",10.9.9.9", 64)}, nil, "10.9.9.9"},

		{"RFC 7239", proxy, nil, []string{"for=203.0.113.5"}, "203.0.113.5"},
		{"RFC 7239 with all of it", proxy, nil, []string{`by=_a; FOR="203.0.113.5:80" ;host=x;proto=https, for=10.1.1.1;`}, "203.0.113.5"},
		{"RFC 7239 with IPv6", proxy, nil, []string{`for="[2001:db8::5]:80"`}, "2001:db8::5"},
		{"RFC 7239 without its quotes", proxy, nil, []string{`for=[2001:db8::5]:80`}, "2001:db8::5"},
		{"RFC 7239, spoofed", proxy, nil, []string{`for=8.8.8.8, for=203.0.113.5`}, "203.0.113.5"},
		{"RFC 7239, spoofed in a header of its own", proxy, nil, []string{`for=8.8.8.8`, `for=203.0.113.5`}, "203.0.113.5"},
		{"RFC 7239, a quote that swallows", proxy, nil, []string{`for=8.8.8.8;x=", for=203.0.113.5`}, ""},
		{"RFC 7239, a quote that swallows a quote", proxy, nil, []string{`for=8.8.8.8;x=", for="203.0.113.5"`}, ""},
		{"RFC 7239, an escape that swallows", proxy, nil, []string{`for=8.8.8.8;x="\", for="203.0.113.5"`}, ""},
		{"RFC 7239, hidden", proxy, nil, []string{`for=8.8.8.8, for=_hidden`}, ""},
		{"RFC 7239, unknown beyond a proxy", proxy, nil, []string{`for=8.8.8.8, for=unknown, for=10.1.1.1`}, "10.1.1.1"},
		{"RFC 7239, for whom is not said", proxy, nil, []string{`for=8.8.8.8, proto=https`}, ""},
		{"RFC 7239, twice", proxy, nil, []string{`for=203.0.113.5;for=8.8.8.8`}, ""},
		{"RFC 7239, malformed before a good header", proxy, nil, []string{`for="8.8.8.8`, "for=10.1.1.1"}, "10.1.1.1"},
		{"RFC 7239, garbage", proxy, nil, []string{`=;,"`}, ""},
		{"RFC 7239, too many proxies", proxy, nil, []string{"for=8.8.8.8" + strings.Repeat(",for=10.9.9.9", 64)}, "10.9.9.9"},

		{"both agree", proxy, []string{"203.0.113.5"}, []string{"for=203.0.113.5"}, "203.0.113.5"},
		{"both, one of them the client's own", proxy, []string{"203.0.113.5"}, []string{"for=8.8.8.8"}, ""},
		{"both, the other one the client's own", proxy, []string{"8.8.8.8"}, []string{"for=203.0.113.5"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: test.peer, Header: http.Header{}}
			if test.xff != nil {
				r.Header["X-Forwarded-For"] = test.xff
			}
			if test.forwarded != nil {
				r.Header["Forwarded"] = test.forwarded
			}
			address, shown := proxies(t, admission.Either, trusted...).Client(r)
			if test.want == "" {
				peer := netip.MustParseAddrPort(test.peer).Addr().Unmap()
				if address != peer || shown != test.peer {
					t.Errorf("got %s, shown %s, want the peer", address, shown)
				}
				return
			}
			if address.String() != test.want || shown != test.want {
				t.Errorf("got %s, shown %s, want %s", address, shown, test.want)
			}
		})
	}
}

func TestHeaderThatIsNamed(t *testing.T) {
	r := &http.Request{RemoteAddr: "10.0.0.1:1", Header: http.Header{
		"X-Forwarded-For": {"203.0.113.5"}, "Forwarded": {"for=203.0.113.6"},
	}}
	for header, want := range map[admission.Header]string{
		admission.XForwardedFor: "203.0.113.5", admission.Forwarded: "203.0.113.6", admission.Either: "10.0.0.1",
	} {
		if address, _ := proxies(t, header, "10.0.0.1").Client(r); address.String() != want {
			t.Errorf("%s: got %s", header, address)
		}
	}
}

func TestUnixSocketPeers(t *testing.T) {
	r := &http.Request{RemoteAddr: "@", Header: http.Header{"X-Forwarded-For": {"203.0.113.5"}}}
	if address, shown := proxies(t, admission.Either, "10.0.0.0/8").Client(r); address.IsValid() || shown != "@" {
		t.Errorf("got %s, shown %s", address, shown)
	}
	if address, shown := proxies(t, admission.Either, "unix").Client(r); shown != "203.0.113.5" || address.String() != shown {
		t.Errorf("got %s, shown %s", address, shown)
	}
}

func TestParseProxies(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.0": "", "10.0.0.0/8": "", "::1": "", "fd00::/8": "", "unix": "", "::ffff:10.0.0.0/104": "", "0.0.0.0/0": "",
		"10.0.0.1/8":  `"10.0.0.1/8" is an address within a network; write 10.0.0.0/8 or 10.0.0.1`,
		"":            `"" is neither an address nor a network; write 10.0.0.1, 10.0.0.0/8 or fd00::/8`,
		"proxy":       `"proxy" is neither an address nor a network; write 10.0.0.1, 10.0.0.0/8 or fd00::/8`,
		"fe80::1%lo":  `"fe80::1%lo" is neither an address nor a network; write 10.0.0.1, 10.0.0.0/8 or fd00::/8`,
		"10.0.0.0/33": `"10.0.0.0/33" is neither an address nor a network; write 10.0.0.1, 10.0.0.0/8 or fd00::/8`,
	} {
		_, err := admission.ParseProxies([]string{text}, admission.Either)
		if (err != nil) != (want != "") || err != nil && err.Error() != want {
			t.Errorf("%q: got %v", text, err)
		}
	}
	p := proxies(t, admission.Either, "::ffff:10.0.0.0/104", "fd00::/8")
	if !p.Trust(netip.MustParseAddr("10.1.1.1")) || p.Trust(netip.MustParseAddr("11.1.1.1")) || !p.Trust(netip.MustParseAddr("fd00::1")) {
		t.Error("other networks are trusted than were named")
	}
}

// Whatever a client writes into headers: what the proxy has added to them decides.
func FuzzClientAddress(f *testing.F) {
	f.Add("8.8.8.8", `for=8.8.8.8;x="`)
	f.Add("10.0.0.1,", `for="[2001:db8::1]:80", for=_x, for=10.0.0.1`)
	f.Add("[", `for="\"`)
	f.Add(`", `, `,;=`)
	f.Fuzz(func(t *testing.T, xff, forwarded string) {
		const peer, client = "10.0.0.1:1", "203.0.113.5"
		for _, header := range []admission.Header{admission.Either, admission.XForwardedFor, admission.Forwarded} {
			p := proxies(t, header, "10.0.0.0/8")
			ask := func(peer string, xff, forwarded []string) string {
				r := &http.Request{RemoteAddr: peer, Header: http.Header{"X-Forwarded-For": xff, "Forwarded": forwarded}}
				address, _ := p.Client(r)
				return address.String()
			}
			if got := ask("203.0.113.9:1", []string{xff}, []string{forwarded}); got != "203.0.113.9" {
				t.Errorf("%s: a stranger became %s", header, got)
			}
			// As proxies append it, and as a header of their own.
			for _, got := range []string{
				ask(peer, []string{xff + ", " + client}, []string{forwarded + ", for=" + client}),
				ask(peer, []string{xff, client}, []string{forwarded, "for=" + client}),
				ask(peer, []string{xff, client}, []string{forwarded, `for="` + client + `:80"`}),
				ask(peer, []string{xff + ", " + client}, []string{forwarded + `, for="` + client + `:80";proto=http`}),
			} {
				if !slices.Contains([]string{client, "10.0.0.1"}, got) {
					t.Errorf("%s: the client became %s", header, got)
				}
			}
		}
	})
}
