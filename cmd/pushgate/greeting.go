package main

import (
	"fmt"
	"net"

	"pushgate/server/listen"
)

// What the client commands speak to when nothing else is said.
const (
	defaultGRPC      = "127.0.0.1:9090"
	defaultWebSocket = "ws://127.0.0.1:8080/ws"
)

// greeting says in three lines where the node is and what to try next. What has to be
// shown for that stands there in capitals.
func (n *node) greeting() string {
	f := n.flags.Load()
	there, health, token, key := "try it, health, metrics", "", "", ""
	if !f.OperationalHTTP() {
		there, health = "health", "/healthz"
	}
	if f.ClientsShowThemselves() && !f.Token.Anonymous {
		token = " --token TOKEN"
	}
	if f.CallersConfigured() {
		key = " --api-key-file FILE"
	}
	http, grpc := reachable(n.httpListener.Addr()), reachable(n.grpcListener.Addr())
	web, secure := "http", ""
	if n.shown.http != nil {
		web, secure = "https", "s"
	}
	if n.shown.grpc != nil {
		grpc = "https://" + grpc
	}
	publish := "pushgate publish" + serverFlag(grpc, defaultGRPC) + key + " news '{\"hello\":\"world\"}'"
	if path, unix := listen.UnixPath(http); unix {
		return fmt.Sprintf("WebSocket  %s   (/ws?channel=news; health: curl --unix-socket %s http://localhost/readyz)\n"+
			"gRPC       %s\nTry: %s\n", http, path, grpc, publish)
	}
	socket := "ws" + secure + "://" + http + "/ws"
	return fmt.Sprintf("WebSocket  %s?channel=news   (%s: %s://%s%s)\n"+
		"gRPC       %s\n"+
		"Try: pushgate subscribe%s%s news    and in another terminal: %s\n",
		socket, there, web, http, health, grpc, serverFlag(socket, defaultWebSocket), token, publish)
}

func serverFlag(address, usual string) string {
	if address == usual {
		return ""
	}
	return " --server " + address
}

// reachable is the address under which this machine reaches a listener.
func reachable(address net.Addr) string {
	tcp, ok := address.(*net.TCPAddr)
	if !ok {
		return "unix:" + address.String()
	}
	if tcp.IP.IsUnspecified() {
		return fmt.Sprintf("127.0.0.1:%d", tcp.Port)
	}
	return tcp.String()
}
