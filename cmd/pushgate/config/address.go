package config

import (
	"math"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"pushgate/server/listen"
)

type address struct{ key, value string }

func (f *Flags) addresses() []address {
	all := []address{{"http.address", f.HTTP.Address}, {"grpc.address", f.GRPC.Address}}
	if f.Admin.Address != "" {
		all = append(all, address{"admin.address", f.Admin.Address})
	}
	return all
}

// maxPath is what the operating systems take for the path of a Unix socket.
const maxPath = 103

func (f *Flags) checkAddresses() error {
	for _, a := range f.addresses() {
		path, unix := listen.UnixPath(a.value)
		switch {
		case !unix && !isAddress(a.value):
			return f.problem(a.key, "%q is not an address; write HOST:PORT, as 127.0.0.1:8080, or unix:PATH", a.value)
		case unix && (path == "" || strings.HasPrefix(path, "@")):
			return f.problem(a.key, "%q is not the path of a socket; write unix:PATH, as unix:/run/pushgate/http.sock", a.value)
		case len(path) > maxPath:
			return f.problem(a.key, "the path is %d bytes long; for a socket the limit is %d", len(path), maxPath)
		}
	}
	return nil
}

func isAddress(text string) bool {
	_, port, err := net.SplitHostPort(text)
	if err != nil || port == "" {
		return false
	}
	number, err := strconv.Atoi(port)
	return err != nil || number >= 0 && number <= math.MaxUint16 // or the name of a service
}

// Inherit puts the address of a socket, which the process was given, in the place
// of a setting.
func (f *Flags) Inherit(key string, at net.Addr) {
	text := at.String()
	if at.Network() == "unix" {
		text = "unix:" + text
	}
	s, _ := find(settings, key)
	f.sources[s.flag()] = Source{Kind: Environment, Name: "LISTEN_FDS"}
	switch key {
	case "http.address":
		f.HTTP.Address = text
	case "grpc.address":
		f.GRPC.Address = text
	}
}

// Pprof says whether profiles are served to operators. On http.address they are by
// themselves in the development mode only: what guards them there is the machine.
func (f *Flags) Pprof() bool {
	switch {
	case f.HTTP.Pprof != "auto":
		return f.HTTP.Pprof == "on"
	case f.Admin.Address != "":
		return Local(f.Admin.Address)
	default:
		return Local(f.HTTP.Address) && !f.ClientsShowThemselves()
	}
}

// Local says that only this machine reaches an address. It takes no name's word
// for it but localhost's.
func Local(address string) bool {
	if _, unix := listen.UnixPath(address); unix {
		return true
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback() || err != nil && strings.EqualFold(host, "localhost")
}

// Loopback says whether only this machine reaches an address, over the network.
func Loopback(address string) bool {
	_, unix := listen.UnixPath(address)
	return !unix && Local(address)
}
